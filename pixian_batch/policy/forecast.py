"""What a run would do and cost, folded from what was found. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from pixian_batch.policy.decision import Bought, Drawn, Held, Made, Refused, Spared, Stays, Trusted, Waits
from pixian_batch.policy.outcome import SkipReason
from pixian_batch.policy.record import State

if TYPE_CHECKING:
    from pixian_batch.policy.decision import Decision
    from pixian_batch.policy.price import PriceBook

ZERO = Decimal(0)


class Fate(StrEnum):
    """What a run would do with an input."""

    NEW = "new"
    FINISHED = "finished"
    """Received by an interrupted run: the next one finishes it for free, before anything else."""
    DONE = "done"
    TRUSTED = "trusted"
    EXISTS = "exists"
    BOUGHT = "bought"
    """A bought result stands there, and this run's are free."""
    RESULT = "result"
    """The input is a result itself."""
    DUPLICATE = "duplicate"
    """Made here from what was bought before: the same result, or drawn from its full picture."""
    IN_DOUBT = "in_doubt"
    LOST = "lost"
    KEPT = "kept"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    COLLISION = "collision"
    BLOCKED = "blocked"
    """Its result can have no place."""
    OTHER = "other"


_SKIPS: Final = {
    SkipReason.DONE: Fate.DONE,
    SkipReason.EXISTS: Fate.EXISTS,
    SkipReason.BOUGHT: Fate.BOUGHT,
    SkipReason.RESULT: Fate.RESULT,
    SkipReason.TRUSTED: Fate.TRUSTED,
    SkipReason.COLLISION: Fate.COLLISION,
}
_FAILURES: Final = {
    "collision": Fate.COLLISION,
    "unreadable": Fate.UNREADABLE,
    "too_large": Fate.TOO_LARGE,
}


def fate_of_skip(reason: SkipReason) -> Fate:
    """The fate of an input that needs no work."""
    return _SKIPS[reason]


def fate_of_failure(code: int | str | None) -> Fate:
    """The fate of an input that fails before anything is sent."""
    return _FAILURES.get(str(code), Fate.OTHER)


def fate_of(decision: Decision) -> Fate:
    """What an image's decision comes to."""
    match decision:
        case Refused():
            return Fate.BLOCKED
        case Spared():
            return Fate.BOUGHT
        case Waits():
            return Fate.KEPT
        case Stays():
            return Fate.DONE
        case Trusted():
            return Fate.TRUSTED
        case Made() | Drawn():
            return Fate.DUPLICATE
        case Held(state=state):
            return Fate.LOST if state is State.LOST else Fate.IN_DOUBT
        case Bought():
            return Fate.NEW
        case other:
            assert_never(other)


@dataclass(slots=True)
class FolderPlan:
    """One folder's counts by fate; `areas` counts new images by their pixels (URLs: not known, not in it).

    replaces: new ones and duplicates that would take the place of results bought with other parameters; at_hand: those
    of them that can be had from a full result that is here.
    """

    fates: Counter[Fate] = field(default_factory=Counter)
    areas: Counter[int] = field(default_factory=Counter)
    replaces: int = 0
    at_hand: int = 0

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
        self.replaces += other.replaces
        self.at_hand += other.at_hand


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


FREE: Final = Range(ZERO, ZERO)
"""What a run costs whose requests cannot cost money."""


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
