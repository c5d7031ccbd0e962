"""One value of a file: whether its key is known and safe there, and the value as the parser takes defaults."""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pixian_batch.cli.configuration.files import ConfigFile, ConfigurationError, user_path
from pixian_batch.cli.configuration.keys import ENVIRONMENT, OptionKey, keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_SECRETS: Final = frozenset({"api-secret", "secret", "password", "token", "pixian-api-secret", "credentials"})
_COMMANDS: Final = frozenset({"credentials-command", "on-finish"})
"""Keys whose values are run: not from a project's file."""


def find_key(file: ConfigFile, written: str, value: object, place: str) -> OptionKey:
    """The key that a file may set so. Raises `ConfigurationError`."""
    name = written.replace("_", "-")
    if name in _SECRETS or name.removeprefix("pixian-") in _SECRETS:
        raise ConfigurationError(
            f"{place}: {written}: a secret does not belong in this file",
            'use credentials-command = "pass show pixian", PIXIAN_API_SECRET_FILE or pixian-batch login',
        )
    if name not in keys() and name not in ENVIRONMENT:
        raise ConfigurationError(
            f"{place}: there is no option {written!r}",
            did_you_mean(name, {*keys(), *ENVIRONMENT}) or "pixian-batch config shows them all",
        )
    if file.of_project:
        _check_safe(name, value, place)
    return keys().get(name) or OptionKey(name=name, attribute=name)


def _check_safe(name: str, value: object, place: str) -> None:
    """What a folder that somebody else made may not decide for the one who enters it."""
    hint = f"write it into your own file, {user_path() or 'where you have a home'}, or set the environment variable"
    if name in _COMMANDS:
        raise ConfigurationError(f"{place}: a project's file may not run a command: {name}", hint)
    if name == "api-url" and not str(value).startswith(("http://127.0.0.1:", "http://localhost:")):
        raise ConfigurationError(
            f"{place}: a project's file may not send your credentials elsewhere: {name}", hint
        )


def as_default(file: ConfigFile, key: OptionKey, value: object, place: str) -> object:
    """The value as the parser takes defaults: switches, lists and texts as a user would write them."""
    wrong = f"{place}: {key.name} is {_kind_of(value)}"
    if key.kind == "switch":
        if not isinstance(value, bool):
            raise ConfigurationError(wrong, f"write {key.name} = true or false")
        return value
    if key.kind == "list":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigurationError(wrong, f'write a list of texts: {key.name} = ["...", "..."]')
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ConfigurationError(wrong, f"write a text or a number: {key.name} = ...")
    if key.kind == "number" and not isinstance(value, int):
        raise ConfigurationError(wrong, f"write a whole number: {key.name} = 40")
    text = file.resolve(str(value)) if key.is_path else str(value)
    _check_text(key, text, f"{place}: {key.name}")
    return text


def _check_text(key: OptionKey, text: str, what: str) -> None:
    """That the option takes this text. Raises `ConfigurationError`."""
    if key.choices and text not in key.choices:
        raise ConfigurationError(
            f"{what}: {text!r} is none of {', '.join(key.choices)}",
            did_you_mean(text, key.choices) or "choose one of them",
        )
    if key.read is not None:
        _try(key.read, text, what)


def _try(read: Callable[[str], object], text: str, what: str) -> None:
    import typer  # the parser is about to load it

    try:
        read(text)
    except typer.BadParameter as error:
        raise ConfigurationError(f"{what}: {error.message}", "correct it there") from error


def _kind_of(value: object) -> str:
    kinds = {
        bool: "true or false",
        str: "a text",
        int: "a number",
        Decimal: "a number",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a date")


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A hint at the nearest of the known names, if any is near."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""
