"""How many workers are allowed when: the vendor's ramp as absolute deadlines. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VENDOR_ADVICE_ABOVE: Final = 100
"""The vendor asks to be talked to before more than this many workers are used."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """`start` workers at 0 s, one more every `interval` seconds, up to `cap`. Interval 0: all at once."""

    start: int = 5
    cap: int = 100
    interval: float = 300.0

    @property
    def at_start(self) -> int:
        """Workers allowed at 0 s."""
        return self.cap if self.interval == 0 else min(self.start, self.cap)

    def openings(self) -> Iterator[float]:
        """The moment, in seconds since the start, at which each worker is allowed to begin."""
        for worker in range(self.cap):
            yield max(0, worker + 1 - self.at_start) * self.interval

    def allowed(self, elapsed: float) -> int:
        """Workers allowed `elapsed` seconds after the start."""
        # Counts the deadlines of `openings` that have passed. Dividing `elapsed` would disagree with
        # them by a rounding error now and then, and `seconds_for` would stand still at such a moment.
        steps = range(1, self.cap - self.at_start + 1)
        return self.at_start + bisect_right(steps, elapsed, key=lambda step: step * self.interval)

    def seconds_for(self, images: float, seconds_per_image: float, *, elapsed: float = 0.0) -> float:
        """How long `images` take from `elapsed` on, when each keeps one worker for `seconds_per_image`.

        Walks the steps of the ramp: within a step, the rate is workers / seconds_per_image.
        """
        now, left = elapsed, images * seconds_per_image  # left: worker-seconds
        while (workers := self.allowed(now)) < self.cap:
            step_end = (workers - self.at_start + 1) * self.interval
            if left <= (step_end - now) * workers:
                break
            left -= (step_end - now) * workers
            now = step_end
        return now - elapsed + left / workers
