"""How values are spread, in memory that does not grow with their number: counted by their first digits. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_DIGITS = 3


@dataclass(slots=True)
class Spread:
    """Values above zero, rounded to three digits where they are told apart; the largest one is exact."""

    most: float = 0.0
    counts: Counter[float] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        """One more."""
        self.counts[float(f"{value:.{_DIGITS}g}")] += 1
        self.most = max(self.most, value)

    @property
    def total(self) -> int:
        """How many there are."""
        return self.counts.total()

    def quantiles(self, *shares: float) -> list[float]:
        """For each share, in rising order, the smallest value that so many are not above. There is at least one value."""
        wanted = [max(1, -int(-share * self.total // 1)) for share in shares]
        found: list[float] = []
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            while len(found) < len(wanted) and seen >= wanted[len(found)]:
                found.append(value)
        return found
