"""What the files say, applied to one command: the defaults of its parser, and the variables it looks at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pixian_batch.cli.configuration.keys import ENVIRONMENT, OptionKey, keys
from pixian_batch.cli.configuration.reading import load

if TYPE_CHECKING:
    from pixian_batch.cli.configuration.files import Choice

_LEDGER: Final = frozenset({"out", "ledger"})
_SERVICE: Final = frozenset({"api-url"})
_TAKEN: Final[dict[str, frozenset[str] | None]] = {
    "run": None,
    "plan": None,
    "config": None,
    "status": _LEDGER,
    "resolve": _LEDGER,
    "clean": _LEDGER,
    "redo": None,
    "reconcile": _LEDGER | _SERVICE,
    "account": _SERVICE,
    "doctor": _LEDGER | _SERVICE | {"local"},
    "login": _SERVICE,
}
"""Command -> the keys that are for it; None: all. Other commands read no file."""


def apply(command: str, words: list[str], choice: Choice) -> tuple[list[str], dict[str, object]]:
    """The command line without `--no-...` switches, and the parser's defaults for `command`.

    Raises `ConfigurationError`.
    """
    if command not in _TAKEN:
        return words, {}
    settings = load(choice).settings
    for name, variable in ENVIRONMENT.items():
        if name in settings:
            os.environ.setdefault(variable, str(settings[name].value))
    taken = _TAKEN[command]
    defaults = {
        keys()[name].attribute: setting.value
        for name, setting in settings.items()
        if name in keys() and (taken is None or name in taken)
    }
    return _switched_off(words, defaults), defaults


def _switched_off(words: list[str], defaults: dict[str, object]) -> list[str]:
    """`--no-test` against `test = true` of a file or the environment: a flag is stronger than both."""
    switches: dict[str, OptionKey] = {
        f"--no-{key.name}": key for key in keys().values() if key.kind == "switch"
    }
    end = words.index("--") if "--" in words else len(words)
    for word in words[:end]:
        if key := switches.get(word):
            defaults[key.attribute] = False
            os.environ.pop(key.envvar or "", None)
    return [word for at, word in enumerate(words) if at >= end or word not in switches]
