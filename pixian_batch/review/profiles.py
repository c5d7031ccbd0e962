"""The profiles: what a marketplace asks of a product image, read from TOML, strictly. The shipped ones are `profiles.toml`.

Blocking: reads files. An unknown key, a value that cannot be meant and a profile without rules are errors that say what to write.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.policy.disk import system_word
from pixian_batch.policy.encoding import SAVE_AS_UTF8, Utf16Error, text_of, toml_trouble
from pixian_batch.policy.spelling import nearest
from pixian_batch.review.rule_values import Background, RuleValueError
from pixian_batch.review.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pixian_batch.contract.params import Color

_ABOUT: Final = ("title", "sources", "checked", "recipe")
_LEVELS: Final = ("error", "warning")
_MOST_BYTES: Final = 1 << 20
Rules = tuple[tuple[str, Any], ...]
"""Names of rules, with their values."""


class ProfileError(Exception):
    """A profile that cannot be used: what is wrong with it; `hint`: what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Profile:
    """What one marketplace asks: errors are demanded, warnings advised. recipe: of `render`, that makes what it asks for."""

    name: str
    errors: Rules
    warnings: Rules = ()
    title: str = ""
    sources: tuple[str, ...] = ()
    checked: date | None = None
    recipe: str | None = None

    @property
    def background(self) -> Color | None:
        """The colour of the ground that it asks for; None: whatever there is."""
        values = [value for name, value in (*self.errors, *self.warnings) if name == "background"]
        return values[0].color if values and isinstance(values[0], Background) else None


@cache
def shipped() -> dict[str, Profile]:
    """The profiles that come with the package, by name."""
    data = resources.files("pixian_batch.review").joinpath("profiles.toml").read_bytes()
    return {profile.name: profile for profile in _profiles("profiles.toml", data)}


def find_profiles(words: Iterable[str]) -> list[Profile]:
    """The profiles that these words name: a shipped one's name, or a file, of which all are taken. Raises `ProfileError`."""
    found: dict[str, Profile] = {}
    for word in words:
        for profile in _named(word):
            if found.setdefault(profile.name, profile) != profile:
                raise ProfileError(
                    f"there are two profiles {profile.name!r}", "give one of them another name"
                )
    return list(found.values())


def _named(word: str) -> list[Profile]:
    if word in shipped():
        return [shipped()[word]]
    if os.sep in word or word.endswith(".toml") or os.path.isfile(word):
        return read_profiles(word)
    near = nearest(word, shipped())
    hint = f"did you mean {near}?" if near else f"there are {', '.join(shipped())}"
    raise ProfileError(f"there is no profile {word!r}", f"{hint} Your own: --profile FILE.toml")


def read_profiles(path: str) -> list[Profile]:
    """All profiles of a file. Raises `ProfileError`."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MOST_BYTES)
    except OSError as error:
        raise ProfileError(
            f"{path} cannot be read: {system_word(error)}", "name a file of profiles"
        ) from error
    return _profiles(path, data)


def _profiles(path: str, data: bytes) -> list[Profile]:
    try:
        document = tomllib.loads(text_of(data))
    except Utf16Error as error:
        raise ProfileError(f"{path} {error}", SAVE_AS_UTF8) from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: it is not UTF-8 text", SAVE_AS_UTF8) from error
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(
            f"{path}: {toml_trouble(error)}", 'a line is key = value: aspect = "1:1"'
        ) from error
    _check_keys(document, ("profile",), path)
    tables = document.get("profile", {})
    if (
        not isinstance(tables, dict)
        or not tables
        or not all(isinstance(item, dict) for item in tables.values())
    ):
        raise ProfileError(f"{path} holds no profile", "write [profile.NAME.error] and its rules below")
    return [_profile(f"{path}, profile {name}", name, table) for name, table in tables.items()]


def _profile(place: str, name: str, table: Mapping[str, Any]) -> Profile:
    _check_keys(table, (*_ABOUT, *_LEVELS), place)
    errors, warnings = (_rules(f"{place}.{level}", table.get(level, {})) for level in _LEVELS)
    if not errors and not warnings:
        raise ProfileError(f"{place} has no rule", f"write [profile.{name}.error] and its rules below")
    _check_grounds(place, (errors, warnings))
    sources = table.get("sources", [])
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise ProfileError(
            f"{place}: sources is not a list of texts", 'sources = ["https://example.com/rules"]'
        )
    return Profile(
        name,
        errors,
        warnings,
        title=_of_kind(place, table, "title", str) or "",
        sources=tuple(sources),
        checked=_of_kind(place, table, "checked", date),
        recipe=_of_kind(place, table, "recipe", str),
    )


def _of_kind(place: str, table: Mapping[str, Any], key: str, kind: type) -> Any:
    value = table.get(key)
    if value is not None and type(value) is not kind:
        example = "2026-11-25" if kind is date else '"amazon-main"'
        raise ProfileError(f"{place}: {key} = {value!r} cannot be meant", f"for example {key} = {example}")
    return value


def _rules(place: str, table: Any) -> Rules:
    if not isinstance(table, dict):
        raise ProfileError(
            f"{place} is not a table", f"write [{place.rpartition(' ')[2]}] and its rules below"
        )
    _check_keys(table, RULES, place)
    rules = []
    for name, value in table.items():
        try:
            rules.append((name, RULES[name].read(value)))
        except RuleValueError as error:
            shown = f"{name} = {value!r}"
            raise ProfileError(
                f"{place}: {shown} {error}", f"for example {name} = {error.example}"
            ) from error
    return tuple(rules)


def _check_grounds(place: str, levels: Iterable[Rules]) -> None:
    """A picture has one ground: two colours cannot both be asked for."""
    colors = {value.color for rules in levels for name, value in rules if name == "background"}
    if len(colors) > 1:
        raise ProfileError(f"{place} asks for two colours of the ground", "write two profiles")


def _check_keys(table: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    known = tuple(known)
    for key in table:
        if key not in known:
            near = nearest(key.replace("-", "_"), known)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
            raise ProfileError(f"{place}: there is no {key!r}", hint)
