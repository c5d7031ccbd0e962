"""Inputs -> batches of names, streamed and sorted per folder. Blocking: the scout runs it in a thread.

Plain strings and `scandir` on purpose: a list of `Path` costs ten times as much (a million inputs).
Walking opens no file, stats no file and knows nothing of ledgers or results.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.contract.kinds import INPUT_SUFFIXES
from pixian_batch.policy.naming import collisions, url_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

BATCH: Final = 1000
"""Names in a batch at most: what is held in memory of a folder beyond its sorted names."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to `BATCH` files of one folder. `place` is the folder relative to its input root, "" for the root.

    rivals: for names whose results would overwrite each other, the other names.
    named: the user named these files one by one.
    """

    folder: str
    place: str
    names: list[str]
    rivals: Mapping[str, list[str]] = field(default_factory=dict)
    named: bool = False

    def path(self, name: str) -> str:
        """The path of one of the files."""
        return os.path.join(self.folder, name)

    def place_of(self, name: str) -> str:
        """The place of one of the files under its input root."""
        return f"{self.place}/{name}" if self.place else name


@dataclass(frozen=True, slots=True)
class Url:
    """An input that the service fetches itself."""

    url: str
    place: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """An input that cannot be walked. The walk goes on."""

    path: str
    code: str
    message: str
    hint: str


Walked: TypeAlias = Batch | Url | Trouble


@dataclass(frozen=True, slots=True)
class WalkRules:
    """What counts as an input. Patterns with a `/` match the place, others the bare name of file or folder.

    avoid: folders that are never entered (the output).
    result_place: the function from an input's place to its result's, to find names that collide.
    """

    result_place: Callable[[str], str]
    avoid: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False


class Walker:
    """Walks inputs in the order given. One use each."""

    def __init__(self, rules: WalkRules) -> None:
        self._rules = rules
        self._avoid = {identity for path in rules.avoid if (identity := _identity(path))}
        self._include = _Patterns(rules.include)
        self._exclude = _Patterns(rules.exclude)

    def walk(self, inputs: Iterable[str], *, listed: bool = False) -> Iterator[Walked]:
        """Everything under `inputs`: files, folders, globs, http(s) URLs.

        With `listed` the inputs come from a list file: relative paths are mirrored as they are written.
        """
        for name in inputs:
            if name.startswith(("http://", "https://")):
                yield Url(name, url_place(name))
            elif os.path.isdir(name):
                yield from self._tree(name, _listed_place(name) if listed else "")
            elif os.path.lexists(name):
                yield self._single(name, listed=listed)
            else:
                yield from self._glob(name)

    def _single(self, path: str, *, listed: bool) -> Walked:
        if not os.path.isfile(path):
            return Trouble(path, "not_a_file", "is neither a file nor a folder", "name a photo or a folder")
        folder, name = os.path.split(path)
        place = os.path.dirname(_listed_place(path)).replace(os.sep, "/") if listed else ""
        return Batch(folder or os.curdir, place, [name], named=True)

    def _glob(self, pattern: str) -> Iterator[Walked]:
        if not glob.has_magic(pattern):
            yield Trouble(pattern, "not_found", "does not exist", "check the spelling of the path")
            return
        root = _fixed_prefix(pattern)
        matches = sorted(glob.iglob(pattern, recursive=True))
        if not matches:
            yield Trouble(pattern, "not_found", "matches nothing", "check the pattern; ** crosses folders")
        for match in matches:
            place = os.path.relpath(match, root).replace(os.sep, "/")
            if os.path.isdir(match):
                # `**` lists folders beside the files in them: the files are matched by themselves.
                if "**" not in pattern:
                    yield from self._tree(match, place)
            elif self._is_input(os.path.basename(match), place):
                folder, name = os.path.split(match)
                yield Batch(folder or os.curdir, place.rpartition("/")[0], [name])

    def _tree(self, root: str, place: str) -> Iterator[Walked]:
        """Depth first, names sorted; `trail` holds the folders above, so that a symlink loop ends."""
        stack: list[tuple[str, str, frozenset[tuple[int, int]]]] = [(root, place, frozenset())]
        while stack:
            folder, place, trail = stack.pop()
            identity = _identity(folder)
            if identity in self._avoid or identity in trail:
                continue
            try:
                names, folders = self._list(folder, place)
            except OSError as error:
                yield _unreadable(folder, error)
                continue
            yield from self._batches(folder, place, names)
            below = trail | {identity} if identity else trail
            stack += [
                (os.path.join(folder, name), f"{place}/{name}" if place else name, below)
                for name in reversed(folders)
            ]

    def _list(self, folder: str, place: str) -> tuple[list[str], list[str]]:
        """Sorted names of the files and of the folders to enter. Raises OSError."""
        names: list[str] = []
        folders: list[str] = []
        prefix = f"{place}/" if place else ""
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    continue
                if _is_folder(entry, follow=self._rules.follow_symlinks):
                    if not self._exclude.match(name, prefix + name):
                        folders.append(name)
                elif self._is_input(name, prefix + name) and entry.is_file():
                    names.append(name)
        names.sort()
        folders.sort()
        return names, folders

    def _is_input(self, name: str, place: str) -> bool:
        if os.path.splitext(name)[1].lower() not in INPUT_SUFFIXES or name[0] == ".":
            return False
        if self._exclude.match(name, place):
            return False
        return not self._include or self._include.match(name, place)

    def _batches(self, folder: str, place: str, names: list[str]) -> Iterator[Batch]:
        rivals = collisions((name, self._rules.result_place(name)) for name in names)
        for start in range(0, len(names), BATCH):
            yield Batch(folder, place, names[start : start + BATCH], rivals)


class _Patterns:
    """Compiled include or exclude patterns."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        places = [p.strip("/") for p in patterns if "/" in p]
        names = [p for p in patterns if "/" not in p]
        self._place = _any_of(places)
        self._name = _any_of(names)

    def __bool__(self) -> bool:
        return self._place is not None or self._name is not None

    def match(self, name: str, place: str) -> bool:
        named = self._name is not None and self._name.fullmatch(name) is not None
        return named or (self._place is not None and self._place.fullmatch(place) is not None)


def _any_of(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_folder(entry: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False


def _listed_place(path: str) -> str:
    """The place of a listed path: as written, without drive, root and upward steps."""
    parts = os.path.splitdrive(os.path.normpath(path))[1].split(os.sep)
    return "/".join(part for part in parts if part not in {"", ".", ".."})


def _fixed_prefix(pattern: str) -> str:
    """The folder of a glob pattern above its first wildcard."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder or os.curdir


def _unreadable(folder: str, error: OSError) -> Trouble:
    return Trouble(
        folder,
        "unreadable_folder",
        f"cannot be read: {error.strerror or error}",
        "give this user the right to read it, or leave it out with --exclude",
    )


def read_list(path: str, *, nul: bool = False) -> Iterator[str]:
    """The inputs named in a list file (`-`: standard input), one a line, or NUL-separated.

    Streamed; names need not be UTF-8. Raises OSError when the file cannot be read.
    """
    if path == "-":
        yield from _split(sys.stdin.buffer.fileno(), nul=nul)
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield from _split(descriptor, nul=nul)
    finally:
        os.close(descriptor)


def _split(descriptor: int, *, nul: bool) -> Iterator[str]:
    separator = b"\0" if nul else b"\n"
    rest = b""
    while block := os.read(descriptor, 1 << 16):
        *names, rest = (rest + block).split(separator)
        yield from filter(None, (_decoded(name, nul=nul) for name in names))
    if last := _decoded(rest, nul=nul):
        yield last


def _decoded(name: bytes, *, nul: bool) -> str:
    return os.fsdecode(name if nul else name.rstrip(b"\r"))


def is_folder(path: str) -> bool:
    """Whether `path` is a folder that can be entered."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError:
        return False
