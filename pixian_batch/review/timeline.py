"""The axis of time of a ledger: stretches in which something was sent, cut into buckets, and what lies between. Pure.

Runs may be days apart. A gap that is longer than half of all the rest is cut out and marked, so that what happened can be seen;
a shorter one stays, as the empty time that it is. All stretches have one scale.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pixian_batch.review.ticks import clock_step

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_CUTS: Final = 4
_BUCKETS: Final = 120
"""So many buckets over all stretches, and a few for their ends."""
_SHORTEST: Final = 0.05
"""Of the whole: how much a stretch has at least, empty time behind it included."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds from `begin` to `end`, a whole number of buckets. first: its first bucket; before: seconds of those before."""

    begin: float
    end: float
    first: int
    before: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """step: seconds of a bucket. active: seconds in which runs were going on."""

    stretches: tuple[Stretch, ...]
    step: float
    active: float

    @classmethod
    def of(cls, spans: Iterable[tuple[float, float]]) -> Timeline:
        """The axis over some spans of time, of which there is at least one."""
        merged = _merged(sorted(spans))
        parts = _parts(merged)
        total = sum(end - begin for begin, end in parts)
        step = clock_step(max(1.0, total) / _BUCKETS)
        stretches: list[Stretch] = []
        bucket, before = 0, 0.0
        for begin, end in parts:
            first = begin // step * step
            count = max(1, -int(-(max(end, first + _SHORTEST * total) - first) // step))
            stretches.append(Stretch(first, first + count * step, bucket, before))
            bucket, before = bucket + count, before + count * step
        return cls(tuple(stretches), step, sum(end - begin for begin, end in merged))

    @property
    def buckets(self) -> int:
        """How many there are."""
        last = self.stretches[-1]
        return last.first + round((last.end - last.begin) / self.step)

    @property
    def seconds(self) -> float:
        """Of all stretches."""
        last = self.stretches[-1]
        return last.before + last.end - last.begin

    def stretch_of(self, moment: float) -> int:
        """The number of the stretch in which a moment lies, or of the one before it."""
        return max(0, bisect_right(self.stretches, moment, key=lambda stretch: stretch.begin) - 1)

    def bucket(self, moment: float) -> int:
        """The bucket of a moment; of one that lies in no stretch, the nearest one before."""
        stretch = self.stretches[self.stretch_of(moment)]
        last = self.bucket_count(stretch) - 1
        return stretch.first + min(last, max(0, int((moment - stretch.begin) // self.step)))

    def bucket_count(self, stretch: Stretch) -> int:
        """Buckets of one stretch."""
        return round((stretch.end - stretch.begin) / self.step)

    def begin_of(self, bucket: int) -> float:
        """When a bucket begins."""
        stretch = self.stretches[bisect_right(self.stretches, bucket, key=lambda item: item.first) - 1]
        return stretch.begin + (bucket - stretch.first) * self.step


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that overlap, as one."""
    merged: list[tuple[float, float]] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged


def _parts(merged: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is left of the time from the first to the last when the longest gaps are cut out."""
    gaps = sorted(
        ((after[0] - one[1], one[1], after[0]) for one, after in pairwise(merged)),
        reverse=True,
    )
    rest = max(1.0, merged[-1][1] - merged[0][0])
    cuts: list[tuple[float, float]] = []
    for length, begin, end in gaps[:_MOST_CUTS]:
        if length <= (rest - length) / 2 or length < 1:
            break
        rest -= length
        cuts.append((begin, end))
    edges = [merged[0][0], *(edge for cut in sorted(cuts) for edge in cut), merged[-1][1]]
    return list(zip(edges[::2], edges[1::2], strict=True))
