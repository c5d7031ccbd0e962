"""Inputs -> batches of names, streamed and sorted per folder. Blocking: the discovery runs it in a thread.

Plain strings and `scandir` on purpose: a list of `Path` costs ten times as much (a million inputs).
Walking opens no file, stats no file and knows nothing of ledgers or results.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import select
import stat
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.contract.kinds import INPUT_SUFFIXES
from pixian_batch.policy.naming import all_folded, collisions, url_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    ResultNames: TypeAlias = "Callable[[Sequence[str]], list[str]]"

BATCH: Final = 1000
"""Names in a batch at most: what is held in memory of a folder beyond its sorted names."""
_SUFFIXES: Final = tuple(INPUT_SUFFIXES)
_POLL_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to `BATCH` files of one folder. `place` is the folder relative to its input root, "" for the root.

    results: the names that their results get, as many, unless only the names were asked for.
    rivals: for names whose results would overwrite each other, the other names.
    named: the user named these files one by one.
    """

    folder: str
    place: str
    names: list[str]
    results: list[str] = field(default_factory=list)
    rivals: Mapping[str, list[str]] = field(default_factory=dict)
    named: bool = False

    def path(self, name: str) -> str:
        """The path of one of the files."""
        return os.path.join(self.folder, name)  # an empty folder adds nothing

    def place_of(self, name: str) -> str:
        """The place of one of the files under its input root."""
        return f"{self.place}/{name}" if self.place else name


@dataclass(frozen=True, slots=True)
class FoundUrl:
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


Walked: TypeAlias = Batch | FoundUrl | Trouble


def size_of(walked: Walked) -> int:
    """How many inputs it stands for."""
    return len(walked.names) if isinstance(walked, Batch) else 1


@dataclass(frozen=True, slots=True)
class WalkRules:
    """What counts as an input. Patterns with a `/` match the place, others the bare name of file or folder.

    avoid: folders that are never entered (the output).
    result_names: from inputs' names in one folder to their results' names, to find those that collide;
    None: only the inputs' names are wanted.
    """

    result_names: ResultNames | None
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
                yield FoundUrl(name, url_place(name))
                continue
            mode = _mode(name)
            if mode is None:
                yield from self._glob(name)
            elif stat.S_ISDIR(mode):
                yield from self._tree(name, _listed_place(name) if listed else "")
            else:
                yield self._single(name, mode, listed=listed)

    def _single(self, path: str, mode: int, *, listed: bool) -> Walked:
        if not stat.S_ISREG(mode):
            return Trouble(path, "not_a_file", "is neither a file nor a folder", "name a photo or a folder")
        folder, name = os.path.split(path)
        place = os.path.dirname(_listed_place(path)).replace(os.sep, "/") if listed else ""
        return Batch(folder, place, [name], self._results([name]), named=True)

    def _glob(self, pattern: str) -> Iterator[Walked]:
        """Files that match, and everything in folders that do; streamed and checked like any other tree."""
        if not glob.has_magic(pattern):
            yield Trouble(pattern, "not_found", "does not exist", "check the spelling of the path")
            return
        root = _fixed_prefix(pattern)
        wanted = _Glob(os.path.relpath(pattern, root))
        if os.path.isdir(root):
            yield from self._tree(root, "", wanted)
        if not wanted.met:
            yield Trouble(
                pattern,
                "not_found",
                "matches no photo and no folder",
                "check the pattern; ** crosses folders",
            )

    def _tree(self, root: str, place: str, wanted: _Glob | None = None) -> Iterator[Walked]:
        """Depth first, names sorted; `trail` holds the folders above, so that a symlink loop ends."""
        stack: list[tuple[str, str, frozenset[tuple[int, int]]]] = [(root, place, frozenset())]
        while stack:
            folder, place, trail = stack.pop()
            identity = _identity(folder)
            if identity in self._avoid or identity in trail:
                continue
            try:
                names, folders = self._list(folder, place, wanted)
            except OSError as error:
                yield _unreadable(folder, error)
                continue
            yield from self._batches(folder, place, names, folders)
            below = trail | {identity} if identity else trail
            stack += [
                (os.path.join(folder, name), f"{place}/{name}" if place else name, below)
                for name in reversed(folders)
            ]

    def _list(self, folder: str, place: str, wanted: _Glob | None) -> tuple[list[str], list[str]]:
        """Sorted names of the files and of the folders to enter. Raises OSError."""
        names: list[str] = []
        folders: list[str] = []
        prefix = f"{place}/" if place else ""
        plain = wanted is None and not self._include and not self._exclude
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    continue
                # Only a name that ends like a photo's is worth the question whether it is a plain file.
                if plain and name.lower().endswith(_SUFFIXES) and _is_file(entry, follow=False):
                    names.append(name)
                elif _is_folder(entry, follow=self._rules.follow_symlinks):
                    if self._enters(name, prefix + name, wanted):
                        folders.append(name)
                elif (
                    self._is_input(name, prefix + name)
                    and (wanted is None or wanted.takes(prefix + name))
                    and _is_file(entry, follow=True)
                ):
                    names.append(name)
        names.sort()
        folders.sort()
        return names, folders

    def _enters(self, name: str, place: str, wanted: _Glob | None) -> bool:
        return not self._exclude.match(name, place) and (wanted is None or wanted.enters(place))

    def _is_input(self, name: str, place: str) -> bool:
        if not name.lower().endswith(_SUFFIXES) or name[0] == ".":
            return False
        if self._exclude.match(name, place):
            return False
        return not self._include or self._include.match(name, place)

    def _batches(self, folder: str, place: str, names: list[str], folders: list[str]) -> Iterator[Batch]:
        rivals = self._rivals(names, folders)
        for part in _parts(names):
            yield Batch(folder, place, part, self._results(part), rivals)

    def _results(self, names: list[str]) -> list[str]:
        return [] if self._rules.result_names is None else self._rules.result_names(names)

    def _rivals(self, names: list[str], folders: list[str]) -> dict[str, list[str]]:
        if self._rules.result_names is None or self._are_apart(names, folders):
            return {}
        # A folder of results may want the name of a result, too: `a.jpg` beside a folder `a.png`.
        wanted = list(zip(names, self._results(names), strict=True))
        found = collisions(wanted + [(f"{name}/", name) for name in folders])
        return {name: others for name, others in found.items() if not name.endswith("/")}

    def _are_apart(self, names: list[str], folders: list[str]) -> bool:
        """Whether nobody wants another one's name: nearly always, and cheaper to find out than who does."""
        seen = set(all_folded(folders))
        for part in _parts(names):
            seen.update(all_folded(self._results(part)))
        return len(seen) == len(names) + len(folders)


def _parts(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))


class _Glob:
    """A glob pattern below its fixed part, asked about places. `met`: something matched.

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

    def takes(self, place: str) -> bool:
        """Whether the file at `place` is wanted."""
        names = place.split("/")
        if self._fixed == len(self._parts):
            names = names[: self._fixed]
        fits = _fit(self._parts, names)
        self.met = self.met or fits
        return fits


def _fit(parts: list[re.Pattern[str] | None], names: list[str], *, partly: bool = False) -> bool:
    """Whether `names` are what `parts` describe (`partly`: the beginning of it); None stands for `**`."""
    if not parts or not names:
        return not names and (partly or not parts or parts == [None])
    if parts[0] is None:
        return _fit(parts[1:], names, partly=partly) or _fit(parts, names[1:], partly=partly)
    return parts[0].fullmatch(names[0]) is not None and _fit(parts[1:], names[1:], partly=partly)


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


def _mode(path: str) -> int | None:
    """What `path` is: where a link leads, or the link itself when it leads nowhere; None when there is nothing."""
    for look in (os.stat, os.lstat):
        try:
            return look(path).st_mode
        except (OSError, ValueError):  # a NUL in a listed name
            continue
    return None


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


def _is_file(entry: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return entry.is_file(follow_symlinks=follow)
    except OSError:  # a link to itself
        return False


def _listed_place(path: str) -> str:
    """The place of a listed path: as written, without drive, root and upward steps."""
    parts = os.path.splitdrive(os.path.normpath(path))[1].split(os.sep)
    return "/".join(part for part in parts if part not in {"", ".", ".."})


def _fixed_prefix(pattern: str) -> str:
    """The folder of a glob pattern above its first wildcard; a folder that exists is none."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder) and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder or os.curdir


def _unreadable(folder: str, error: OSError) -> Trouble:
    return Trouble(
        folder,
        "unreadable_folder",
        f"cannot be read: {error.strerror or error}",
        "give this user the right to read it, or leave it out with --exclude",
    )


def read_list(path: str, *, nul: bool = False, go_on: Callable[[], bool] = lambda: True) -> Iterator[str]:
    """The inputs named in a list file (`-`: standard input), one a line, or NUL-separated.

    Streamed; names need not be UTF-8. `go_on` is asked while a pipe has nothing to read: the list ends
    when it says no. Raises OSError when the file cannot be read.
    """
    if path == "-":
        yield from _split(sys.stdin.buffer.fileno(), nul=nul, go_on=go_on)
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield from _split(descriptor, nul=nul, go_on=go_on)
    finally:
        os.close(descriptor)


def _split(descriptor: int, *, nul: bool, go_on: Callable[[], bool]) -> Iterator[str]:
    separator = b"\0" if nul else b"\n"
    rest = b""
    while _readable(descriptor, go_on):
        block = os.read(descriptor, 1 << 16)
        if not block:
            if last := _decoded(rest, nul=nul):
                yield last
            return
        *names, rest = (rest + block).split(separator)
        yield from filter(None, (_decoded(name, nul=nul) for name in names))


def _readable(descriptor: int, go_on: Callable[[], bool]) -> bool:
    """Wait until there is something to read (True) or nobody wants it any more."""
    if sys.platform == "win32":  # pipes cannot be waited for there
        return go_on()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while go_on():
        if poll.poll(_POLL_MS):
            return True
    return False


def _decoded(name: bytes, *, nul: bool) -> str:
    return os.fsdecode(name if nul else name.rstrip(b"\r"))
