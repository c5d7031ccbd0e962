"""What a walk has passed by although somebody may miss it: counted, and said once. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.contract.kinds import CONVERTED_SUFFIXES, RAW_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN_SUFFIXES: Final = 5


@dataclass(slots=True)
class LeftOut:
    """Folders of operating systems, files of theirs that end like photos, and photos of kinds that are not taken.

    The walk counts into it, in its own thread; who reads it earlier than the walk's end takes a `copy`.
    """

    folders: int = 0
    files: int = 0
    suffixes: Counter[str] = field(default_factory=Counter)
    """Photos that the service does not take, by their lower-case suffix."""

    def copy(self) -> LeftOut:
        """As it is now."""
        return LeftOut(self.folders, self.files, self.suffixes.copy())

    def sentences(self) -> Iterator[tuple[str, str]]:
        """What to say of it, and what to do about it; nothing where nothing was left out."""
        parts = [_number(self.folders, "folder"), _number(self.files, "file")]
        if both := " and ".join(filter(None, parts)):
            were = "was" if self.folders + self.files == 1 else "were"
            yield f"{both} of operating systems {were} left out", "--include-system takes them"
        if self.suffixes:
            one = self.suffixes.total() == 1
            text = f"{_listed(self.suffixes)} {'was' if one else 'were'} left out"
            why = f"the service does not take {'it' if one else 'them'}"
            yield f"{text}: {why}", "; ".join(_advice(self.suffixes))


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}" if count else ""


def _advice(suffixes: Counter[str]) -> Iterator[str]:
    """What to do about them: with `--convert`, those that it takes are not among them."""
    if taken := sorted(suffixes.keys() & CONVERTED_SUFFIXES):
        yield f"--convert takes {' and '.join(filter(None, [', '.join(taken[:-1]), taken[-1]]))}"
    if suffixes.keys() & RAW_SUFFIXES:
        yield "develop raw files to TIFF, PNG or JPEG first"
    if suffixes.keys() - CONVERTED_SUFFIXES - RAW_SUFFIXES:
        yield f"convert {'the others' if taken else 'them'} to PNG or JPEG first"


def _listed(suffixes: Counter[str]) -> str:
    """`12 .heic, 3 .cr2 and 5 of other kinds`."""
    parts = [f"{count:,} {suffix}" for suffix, count in suffixes.most_common(_SHOWN_SUFFIXES)]
    if rest := sum(count for _suffix, count in suffixes.most_common()[_SHOWN_SUFFIXES:]):
        parts.append(f"{rest:,} of other kinds")
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
