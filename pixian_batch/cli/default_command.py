"""The command line's first word: a command, or an input of the default command. Loads nothing heavy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_OWN_OPTIONS: Final = frozenset({"--help", "-h", "--install-completion", "--show-completion"})


class MistypedCommandError(Exception):
    """The first word is nearly a command and nothing of that name is there to be cut out; `hint`: what to do."""

    hint = "pixian-batch --help lists the commands"


def with_default_command(words: list[str], commands: Collection[str]) -> list[str]:
    """`INPUT... --out DIR` means `run INPUT... --out DIR`. Raises `MistypedCommandError`."""
    if not words or words[0] in commands or words[0] in _OWN_OPTIONS:
        return words
    if near := nearly(words[0], commands):
        raise MistypedCommandError(f"{words[0]!r} is no command and no file: did you mean {near!r}?")
    return ["run", *words]


def nearly(word: str, commands: Collection[str]) -> str | None:
    """The command that `word` is probably a slip for."""
    if not word.isascii() or not word.isalpha() or os.path.lexists(word):
        return None
    from difflib import get_close_matches  # rarely needed

    return next(iter(get_close_matches(word.lower(), list(commands), n=1, cutoff=0.7)), None)
