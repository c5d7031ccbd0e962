"""Inputs -> batches of names, streamed and sorted per folder. Blocking: the discovery runs it in a thread.

Plain strings and `scandir` on purpose: a list of `Path` costs ten times as much (a million inputs).
Opens no file and stats none that a folder names.
"""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.adapters.walking.lists import listed_place
from pixian_batch.adapters.walking.patterns import Glob, Patterns, fixed_prefix
from pixian_batch.adapters.walking.spelling import did_you_mean
from pixian_batch.adapters.walking.systems import is_system
from pixian_batch.contract.kinds import FOREIGN_SUFFIXES, INPUT_SUFFIXES
from pixian_batch.policy.disk import reading_hint, system_word
from pixian_batch.policy.left_out import LeftOut
from pixian_batch.policy.naming import all_folded, collisions, url_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ResultNames: TypeAlias = "Callable[[Sequence[str]], list[str]]"
BATCH: Final = 1000
"""Names in a batch at most: what is held in memory of a folder beyond its sorted names."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to `BATCH` files of one folder. `place` is the folder relative to its input root, "" for the root.

    results: the names that their results get, as many, unless only the names were asked for.
    rivals: for names whose results would overwrite each other, the other names.
    """

    folder: str
    place: str
    names: list[str]
    results: list[str] = field(default_factory=list)
    rivals: Mapping[str, list[str]] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """The path of one of the files."""
        return os.path.join(self.folder, name)  # an empty folder adds nothing

    def part(self, chosen: Sequence[int]) -> Batch:
        """The files with these numbers, and nothing else changed: what was left out still keeps its name's place."""
        if len(chosen) == len(self.names):
            return self
        results = [self.results[number] for number in chosen] if self.results else []
        return replace(self, names=[self.names[number] for number in chosen], results=results)


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

    avoid: folders that are never entered (the output). include_system: enter what belongs to operating systems,
    too; what the user names himself is always taken. suffixes: of inputs, in lower case.
    result_names: from inputs' names in one folder to their results' names, to find those that collide;
    None: only the inputs' names are wanted.
    """

    result_names: ResultNames | None
    avoid: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False
    include_system: bool = False
    suffixes: frozenset[str] = INPUT_SUFFIXES


class Walker:
    """Walks inputs in the order given. One use each. left_out: where it counts what it passes by."""

    def __init__(self, rules: WalkRules, left_out: LeftOut | None = None) -> None:
        self._rules = rules
        self._left_out = LeftOut() if left_out is None else left_out
        self._avoid = {identity for path in rules.avoid if (identity := _identity(path))}
        self._include = Patterns(rules.include)
        self._exclude = Patterns(rules.exclude)
        self._suffixes = tuple(rules.suffixes)

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
                yield from self._tree(name, listed_place(name) if listed else "")
            else:
                yield self._single(name, mode, listed=listed)

    def _single(self, path: str, mode: int, *, listed: bool) -> Walked:
        if not stat.S_ISREG(mode):
            return Trouble(path, "not_a_file", "is neither a file nor a folder", "name a photo or a folder")
        folder, name = os.path.split(path)
        place = listed_place(path).rpartition("/")[0] if listed else ""
        return Batch(folder, place, [name], self._results([name]))

    def _glob(self, pattern: str) -> Iterator[Walked]:
        """Files that match, and everything in folders that do; streamed and checked like any other tree."""
        if not glob.has_magic(pattern):
            yield Trouble(pattern, "not_found", "does not exist", did_you_mean(pattern))
            return
        root = fixed_prefix(pattern)
        wanted = Glob(os.path.relpath(pattern, root))
        if os.path.isdir(root):
            yield from self._tree(root, "", wanted)
        if _identity(root) in self._avoid:
            yield Trouble(
                pattern,
                "is_output",
                f"{root} is the output folder itself, where no photos are looked for",
                "name another --out",
            )
        elif not wanted.met:
            yield Trouble(
                pattern,
                "not_found",
                "matches no photo and no folder",
                "check the pattern; ** crosses folders",
            )

    def _tree(self, root: str, place: str, wanted: Glob | None = None) -> Iterator[Walked]:
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

    def _list(self, folder: str, place: str, wanted: Glob | None) -> tuple[list[str], list[str]]:
        """Sorted names of the files and of the folders to enter. Raises OSError."""
        names: list[str] = []
        folders: list[str] = []
        prefix = f"{place}/" if place else ""
        plain = wanted is None and not self._include and not self._exclude
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                hidden = name[0] == "."
                if hidden and not is_system(name):
                    continue
                # Only a name that ends like a photo's is worth the question whether it is a plain file.
                quick = plain and not hidden and name.lower().endswith(self._suffixes)
                if quick and _is(entry.is_file, follow=False):
                    names.append(name)
                elif _is(entry.is_dir, follow=self._rules.follow_symlinks):
                    if self._enters(name, prefix + name, wanted):
                        folders.append(name)
                elif self._takes(entry, prefix + name, wanted):
                    names.append(name)
        names.sort()
        folders.sort()
        return names, folders

    def _enters(self, name: str, place: str, wanted: Glob | None) -> bool:
        if self._exclude.match(name, place) or not (wanted is None or wanted.enters(place)):
            return False
        if self._rules.include_system or not is_system(name):
            return True
        self._left_out.folders += 1
        return False

    def _takes(self, entry: os.DirEntry[str], place: str, wanted: Glob | None) -> bool:
        """Whether a file is an input; one that only its kind or its name keeps from that is counted."""
        name = entry.name
        suffix = os.path.splitext(name)[1].lower()
        photo = suffix in self._rules.suffixes
        if not self._is_wanted(name, place):
            return False
        if not (wanted is None or wanted.fits(place)) or not _is(entry.is_file, follow=True):
            return False
        if is_system(name) and not self._rules.include_system:
            self._left_out.files += photo
            return False
        if not photo:
            self._count_left_out(suffix)
        elif wanted is not None:
            wanted.met = True
        return photo

    def _count_left_out(self, suffix: str) -> None:
        if suffix in FOREIGN_SUFFIXES:
            self._left_out.suffixes[suffix] += 1
        else:
            self._left_out.add_other(suffix)

    def _is_wanted(self, name: str, place: str) -> bool:
        """As far as the user's patterns go."""
        if self._exclude.match(name, place):
            return False
        return not self._include or self._include.match(name, place)

    def _batches(self, folder: str, place: str, names: list[str], folders: list[str]) -> Iterator[Batch]:
        rivals = self._rivals(names, folders)
        for part in _parts(names):
            yield Batch(folder, place, part, self._results(part), rivals=rivals)

    def _results(self, names: list[str]) -> list[str]:
        return [] if self._rules.result_names is None else self._rules.result_names(names)

    def _rivals(self, names: list[str], folders: list[str]) -> dict[str, list[str]]:
        if self._rules.result_names is None or self._are_apart(names, folders):
            return {}
        # A folder of results may want the name of a result, too: `a.jpg` beside a folder `a.png`.
        wanted = list(zip(names, self._results(names), strict=True))
        rivals = collisions(wanted + [(f"{name}/", name) for name in folders])
        return {name: others for name, others in rivals.items() if not name.endswith("/")}

    def _are_apart(self, names: list[str], folders: list[str]) -> bool:
        """Whether nobody wants another one's name: nearly always, and cheaper to find out than who does."""
        wanted = set(all_folded(folders))
        for part in _parts(names):
            wanted.update(all_folded(self._results(part)))
        return len(wanted) == len(names) + len(folders)


def _parts(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))


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
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is(kind: Callable[..., bool], *, follow: bool) -> bool:
    """What a folder's entry answers to its `is_file` or `is_dir`."""
    try:
        return kind(follow_symlinks=follow)
    except OSError:  # a link to itself
        return False


def _unreadable(folder: str, error: OSError) -> Trouble:
    return Trouble(
        folder,
        "unreadable_folder",
        f"cannot be read: {system_word(error)}",
        f"{reading_hint(error)}, or leave it out with --exclude",
    )
