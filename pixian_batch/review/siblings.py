"""What the results of one folder have in common, so that one that is unlike them can be told. Pure.

Photos of a series are alike: a foreground that is much smaller than in all others, or elsewhere, is worth a look. Robust: by
median and median deviation (MAD), which a few bad results do not move.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pixian_batch.review.measures import MatteMeasures

ENOUGH: Final = 8
"""Results of a folder from which it is told what is usual in it."""
_BINS: Final = 1000
"""Shares are counted to a thousandth, areas to a hundredth of a doubling: three counts, whatever the number of results."""
_DOUBLINGS: Final = 10
"""Areas are compared by how often they double, from a thousandth of the picture on: half as large is as far as twice."""
_LEAST_AREA_SPREAD: Final = 0.02
"""A fifth of a doubling. A folder in which all are alike has no spread at all: the least difference would be miles away."""
_LEAST_PLACE_SPREAD: Final = 0.02
_SIGMA: Final = 1.4826
"""What a MAD has to be multiplied with to be a standard deviation, were it a normal distribution."""


class Siblings:
    """The results of one folder, or what is left of them: how often which area and which place."""

    def __init__(self, results: Iterable[MatteMeasures] = ()) -> None:
        self._areas, self._across, self._down = (np.zeros(_BINS + 1, np.int64) for _ in range(3))
        for measures in results:
            self.add(measures)

    def add(self, measures: MatteMeasures) -> None:
        """Count one more result of the folder."""
        if measures.area is not None:
            self._areas[_bin(_doubled(measures.area))] += 1
        if measures.place is not None:
            self._across[_bin(measures.place[0])] += 1
            self._down[_bin(measures.place[1])] += 1

    @property
    def usual_area(self) -> float | None:
        """Of the photo, usually visible: the median; None with too few siblings."""
        if self._areas.sum() < ENOUGH:
            return None
        return 2 ** ((_median(self._areas) / _BINS - 1) * _DOUBLINGS)

    def far_in_area(self, measures: MatteMeasures) -> float:
        """How many deviations larger (or, negative, smaller) than usual its visible area is; 0 with too few siblings."""
        if measures.area is None:
            return 0.0
        return _far(_doubled(measures.area), self._areas, _LEAST_AREA_SPREAD)

    def far_in_place(self, measures: MatteMeasures) -> float:
        """How many deviations its foreground stands away from where it usually does; 0 with too few siblings."""
        if measures.place is None:
            return 0.0
        across, down = measures.place
        far = _far(across, self._across, _LEAST_PLACE_SPREAD), _far(down, self._down, _LEAST_PLACE_SPREAD)
        return max(map(abs, far))


def _bin(share: float) -> int:
    return round(min(1.0, max(0.0, share)) * _BINS)


def _doubled(area: float) -> float:
    """An area on the scale on which each doubling is a tenth, 0..1."""
    return max(0.0, 1 + math.log2(max(area, 2**-_DOUBLINGS)) / _DOUBLINGS)


def _far(value: float, counts: NDArray[np.int64], least_spread: float) -> float:
    if counts.sum() < ENOUGH:
        return 0.0
    usual = _median(counts)
    distances = np.abs(np.arange(_BINS + 1) - usual)
    spread = _median(np.bincount(distances, counts, minlength=_BINS + 1))
    return (value - usual / _BINS) / max(least_spread, spread / _BINS * _SIGMA)


def _median(counts: NDArray[np.int64] | NDArray[np.float64]) -> int:
    below = np.cumsum(counts)
    return int(np.searchsorted(below, below[-1] / 2))
