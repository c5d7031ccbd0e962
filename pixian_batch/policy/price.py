"""What an image can cost at most, from what images have cost. Pure.

The price formula is not published; known is that credits grow with megapixels. So an image costs at
most what any image with at least as many pixels (and the same parameters) has cost. For an image
larger than all that were seen there is no such bound: it has to be calibrated by a free test request.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True)
class PriceBook:
    """A staircase of (pixels, credits), both strictly rising: only points that bound something are kept."""

    _pixels: list[int] = field(default_factory=list)
    _credits: list[Decimal] = field(default_factory=list)
    highest_rate: Decimal | None = None
    """The most credits per megapixel that were seen: for forecasts, never for promises."""

    def learn(self, pixels: int, cost: Decimal) -> None:
        """An image of `pixels` cost `cost` credits (or was calculated to)."""
        rate = cost * 1_000_000 / max(1, pixels)
        self.highest_rate = rate if self.highest_rate is None else max(rate, self.highest_rate)
        bound = self.bound(pixels)
        if bound is not None and bound == cost and pixels in self._pixels:
            return
        self._insert(pixels, max(cost, self._largest_up_to(pixels)))

    def bound(self, pixels: int) -> Decimal | None:
        """The most that an image of `pixels` can cost; None when no image that large was seen."""
        at = bisect_left(self._pixels, pixels)
        return self._credits[at] if at < len(self._pixels) else None

    def forecast(self, pixels: int) -> Decimal | None:
        """A guess for any image: the bound, or beyond it the highest rate; None before any price is known."""
        bound = self.bound(pixels)
        if bound is not None or self.highest_rate is None:
            return bound
        return self.highest_rate * pixels / 1_000_000

    def _largest_up_to(self, pixels: int) -> Decimal:
        at = bisect_left(self._pixels, pixels + 1)
        return self._credits[at - 1] if at else Decimal(0)

    def _insert(self, pixels: int, cost: Decimal) -> None:
        at = bisect_left(self._pixels, pixels)
        if at < len(self._pixels) and self._pixels[at] == pixels:
            self._credits[at] = max(cost, self._credits[at])
        else:
            insort(self._pixels, pixels)
            self._credits.insert(at, cost)
        # A larger image that cost less shows that prices are not quite monotone: lift its bound too.
        for later in range(at + 1, len(self._credits)):
            self._credits[later] = max(self._credits[later], self._credits[at])
        # Of points with one price only the widest and the narrowest bound anything: keep the widest.
        while at > 0 and self._credits[at - 1] == self._credits[at]:
            del self._pixels[at - 1], self._credits[at - 1]
            at -= 1
        while at + 1 < len(self._credits) and self._credits[at + 1] == self._credits[at]:
            del self._pixels[at], self._credits[at]
