"""What people type first, out of habit from other tools, and the line that does it here. Words only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SHELLS: Final = ("bash", "zsh", "fish", "powershell")


@dataclass(frozen=True, slots=True)
class Door:
    """A word that is no command here: what to type instead."""

    message: str
    hint: str


_ELSEWHERE: Final = {
    "version": "pixian-batch --version",
    "logout": "pixian-batch login --remove",
    "auth": "pixian-batch login",
    "balance": "pixian-batch account",
    "credits": "pixian-batch account",
    "whoami": "pixian-batch account",
    "resume": "run the same command again: it goes on where it stopped",
    "continue": "run the same command again: it goes on where it stopped",
    "retry": "run the same command again: what failed is tried again, what is done is skipped",
    "estimate": "pixian-batch plan ./photos --out ./cut",
    "price": "pixian-batch plan ./photos --out ./cut --calibrate 5",
    "ls": "pixian-batch status ./cut",
    "list": "pixian-batch status ./cut",
    "server": "pixian-batch serve",
    "update": "update it as you have installed it: pipx upgrade pixian-batch",
    "upgrade": "update it as you have installed it: pipx upgrade pixian-batch",
    "man": "man pixian-batch, or pixian-batch --help",
}
_COMPLETION: Final = frozenset({"completion", "completions", "autocomplete"})


def other_door(words: Sequence[str]) -> Door | None:
    """The answer to a first word that other tools have as a command; None where there is none."""
    word = words[0]
    if word in _COMPLETION:
        return Door(f"{word!r} is no command here", _completion(words[1] if len(words) > 1 else ""))
    if word in _ELSEWHERE:
        return Door(f"{word!r} is no command here", _ELSEWHERE[word])
    return None


def _completion(shell: str) -> str:
    if shell in SHELLS:
        return (
            f"pixian-batch --show-completion {shell} prints it; in {shell}: pixian-batch --install-completion"
        )
    return "pixian-batch --install-completion, in the shell that it is for; --show-completion only prints it"
