"""What can be measured of a result's matte, each measure a function of arrays. Pure: no file, no clock, no judgement.

What the numbers are worth is said in `suspicion.py`. Shapes are H x W (a matte, 0 = cut away, 255 = kept) or H x W x 3 and 4;
shares are 0..1. What asks for shapes (pieces, holes, outline) is measured on a copy of at most `SMALL` pixels a side,
averaged, so that nothing thin falls apart; what asks for colours along edges on every n-th pixel of the full
resolution, unaveraged, so that a fringe of two pixels is not smoothed away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.contract.params import Params, Size
from pixian_batch.policy.look import Look

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matte = NDArray[np.uint8]

SMALL: Final = 400
"""Pixels a side, at most, of the copy on which shapes are measured."""
FAINT: Final = 26
"""Alpha of a tenth: below it a pixel counts as cut away. From nine tenths on it counts as kept."""
SOLID: Final = 230
_HALF: Final = 128
_LEAST_PIECE: Final = 0.0005
"""Of the picture: smaller pieces and holes are dust."""
_ROUND: Final = np.pi / 4
"""What a slanting line's steps have to be multiplied with to be its length, on average over all directions."""


class Side(StrEnum):
    """A side of the photo's frame."""

    TOP = "upper"
    RIGHT = "right"
    BOTTOM = "lower"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a result beside its pixels."""

    params: Params = field(default_factory=Params)
    """What was asked for."""
    headers: ResultHeaders = field(default_factory=ResultHeaders)
    """What the answer said of it, as the ledger holds it."""


@dataclass(frozen=True, slots=True)
class MatteMeasures:
    """What was measured of one result. None: it cannot be known (no alpha, a crop of nobody knows what, no photo)."""

    problem: str = ""
    """Why nothing could be measured ("it is cut off"); empty where something was."""
    size: Size | None = None
    """Pixels of the result."""
    wanted: Size | None = None
    """The size that it should have, only where it has another one."""
    look: Look = field(default_factory=Look)
    """What the run itself looks for: empty, half transparent, full. By the same samples, the same rules, the same words."""
    area: float | None = None
    """Of the photo, visible: the mean alpha. 0 is empty, 1 is uncut."""
    place: tuple[float, float] | None = None
    """The middle of the foreground's box in the photo, from the left and from the top, 0..1."""
    sides: tuple[Side, ...] = ()
    """The sides of the photo's frame that the foreground reaches."""
    frame: float = 0.0
    """Of the photo's frame, all four sides together, covered by the foreground. Known from a box only: at most."""
    islands: int = 0
    """Pieces that do not touch each other, without dust."""
    stray: float = 0.0
    """Of what is visible, outside the largest piece."""
    holes: int = 0
    """Clear places that the foreground encloses, without dust."""
    hollow: float = 0.0
    """Of the foreground with its holes filled, hole."""
    outline: float | None = None
    """The outline's length over that of a disc of the same area: 1 is a disc, 1.1 a square, 4 is ragged."""
    edge_width: float | None = None
    """How wide the soft edge is on average, over the longer side: 0.002 is four pixels of 2000."""
    mist: float | None = None
    """Of the picture, half transparent where no edge is."""
    fringe: float | None = None
    """How much lighter (or, negative, darker) soft edges are than what they belong to, -1..1 of full brightness."""
    halo: float | None = None
    """Of the colour in soft edges, the share that is the photo's background: 0 clean, 1 nothing but background."""
    sharp_ground: float | None = None
    """How sharp what was cut away is, over how sharp what was kept is: 0 a plain or blurred ground, 1 as sharp."""


def measure(
    pixels: NDArray[np.uint8], asked: Asked | None = None, *, photo: NDArray[np.uint8] | None = None
) -> MatteMeasures:
    """All measures of a decoded result: H x W x 4, or H x W x 3 (JPEG, a coloured ground), of any size above 0 x 0.

    photo: the upright photo it was cut from (h x w x 3), in any size; without it some measures are None.
    Raises ValueError for another shape.
    """
    raise NotImplementedError
