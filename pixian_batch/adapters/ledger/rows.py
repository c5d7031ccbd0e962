"""Rows of the ledger <-> values. Touches no database.

File names are text where they are UTF-8, else their bytes; credits are decimal text; an answer's headers
are the columns of `HEADERS`, in that order.

Proved by tests/adapters/ledger/test_questions.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pixian_batch.contract.headers import ResultHeaders, read_result_headers
from pixian_batch.policy.record import Answered, Ended, Key, Sending, Standing, State, Unfinished
from pixian_batch.policy.statement import EXACT
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADERS: Final = (
    "X-Credits-Charged",
    "X-Credits-Calculated",
    "X-Input-Orientation",
    "X-Input-Size",
    "X-Result-Size",
    "X-Input-Foreground",
    "X-Result-Foreground",
)
"""The columns of `answer` from `charged` to `result_foreground`."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Credits in the ledger. doubtful: the most that attempts of unknown charge can have cost, where known."""

    charged: Decimal
    calculated: Decimal
    doubtful: Decimal

    @property
    def counted(self) -> Decimal:
        """What counts against a budget."""
        return self.charged + self.doubtful


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that has no result yet, and why."""

    input: str
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """One bought image."""

    input: str
    pixels: int | None
    charged: Decimal


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. ended_at None: it goes on, or was killed."""

    number: int
    started_at: str
    ended_at: str | None
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """The whole ledger at a glance.

    unknown: results whose charge nobody knows; unbounded: those of them of which nobody knows the most it can be.
    """

    results: int
    images: int
    spending: Spent
    unknown: int
    unbounded: int
    failures: list[Failure]
    undecided: list[Standing]
    by_day: dict[str, Decimal]
    by_folder: dict[str, Decimal]
    dearest: list[Purchase]
    largest: list[Purchase]
    runs: list[RunFacts]


@dataclass(frozen=True, slots=True)
class Measures:
    """What tells without reading a file that its bytes were never sent: sizes of inputs, and pixels of the rest.

    unmeasured: there are images of which neither is known.
    """

    sizes: frozenset[int]
    pixels: frozenset[int]
    unmeasured: bool

    def fit(self, size: int, pixels: int) -> bool:
        """Whether a file of `size` bytes and `pixels` may be an image of the ledger."""
        return self.unmeasured or size in self.sizes or pixels in self.pixels


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a balance is compared with: images in doubt of which no price is known, and credits charged since.

    balance_before: what the account held before the run of the oldest of them; None where nobody said so.
    unknown: results since then whose charge nobody knows.
    """

    doubts: list[Standing]
    balance_before: Decimal | None
    charged: Decimal
    unknown: int


@dataclass(frozen=True, slots=True)
class Condition:
    """How a whole ledger is: its format, images bought, images that wait for a decision."""

    version: int
    images: int
    undecided: int


class ImageRow(NamedTuple):
    """An image with its latest attempt, that one's verdict and answer; None where there is none."""

    state: str
    attempt: int
    digest: bytes
    params: str
    input: str | bytes
    place: str | bytes
    spool: str | bytes
    pixels: int | None
    at_most: str | None
    free: int
    sent_at: str
    verdict: str | None
    verdict_status: int | None
    message: str | bytes | None
    body_size: int | None
    seconds: float | None
    kept: str | bytes | None
    answer_status: int | None
    length: int | None
    charged: str | None
    calculated: str | None
    orientation: int | None
    input_size: str | None
    result_size: str | None
    input_foreground: str | None
    result_foreground: str | None

    def standing(self) -> Standing:
        """What is known of it."""
        return Standing(
            state=State(self.state),
            attempt=self.attempt,
            input=from_db(self.input),
            place=from_db(self.place),
            sent_at=self.sent_at,
            at_most=credits_from(self.at_most),
            free=bool(self.free),
            message=from_db(self.message or ""),
            kept=None if self.kept is None else from_db(self.kept),
            headers=self._headers(),
        )

    def unfinished(self) -> Unfinished:
        """What an interrupted run has left of it."""
        headers = self._headers()
        answered = None
        if headers is not None and self.answer_status is not None:
            answered = Answered(self.answer_status, headers, self.length)
        return Unfinished(self._sending(), answered, self._ended(), self.sent_at)

    def _headers(self) -> ResultHeaders | None:
        if self.answer_status is None:
            return None
        columns = zip(HEADERS, self[-len(HEADERS) :], strict=True)
        texts = {name: str(value) for name, value in columns if value is not None}
        return replace(read_result_headers(texts), warnings=())

    def _sending(self) -> Sending:
        return Sending(
            attempt=self.attempt,
            key=Key(self.digest, self.params),
            input=from_db(self.input),
            place=from_db(self.place),
            spool=from_db(self.spool),
            pixels=self.pixels,
            at_most=credits_from(self.at_most),
            free=bool(self.free),
        )

    def _ended(self) -> Ended | None:
        if self.verdict is None:
            return None
        return Ended(
            Verdict(self.verdict),
            self.verdict_status,
            message=from_db(self.message or ""),
            body_size=self.body_size,
            seconds=self.seconds or 0.0,
            kept=None if self.kept is None else from_db(self.kept),
        )


def to_db(name: str) -> str | bytes:
    """A file name as SQLite keeps it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name


def from_db(name: str | bytes) -> str:
    """A file name as Python uses it."""
    return os.fsdecode(name)


def split_place(place: str) -> tuple[str, str]:
    """Folder and name of a place or path with `/`."""
    folder, _slash, name = place.rpartition("/")
    return folder, name


def join_place(folder: str | bytes, name: str | bytes) -> str:
    """The place of a folder and a name as they are kept."""
    return "/".join(from_db(part) for part in (folder, name) if part)


def credits_from(text: str | None) -> Decimal | None:
    """An amount; None where none is known."""
    return None if text is None else Decimal(text)


def total(rows: Iterable[tuple[str | None, int]]) -> Decimal:
    """The exact sum of (credits, how many) rows: SQLite's own sum of text would be one of floats."""
    with localcontext(EXACT):
        return sum((Decimal(amount or 0) * count for amount, count in rows), Decimal(0))


def by_name(rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    """Plain tuples by their first column: a run over what is done reads millions, and objects cost four times more."""
    return {
        (name if type(name) is str else from_db(name)): (first, second, third)
        for name, first, second, third in rows
    }
