"""Decides the wide regions in which a network is unsure; narrow ones are edges, and stay soft. Numbers only.

A network's map is a probability. Around an edge its middle values are a good alpha, for hair and blur are
mixtures; over a whole region they say "half of this, perhaps", and would come out as mist. What is to become
of such a region is asked of the picture: each pixel leans to what the network holds likely, and to the side
whose colours it has; neighbours of like colour want the same (a random walk, after Grady, 2006). So
the answer follows the picture's own edges, and what is surely subject draws to itself what belongs to it.

Where even that is not clear, and the unsure region is larger than everything that is sure, nothing is
decided: a map that is left as it was can be seen to be unsure, a wrong half of an object cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float32]
    Mask = NDArray[np.bool_]

_SIDE: Final = 160
"""Decisions are made on a grid of so many cells a side, whatever the map's size: a walk costs 10 ms there."""
_UNSURE_FROM, _UNSURE_TO = 0.1, 0.9
_WIDE: Final = 4
"""An unsure region is no edge when a square that reaches so many cells to each side fits into it."""
_RIM: Final = 2
"""So many unsure cells around a wide region are decided with it."""
_TRUST: Final = 1.5
"""What the network's odds count for, beside those of the colours."""
_LEAN: Final = 0.25
"""Added to the odds of being subject (logarithm): what is cut off is missed more than what is left on."""
_STUBBORN: Final = 0.02
"""How much a cell holds to its own odds, where its neighbours' hold is up to 1."""
_SURE: Final = 10.0
"""The same for cells that are not to be decided."""
_LIKE: Final = 1.0
"""How fast the hold between neighbours falls with their difference in colour (in mean squared differences)."""
_LEAST_HOLD: Final = 1e-3
_BINS: Final = 12
"""Colours are counted in so many steps a channel."""
_RARE: Final = 1e-4
"""A colour of which there is less than this part tells nothing."""
_STRONGEST: Final = 3.0
_STEPS: Final = 80
_CLOSE: Final = 1e-8
"""The walk's equations are solved to this (the mean square of what is left)."""
_STEEPNESS: Final = 4.0
"""A decision's own edge is this much steeper than the walk's answer."""
_OPEN_FROM, _OPEN_TO, _OPEN_SHARE = 0.35, 0.65, 0.2
"""A region is open while at least this share of it has an answer between the two."""


def decided(coarse: Map, picture: Image.Image) -> Map:
    """The map (0..1) with its wide unsure regions decided by the look of `picture` (RGB, of any size)."""
    grid = _shrunk(coarse)
    unsure = (grid > _UNSURE_FROM) & (grid < _UNSURE_TO)
    wide = _grown(_grown(unsure, _WIDE, shrink=True), _WIDE + _RIM) & unsure
    if not wide.any():
        return coarse
    colours = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    odds = _TRUST * _logit(grid) + _colour_odds(colours, grid) + _LEAN
    wanted = np.where(wide, 1 / (1 + np.exp(-odds)), grid).astype(np.float32)
    stubborn = np.where(wide, np.float32(_STUBBORN), np.float32(_SURE))
    answer = _walked(_Holds.between(colours), wanted, stubborn)
    wide &= ~_open(wide, answer, sure=int((grid >= _UNSURE_TO).sum()))
    steep = np.clip((answer - 0.5) * np.float32(_STEEPNESS) + np.float32(0.5), 0, 1)
    share = _enlarged(wide.astype(np.float32), coarse)
    return np.asarray(coarse + (_enlarged(steep, coarse) - coarse) * share, np.float32)


def _shrunk(values: Map) -> Map:
    small = Image.fromarray(values).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(np.clip(np.asarray(small), 0, 1), np.float32)


def _enlarged(values: Map, like: Map) -> Map:
    return np.asarray(Image.fromarray(values).resize(like.shape[::-1], Image.Resampling.BILINEAR))


def _grown(mask: Mask, reach: int, *, shrink: bool = False) -> Mask:
    """The cells that have one (shrunk: nothing but cells) of the mask so many cells around them."""
    kind = ImageFilter.MinFilter if shrink else ImageFilter.MaxFilter
    picture = Image.fromarray(mask.astype(np.uint8))
    return np.asarray(picture.filter(kind(2 * reach + 1))) > 0


def _logit(values: Map) -> Map:
    inside = np.clip(values, 0.02, 0.98)
    return np.asarray(np.log(inside / (1 - inside)), np.float32)


def _colour_odds(colours: Map, likely: Map) -> Map:
    """How much more of each cell's colour there is among the subject than around it (logarithm)."""
    steps = np.minimum(colours * np.float32(_BINS / 256), _BINS - 1).astype(np.intp)
    number = (steps[..., 0] * _BINS + steps[..., 1]) * _BINS + steps[..., 2]
    front, back = (_spread(number, weight) + _RARE for weight in (likely, 1 - likely))
    odds = np.clip(np.log(front / back), -_STRONGEST, _STRONGEST)
    return np.asarray(odds.ravel()[number], np.float32)


def _spread(number: NDArray[np.intp], weight: Map) -> NDArray[np.float64]:
    """The share of each colour in all the weight; each counts for its neighbours, too."""
    counts = np.bincount(number.ravel(), weight.ravel(), _BINS**3).reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        room = np.pad(np.moveaxis(counts, axis, 0), ((1, 1), (0, 0), (0, 0)))
        counts = np.moveaxis(room[:-2] + 2 * room[1:-1] + room[2:], 0, axis)
    return np.asarray(counts / max(float(counts.sum()), 1e-9))


@dataclass(frozen=True, slots=True, eq=False)
class _Holds:
    """What neighbouring cells hold of each other, 0..1: by like colours much, across an edge next to nothing."""

    across: Map
    down: Map

    @classmethod
    def between(cls, colours: Map) -> _Holds:
        across, down = (np.square(np.diff(colours, axis=axis)).sum(axis=-1) for axis in (1, 0))
        usual = (float(across.mean()) + float(down.mean())) / 2 + 1e-3
        return cls(
            *(np.exp(side * np.float32(-_LIKE / usual)) + np.float32(_LEAST_HOLD) for side in (across, down))
        )

    def shares(self, values: Map) -> Map:
        """What each cell's neighbours hold of it, all together."""
        shares = np.zeros_like(values)
        shares[:, 1:] += self.across * values[:, :-1]
        shares[:, :-1] += self.across * values[:, 1:]
        shares[1:] += self.down * values[:-1]
        shares[:-1] += self.down * values[1:]
        return shares


def _walked(holds: _Holds, wanted: Map, stubborn: Map) -> Map:
    """Where all cells agree best with their own odds and with their neighbours (conjugate gradients)."""
    own = stubborn + holds.shares(np.ones_like(wanted))
    values = wanted.copy()
    left = stubborn * wanted - own * values + holds.shares(values)
    way = left / own
    worth = float(np.vdot(left, way))
    for _step in range(_STEPS):
        if worth <= _CLOSE * values.size:
            break
        taken = own * way - holds.shares(way)
        length = np.float32(worth / float(np.vdot(way, taken)))
        values += length * way
        left -= length * taken
        ahead = left / own
        before, worth = worth, float(np.vdot(left, ahead))
        way = ahead + np.float32(worth / before) * way
    return values


def _open(wide: Mask, answer: Map, *, sure: int) -> Mask:
    """The regions in which the answer is not clear, and which are larger than what is `sure` (in cells)."""
    numbers = _regions(wide)
    sizes = np.bincount(numbers.ravel())
    unclear = (answer > _OPEN_FROM) & (answer < _OPEN_TO)
    unclear_cells = np.bincount(numbers.ravel(), unclear.ravel())
    still_open = (sizes > sure) & (unclear_cells >= _OPEN_SHARE * sizes)
    still_open[0] = False
    return np.asarray(still_open[numbers], np.bool_)


def _regions(mask: Mask) -> NDArray[np.intp]:
    """The number of the connected region that a cell is in; 0 outside. Row by row, in runs."""
    numbers, same = np.zeros(mask.shape, np.intp), [0]
    above: list[tuple[int, int, int]] = []
    for row, cells in enumerate(mask):
        ends = np.flatnonzero(np.diff(cells, prepend=False, append=False)).tolist()
        runs = [
            (first, last, len(same) + k)
            for k, (first, last) in enumerate(zip(ends[::2], ends[1::2], strict=True))
        ]
        same.extend(number for *_ends, number in runs)
        for first, last, number in runs:
            numbers[row, first:last] = number
            for other_first, other_last, other in above:
                if other_first < last and first < other_last:
                    _join(same, number, other)
        above = runs
    return np.array([_least(same, number) for number in range(len(same))])[numbers]


def _join(same: list[int], one: int, other: int) -> None:
    first, second = _least(same, one), _least(same, other)
    same[max(first, second)] = min(first, second)


def _least(same: list[int], number: int) -> int:
    while same[number] != number:
        same[number] = number = same[same[number]]
    return number
