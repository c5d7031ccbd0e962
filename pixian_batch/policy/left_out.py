"""What a walk has passed by although somebody may miss it, or was told to: counted, and said once. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pixian_batch.contract.kinds import CONVERTED_SUFFIXES, RAW_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN_SUFFIXES: Final = 5
_LONGEST_SUFFIX: Final = 12
"""Characters of a suffix that may still be one: `.backup-of-monday` tells no kind."""
_MOST_KINDS: Final = 500
"""Suffixes of other files that are told apart."""


class Reason(StrEnum):
    """Why a photo was not chosen."""

    OLDER = "older"
    SMALLER = "smaller"
    LARGER = "larger"
    URL = "urls"
    """Its size and date are not known here, nor whether it changed."""
    UNCHANGED = "unchanged"
    """Git says that it was not changed, or does not keep it."""
    NESTED = "nested"
    """In a repository within the repository, into which git does not look."""
    OUTSIDE = "outside"
    """In no repository that git was asked about."""
    NOT_SAMPLED = "not_sampled"
    OVER_LIMIT = "over_limit"


@dataclass(slots=True)
class LeftOut:
    """Folders of operating systems, files of theirs that end like photos, photos of kinds that are not taken, other files,
    and photos that the user's own choice leaves out.

    The walk counts into it, in its own thread; who reads it earlier than the walk's end takes a `copy`.
    """

    folders: int = 0
    files: int = 0
    suffixes: Counter[str] = field(default_factory=Counter)
    """Photos that the service does not take, by their lower-case suffix."""
    others: Counter[str] = field(default_factory=Counter)
    """Files that are no photos, in the same way; "" stands for none, for one that tells nothing, and for many kinds."""
    not_chosen: Counter[Reason] = field(default_factory=Counter)

    def add_other(self, suffix: str) -> None:
        """One more file that is no photo."""
        known = len(suffix) <= _LONGEST_SUFFIX and (suffix in self.others or len(self.others) < _MOST_KINDS)
        self.others[suffix if known else ""] += 1

    def copy(self) -> LeftOut:
        """As it is now."""
        return LeftOut(
            self.folders,
            self.files,
            self.suffixes.copy(),
            self.others.copy(),
            not_chosen=self.not_chosen.copy(),
        )

    def sentences(self) -> Iterator[tuple[str, str]]:
        """What to say of it, and what to do about it; nothing where nothing was left out."""
        parts = [_number(self.folders, "folder"), _number(self.files, "file")]
        if both := " and ".join(filter(None, parts)):
            yield (
                f"{both} of operating systems {_were(self.folders + self.files)} left out",
                "--include-system takes them",
            )
        if self.suffixes:
            one = self.suffixes.total() == 1
            text = f"{_listed(self.suffixes)} {'was' if one else 'were'} left out"
            why = f"the service does not take {'it' if one else 'them'}"
            yield f"{text}: {why}", "; ".join(_advice(self.suffixes))
        if self.others:
            one = self.others.total() == 1
            were, are = ("was", "is no photo") if one else ("were", "are no photos")
            yield f"{_listed(self.others)} {were} left out: {'it' if one else 'they'} {are}", ""
        yield from self._choices()

    def _choices(self) -> Iterator[tuple[str, str]]:
        """What the user's own choice has left out."""
        bounds = [(self.not_chosen[reason], words) for reason, words in _BOUNDS if self.not_chosen[reason]]
        if bounds:
            (first, words), *rest = bounds
            parts = [f"{_number(first, 'photo')} {words}", *(f"{count:,} {words}" for count, words in rest)]
            yield f"{_joined(parts)} {_were(sum(count for count, _words in bounds))} left out", ""
        for reason, text, hint in _REST:
            if count := self.not_chosen[reason]:
                number = _number(count, "URL" if reason is Reason.URL else "photo")
                yield text.format(number=number, were=_were(count)), hint


_BOUNDS: Final = (
    (Reason.OLDER, "older than --newer-than"),
    (Reason.SMALLER, "smaller than --min-size"),
    (Reason.LARGER, "larger than --max-size"),
)
_REST: Final = (
    (
        Reason.URL,
        "{number} {were} left out: nothing is known here of a URL's date, size and changes",
        "name URLs in a run without --newer-than, --min-size, --max-size and --changed-since",
    ),
    (Reason.UNCHANGED, "{number} {were} left out by --changed-since", ""),
    (
        Reason.NESTED,
        "{number} {were} left out: in a submodule or another repository within, into which git does not look",
        "name that folder in a run of its own",
    ),
    (
        Reason.OUTSIDE,
        "{number} {were} left out: outside the repository, where git knows of no changes",
        "name them in a run without --changed-since",
    ),
    (Reason.NOT_SAMPLED, "{number} {were} left out by --sample", ""),
    (
        Reason.OVER_LIMIT,
        "{number} that {were} not done yet {were} left out by --limit",
        "the next run goes on with them",
    ),
)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


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
    named = [(suffix, count) for suffix, count in suffixes.most_common() if suffix]
    parts = [f"{count:,} {suffix}" for suffix, count in named[:_SHOWN_SUFFIXES]]
    if rest := suffixes.total() - sum(count for _suffix, count in named[:_SHOWN_SUFFIXES]):
        parts.append(f"{rest:,} of other kinds" if parts else _number(rest, "other file"))
    return _joined(parts)


def _joined(parts: list[str]) -> str:
    """`one, two and three`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
