"""How much of a matte is mist: half transparent over a width at which no edge is. A measure; it changes nothing.

Hair, blur and a soft edge are half transparent, too, but narrow. What is left of the half-transparent pixels
once everything narrower than an edge is taken away is a region that was not decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FROM, _TO = 26, 229
"""Alpha that is neither: more than a tenth, less than nine tenths."""
_SIDE: Final = 400
"""It is measured on a copy of at most this many pixels a side."""
_WIDTH: Final = 11
"""Mist is at least this wide, on that copy: more than 2.5 % of the longer side."""
_ROWS: Final = 256


def mist(matte: NDArray[np.uint8]) -> float:
    """The part of a matte (H x W) that is mist, 0..1."""
    height, width = matte.shape
    factor = max(1, max(matte.shape) // _SIDE)
    between = np.empty((-(-height // factor), -(-width // factor)), np.uint8)
    for top in range(0, height, factor * _ROWS):  # in bands: no copy of the whole
        band = matte[top : top + factor * _ROWS]
        half = ((band >= _FROM) & (band <= _TO)).astype(np.uint8) * np.uint8(255)
        small = np.asarray(Image.fromarray(half).reduce(factor))
        between[top // factor : top // factor + len(small)] = small >= 128
    wide = ~_shrunk(~_shrunk(between > 0))
    return float(wide.mean())


def _shrunk(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What stays of a mask when only pixels count around which a square of `_WIDTH` is all set; outside is as its border."""
    room = _WIDTH // 2
    shrunk = np.pad(mask, room, mode="edge")
    for across in (shrunk.T, shrunk):  # one direction after the other, doubling: 1, 2, 4, 8, then the rest
        reach = 1
        while reach < _WIDTH:
            step = min(reach, _WIDTH - reach)
            across[:-step] &= across[step:]
            reach += step
    return shrunk[: len(mask), : mask.shape[1]]
