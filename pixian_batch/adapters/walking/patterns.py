"""Globs, include and exclude patterns -> questions about names and places. Looks at no file but a glob's own folder."""

from __future__ import annotations

import fnmatch
import glob
import os
import re


class Glob:
    """A glob pattern below its fixed part, asked about places. `met`: something matched, as far as is told.

    Without `**`, whatever lies in a folder that matches is wanted; with it, only files that match.
    """

    def __init__(self, pattern: str) -> None:
        parts = pattern.replace(os.altsep or "/", "/").replace(os.sep, "/").split("/")
        flags = re.IGNORECASE if os.path.normcase("A") == "a" else 0
        self._parts = [None if part == "**" else re.compile(fnmatch.translate(part), flags) for part in parts]
        self._fixed = self._parts.index(None) if None in self._parts else len(parts)
        self.met = False

    def enters(self, place: str) -> bool:
        """Whether something in the folder at `place` may be wanted."""
        names = place.split("/")
        fits = _fit(self._parts[: self._fixed], names[: self._fixed], partly=True)
        if fits and len(names) >= len(self._parts) == self._fixed:
            self.met = True
        return fits

    def fits(self, place: str) -> bool:
        """Whether the file at `place` is wanted; who takes it says so in `met`."""
        names = place.split("/")
        if self._fixed == len(self._parts):
            names = names[: self._fixed]
        return _fit(self._parts, names)


def _fit(parts: list[re.Pattern[str] | None], names: list[str], *, partly: bool = False) -> bool:
    """Whether `names` are what `parts` describe (`partly`: the beginning of it); None stands for `**`."""
    if not parts or not names:
        return not names and (partly or not parts or parts == [None])
    if parts[0] is None:
        return _fit(parts[1:], names, partly=partly) or _fit(parts, names[1:], partly=partly)
    return parts[0].fullmatch(names[0]) is not None and _fit(parts[1:], names[1:], partly=partly)


class Patterns:
    """Compiled include or exclude patterns; with a `/` for places, without one for bare names.

    The suffix of a pattern matches in any case, as the walk takes suffixes: `*.jpg` is `*.JPG`, too.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._place = _any_of([pattern.strip("/") for pattern in patterns if "/" in pattern])
        self._name = _any_of([pattern for pattern in patterns if "/" not in pattern])

    def __bool__(self) -> bool:
        return self._place is not None or self._name is not None

    def match(self, name: str, place: str) -> bool:
        """Whether one of them is for the file or folder `name` at `place`."""
        named = self._name is not None and self._name.fullmatch(name) is not None
        return named or (self._place is not None and self._place.fullmatch(place) is not None)


def _any_of(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(fnmatch.translate(_any_case(one)) for one in patterns)) if patterns else None


def _any_case(pattern: str) -> str:
    """`pattern` with the letters of its suffix in either case; one with sets in its suffix is left as it is."""
    stem, dot, suffix = pattern.rpartition(".")
    if not dot or "/" in suffix or "[" in suffix or "]" in suffix:
        return pattern
    either = (f"[{char.lower()}{char.upper()}]" if char.isalpha() else char for char in suffix)
    return stem + dot + "".join(either)


def fixed_prefix(pattern: str) -> str:
    """The folder of a glob pattern above its first wildcard; a folder that exists is none."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder) and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder or os.curdir
