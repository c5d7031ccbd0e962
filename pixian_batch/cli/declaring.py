"""How an option is declared: its name, its environment variable, its help, its default. Declares none itself."""

from __future__ import annotations

from dataclasses import Field, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_T = TypeVar("_T")
_AS_WRITTEN: Final = "as written"
"""Where a field keeps a default that is written otherwise than it is read: `5m`."""


def option(name: str, help_: str, *also: str, only: str = "", **more: Any) -> Any:
    """An option with the environment variable that its name gives. No `metavar`: a switch.

    only: the command whose own option it is, where the same word means something else for a run.
    """
    words = ("pixian-batch", only, name.lstrip("-"))
    envvar = "_".join(filter(None, words)).upper().replace("-", "_")
    more.setdefault("metavar", "")
    return typer.Option(name, *also, help=help_, envvar=envvar, show_envvar=bool(only), **more)


def in_panel(panel: str, name: str, help_: str, *also: str, **more: Any) -> Any:
    """One that the help shows in a group of this title."""
    return option(name, help_, *also, rich_help_panel=panel, **more)


def text(panel: str, name: str, metavar: str, help_: str) -> Any:
    """One with a value that is read later."""
    return in_panel(panel, name, help_, metavar=metavar)


def choice(panel: str, name: str, choices: Iterable[str], help_: str) -> Any:
    """One of some words; the shell completes them."""
    words = [str(word) for word in choices]

    def complete() -> list[str]:
        return words

    return in_panel(panel, name, help_, metavar="|".join(words), autocompletion=complete)


def default(text: str, read: Callable[[str], _T]) -> _T:
    """A field's default, as the user would write it."""
    return field(default=read(text), metadata={_AS_WRITTEN: text})


def default_of(item: Field[Any]) -> object:
    """A field's default as the parser takes it, which is as the user would write it; else `MISSING`."""
    return item.metadata.get(_AS_WRITTEN, item.default)
