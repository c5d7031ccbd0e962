"""What a matte looks like: its pieces, its holes, its outline, its softness, the frame. Pure functions of arrays.

A matte is H x W, 0 = cut away, 255 = kept; shares are 0..1. Nothing is judged here: that is `suspicion.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from pixian_batch.imaging.pieces import pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matte = NDArray[np.uint8]

SMALL: Final = 400
"""Pixels a side, about, of the copy on which shapes are measured."""
FAINT: Final = 26
"""Alpha of a tenth: below it a pixel counts as cut away."""
SOLID: Final = 230
"""From nine tenths on a pixel counts as kept."""
_HALF: Final = 128
_DUST: Final = 0.0005
"""Of the picture: smaller pieces and holes do not count."""
_OBLIQUE: Final = math.pi / 4
"""What the number of a line's steps is multiplied with to be its length, on average over all directions."""


class Side(StrEnum):
    """A side of a picture's frame."""

    TOP = "upper"
    RIGHT = "right"
    BOTTOM = "lower"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Parts:
    """How a matte falls into pieces."""

    islands: int
    """Pieces that do not touch each other."""
    stray: float
    """Of their area, outside the largest piece."""
    holes: int
    """Clear places that the foreground encloses."""
    hollow: float
    """Of the foreground with its holes filled, hole."""


def small(matte: Matte) -> Matte:
    """A copy of `SMALL` to twice `SMALL` pixels on its longer side, averaged: what is thin is faint there, but not torn."""
    factor = max(1, max(matte.shape) // SMALL)
    return np.asarray(Image.fromarray(matte).reduce(factor)) if factor > 1 else matte


def parts(matte: Matte) -> Parts:
    """Pieces and holes of a (small) matte, without those of less than 0.05 % of the picture."""
    kept, least = matte >= FAINT, max(2.0, _DUST * matte.size)
    islands = pieces(kept, diagonal=True).areas
    islands = islands[islands >= least]
    clear = pieces(~kept, diagonal=False)
    holes = clear.areas[~clear.at_frame & (clear.areas >= least)]
    whole, hole = int(islands.sum()), int(holes.sum())
    if not whole:
        return Parts(0, 0.0, len(holes), 0.0)
    return Parts(len(islands), 1 - int(islands[0]) / whole, len(holes), hole / (whole + hole))


def outline(matte: Matte) -> float | None:
    """The outline's length over that of a disc of the same area, of a (small) matte; None where nothing is kept.

    1 is a disc, 1.1 a square, 2 a person, 4 is ragged. Where the picture's frame cuts, no outline is counted.
    """
    kept = matte >= _HALF
    area = int(np.count_nonzero(kept))
    return _length(kept) / (2 * math.sqrt(math.pi * area)) if area else None


def edge_width(matte: Matte) -> float | None:
    """How wide the soft edge is on average, over the longer side; None where there is no edge.

    At full resolution: 0.002 is four pixels of 2000. The area that is soft over the length of the outline.
    """
    length = _length(matte >= _HALF)
    if not length:
        return None
    soft = int(np.count_nonzero((matte - np.uint8(FAINT)) < SOLID - FAINT))  # smaller numbers wrap
    return float(soft / length / max(matte.shape))


def frame(matte: Matte) -> dict[Side, float]:
    """Of each side of the frame, the share that is kept; only sides that are touched (1 % of one, and two pixels)."""
    lines = {
        Side.TOP: matte[0],
        Side.RIGHT: matte[:, -1],
        Side.BOTTOM: matte[-1],
        Side.LEFT: matte[:, 0],
    }
    counts = {side: int(np.count_nonzero(line >= _HALF)) for side, line in lines.items()}
    return {
        side: count / len(lines[side])
        for side, count in counts.items()
        if count >= max(2, 0.01 * len(lines[side]))
    }


def box(matte: Matte) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of what is kept, 0..1; None where nothing is."""
    kept = matte >= FAINT
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    if not rows.size:
        return None
    height, width = matte.shape
    left, right = int(columns[0]) / width, (int(columns[-1]) + 1) / width
    return left, int(rows[0]) / height, right, (int(rows[-1]) + 1) / height


def by_ground(rgb: NDArray[np.uint8], ground: tuple[int, int, int]) -> Matte:
    """A guess at the matte of a picture (H x W x 3) that stands on a ground of one colour: how far each pixel is from it.

    A distance of up to 10 (of 255, in the channel where it is largest) is the ground, with a JPEG's noise; from 30 on it is
    foreground. White on white is taken for ground.
    """
    lowest, highest = 10, 30
    far = np.zeros(rgb.shape[:2], np.uint8)
    for channel, value in enumerate(ground):
        own = rgb[..., channel]
        np.maximum(far, np.maximum(own, value) - np.minimum(own, value), out=far)
    ramp = np.clip((np.arange(256) - lowest) * 255 / (highest - lowest), 0, 255).astype(np.uint8)
    return ramp[far]


def _length(kept: NDArray[np.bool_]) -> float:
    """The length of the line between what is kept and what is not, in pixels."""
    steps = np.count_nonzero(kept[:, 1:] != kept[:, :-1]) + np.count_nonzero(kept[1:] != kept[:-1])
    return float(steps * _OBLIQUE)
