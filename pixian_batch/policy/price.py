"""What an image can cost at most, from what images have cost. Pure.

The price formula is not published; known is that credits grow with megapixels. So an image costs at
most what any image with at least as many pixels (and the same parameters) has cost. For an image
larger than all that were seen there is no such bound: it has to be calibrated by a free test request.
Should prices turn out not to be quite monotone, no bound is ever less than what an image of that size
or a smaller one has cost.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import Final

MAX_STEPS: Final = 4096
"""Steps that are kept: beyond, neighbours are merged upward, which loosens bounds but never breaks one."""

_FINEST: Final = Decimal("0.0001")
"""Credits to which a guess is rounded up: more digits would look like knowledge."""


@dataclass(slots=True)
class PriceBook:
    """A staircase: every image from `_first[i]` to `_last[i]` pixels costs at most `_credits[i]`.

    All three lists rise strictly, and steps do not overlap. `_first` and `_last` were both seen.
    """

    _first: list[int] = field(default_factory=list)
    _last: list[int] = field(default_factory=list)
    _credits: list[Decimal] = field(default_factory=list)
    highest_rate: Decimal | None = None
    """The most credits per megapixel that were seen: for forecasts, never for promises."""

    def learn(self, pixels: int, cost: Decimal) -> None:
        """An image of `pixels` cost `cost` credits (or was calculated to)."""
        rate = cost * 1_000_000 / max(1, pixels)
        self.highest_rate = rate if self.highest_rate is None else max(rate, self.highest_rate)
        below = bisect_right(self._first, pixels) - 1  # the step at or below `pixels`
        if below >= 0 and cost <= self._credits[below]:
            self._last[below] = max(self._last[below], pixels)
        else:
            self._raise(below, pixels, cost)

    def bound(self, pixels: int) -> Decimal | None:
        """The most that an image of `pixels` can cost; None when no image that large was seen."""
        at = bisect_left(self._last, pixels)
        return self._credits[at] if at < len(self._last) else None

    def forecast(self, pixels: int) -> Decimal | None:
        """A guess for any image: the bound, or beyond it the highest rate, rounded up; None before any price is known."""
        bound = self.bound(pixels)
        if bound is not None or self.highest_rate is None:
            return bound
        return (self.highest_rate * pixels / 1_000_000).quantize(_FINEST, ROUND_UP)

    def at_least(self, pixels: int) -> Decimal:
        """What an image of `pixels` will hardly cost less than: the price of the next smaller one seen, or 0."""
        at = bisect_right(self._last, pixels)
        return self._credits[at - 1] if at else Decimal(0)

    def _raise(self, below: int, pixels: int, cost: Decimal) -> None:
        """A new step begins at `pixels`, dearer than the step `below`: it swallows all that cost no more."""
        start, end = below + 1, bisect_right(self._credits, cost)
        last = max(pixels, self._last[end - 1]) if end else pixels
        if below >= 0 and self._last[below] >= pixels:
            # Prices are not quite monotone: larger images cost less, so the new step covers them too.
            self._last[below] = self._first[below]
            start = below if self._first[below] == pixels else start
        self._first[start:end] = [pixels]
        self._last[start:end] = [last]
        self._credits[start:end] = [cost]
        if len(self._credits) > MAX_STEPS:
            self._thin()

    def _thin(self) -> None:
        """Merge each pair of neighbouring steps into one with the dearer price."""
        even = len(self._credits) // 2 * 2
        del self._first[1:even:2], self._last[0:even:2], self._credits[0:even:2]
