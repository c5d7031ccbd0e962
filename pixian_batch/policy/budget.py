"""Credits that may still be spent: charged + in doubt + reserved never exceeds a limit. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit and what counts against it: `spent` is what was charged or may have been, up to now."""

    name: str
    credits: Decimal
    spent: Decimal = ZERO
    past: bool = True
    """Whether what earlier runs have spent counts against it."""

    @property
    def left(self) -> Decimal:
        """What is left, not counting what is in flight."""
        return self.credits - self.spent


@dataclass(slots=True)
class Budget:
    """All limits of a run at once. One instance is asked by all workers, between two awaits."""

    limits: tuple[Limit, ...] = ()
    reserved: Decimal = ZERO

    @property
    def unlimited(self) -> bool:
        """Whether no limit was set."""
        return not self.limits

    def reserve(self, at_most: Decimal) -> str | None:
        """Set `at_most` credits aside for a request; the name of the limit that forbids it, or None."""
        for limit in self.limits:
            if limit.spent + self.reserved + at_most > limit.credits:
                return limit.name
        self.reserved += at_most
        return None

    def settle(self, at_most: Decimal, spent: Decimal) -> None:
        """A request for which `at_most` was set aside has ended: `spent` was charged or is in doubt."""
        self.reserved -= at_most
        self.limits = tuple(replace(limit, spent=limit.spent + spent) for limit in self.limits)

    def count_past(self, spent: Decimal) -> None:
        """An attempt of an earlier run may have cost `spent`, as is only known now."""
        self.limits = tuple(
            replace(limit, spent=limit.spent + spent) if limit.past else limit for limit in self.limits
        )
