"""What was bought and what it cost, as lines: one for each image, or sums by folder, day or run. Pure.

Amounts are added exactly: a sum that would have to be rounded raises `decimal.Inexact`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import StrEnum
from typing import Final

from pixian_batch.policy.naming import tree_place

EXACT: Final = Context(prec=64, traps=[Inexact, InvalidOperation])
"""A service may say twelve digits before the point and twenty-four behind it; of a billion such, this is the sum."""
ZERO: Final = Decimal(0)


class By(StrEnum):
    """What a statement is divided by."""

    FOLDER = "folder"
    DAY = "day"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Period:
    """Attempts sent from a moment on, and before another: UTC, as the ledger writes them. Empty: no bound."""

    since: str = ""
    until: str = ""


ALWAYS: Final = Period()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Of some attempts, or of one. pixels: of the inputs of `images`.

    images: results that were delivered for money; free: those that cost nothing. in_doubt: attempts that may have
    been charged, nobody knows how much; at_most: the most that they can have cost, without the `unpriced` of them,
    of which not even that is known.
    """

    images: int = 0
    free: int = 0
    pixels: int = 0
    charged: Decimal = ZERO
    calculated: Decimal = ZERO
    in_doubt: int = 0
    at_most: Decimal = ZERO
    unpriced: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            images=self.images + other.images,
            free=self.free + other.free,
            pixels=self.pixels + other.pixels,
            charged=EXACT.add(self.charged, other.charged),
            calculated=EXACT.add(self.calculated, other.calculated),
            in_doubt=self.in_doubt + other.in_doubt,
            at_most=EXACT.add(self.at_most, other.at_most),
            unpriced=self.unpriced + other.unpriced,
        )


@dataclass(frozen=True, slots=True)
class StatementLine:
    """The sums of one folder, day or run; `name` says of which. started_at: of a run."""

    name: str
    sums: Sums
    started_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLine:
    """One image: what is known of it, and the sums of its attempts in a period.

    date: when the latest of them was sent; place: where its result went, under the output folder. results: files
    there that are its result now, duplicates included. error: why it has none. image: its number in the ledger, None
    for an input that was never sent.
    """

    image: int | None
    date: str
    input: str
    place: str | None
    status: str
    pixels: int | None
    sums: Sums
    attempts: int
    run: int
    parameters: str
    results: int
    error: str | None


def folder_of(place: str, depth: int | None) -> str:
    """The folder of a place, or its first `depth` parts; `.` is the output folder itself."""
    parts = tree_place(place).split("/")[:-1]
    return "/".join(parts if depth is None else parts[:depth]) or "."
