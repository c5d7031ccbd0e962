"""What a run would do and cost, folded from what was found. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixian_batch.policy.price import PriceBook

ZERO = Decimal(0)


class Fate(StrEnum):
    """What a run would do with an input."""

    NEW = "new"
    DONE = "done"
    EXISTS = "exists"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    COLLISION = "collision"
    OTHER = "other"


@dataclass(slots=True)
class FolderPlan:
    """One folder's counts by fate; `areas` counts new images by their pixels (URLs: not known, not in it)."""

    fates: Counter[Fate] = field(default_factory=Counter)
    areas: Counter[int] = field(default_factory=Counter)

    def add(self, fate: Fate, pixels: int | None = None, number: int = 1) -> None:
        """`number` inputs of one fate."""
        self.fates[fate] += number
        if fate is Fate.NEW and pixels is not None:
            self.areas[pixels] += number

    @property
    def megapixels(self) -> float:
        """Of the new images."""
        return sum(pixels * number for pixels, number in self.areas.items()) / 1e6

    def merge(self, other: FolderPlan) -> None:
        """Add another folder's plan."""
        self.fates += other.fates
        self.areas += other.areas


@dataclass(frozen=True, slots=True)
class Range:
    """Expected credits: at least `low` and at most `high`, as far as prices are known.

    unpriced: new images for which nothing is known. extrapolated: larger than any image with a known
    price, so that `high` is a guess from the highest rate seen.
    """

    low: Decimal
    high: Decimal
    unpriced: int = 0
    extrapolated: int = 0


def credits_for(plan: FolderPlan, prices: PriceBook) -> Range:
    """What the new images of a plan are expected to cost: each between its cheaper and its dearer neighbour."""
    low = high = ZERO
    unpriced = plan.fates[Fate.NEW] - plan.areas.total()
    extrapolated = 0
    for pixels, number in plan.areas.items():
        guess = prices.forecast(pixels)
        if guess is None:
            unpriced += number
            continue
        extrapolated += number if prices.bound(pixels) is None else 0
        low += prices.at_least(pixels) * number
        high += guess * number
    return Range(low, high, unpriced, extrapolated)
