"""What stands out from a plain ground by little: what is left of a shadow, or a pale product. Pure.

Both are of low contrast. What tells them apart is the outer side: a shadow (and a mist that a cut-out has left) fades into the
ground over many pixels, while a product has an edge there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

from pixian_batch.imaging.pieces import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pixian_batch.contract.params import Color

    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

FAINTEST: Final = 2.0
"""Of 255: less is no more than what rounding leaves."""
_DARKEST: Final = 110.0
"""How much darker than the ground a shadow is, at most. Darker ones are taken for what throws them."""
_HUE: Final = 0.35, 3.0
"""How far apart the channels of a shadow may be: a share of how dark it is, and steps."""
_LEAST: Final = 0.002
_MOST: Final = 0.3
"""Of the picture. A larger shade is a ground that is not plain."""
_AT_FRAME: Final = 0.1
"""Of the picture's frame, that a shadow may reach. What covers more of it is the ground."""
_IN: Final = 3
"""Blocks inward from its outer side: so far in a shadow has hardly begun."""
_FADED: Final = 0.55
"""What it has reached there, at most, of how dark it becomes. A product's edge has reached nearly all."""


_DETAIL: Final = 3.0
"""How far blocks of a shadow are from the mean of those around them, nine of ten. Measured: shadows up to 2.7, fur from 10 on."""


@dataclass(frozen=True, slots=True, eq=False)
class Faint:
    """Which blocks (h x w) are of a shadow, and which of a pale product."""

    shadow: Mask
    pale: Mask


def find_faint(rgb: Bytes, ground: Color, far: Bytes, *, noise: int, reach: int) -> Faint:
    """By their colours. rgb (h x w x 3): means of blocks; far (h x w): means of their distances from the ground.

    noise: what is farther is no ground; reach: blocks that a strong edge spreads its noise over.
    """
    base = np.array([ground.red, ground.green, ground.blue], np.int16)
    darker = base - rgb.astype(np.int16)
    level = darker.mean(axis=2)
    apart = darker.max(axis=2) - darker.min(axis=2)
    grey = (level >= FAINTEST) & (level <= _DARKEST) & (apart <= _HUE[0] * level + _HUE[1])
    clear = far < FAINTEST
    solid = grown((far > noise) & ~grey, 2)
    shadow, pale = np.zeros((2, *far.shape), np.bool_)
    for piece in _inner_pieces(grey, at_frame=_AT_FRAME):
        fits = piece.mean() <= _MOST and (piece & solid).any() and _fades(piece, level, clear)
        if fits and _is_smooth(piece, level):
            shadow |= piece
    noisy = grown(far > noise, reach)
    for piece in _inner_pieces((far >= FAINTEST) & ~shadow):
        dim = piece & ~noisy
        if dim.mean() >= _LEAST and not _fades(piece, far, clear):
            pale |= dim
    return Faint(shadow, pale)


def _inner_pieces(mask: Mask, *, at_frame: float = 0.0) -> Iterator[Mask]:
    """The pieces that are neither dust nor the ground itself. at_frame: of the frame, that they may cover."""
    numbers = labelled(mask, diagonal=True)
    areas = np.bincount(numbers.ravel(), minlength=1)
    frame = np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])
    reached = np.bincount(frame, minlength=len(areas)) / len(frame)
    for number in np.flatnonzero((areas >= _LEAST * mask.size) & (reached <= at_frame)):
        if number:
            yield numbers == number


def _fades(piece: Mask, level: NDArray[np.floating] | Bytes, clear: Mask) -> bool:
    """Whether it becomes dark slowly, from the ground inward."""
    inner = ~grown(clear, _IN)
    ring = piece & ~inner & ~grown(clear, _IN - 1)
    inside = piece & inner
    if not ring.any() or inside.sum() < ring.sum() / 2:
        return False
    return bool(np.median(level[ring]) <= _FADED * np.percentile(level[inside], 75))


def _is_smooth(piece: Mask, level: NDArray[np.float64]) -> bool:
    """Whether there is nothing to be seen in it: fur, cloth and metal are grey, too."""
    core = piece & ~grown(~piece, _IN)
    if not core.any():
        return False
    picture = Image.fromarray(np.clip(level, 0, 255).astype(np.uint8))
    detail = np.abs(np.asarray(picture, np.int16) - np.asarray(picture.filter(ImageFilter.BoxBlur(2))))
    return bool(np.percentile(detail[core], 90) <= _DETAIL)


def grown(mask: Mask, reach: int) -> Mask:
    """`mask`, and all within `reach` of it, in steps along both axes."""
    return _widened(_widened(mask, reach).T, reach).T


def _widened(mask: Mask, reach: int) -> Mask:
    """Along the rows: a pixel is set where a sum over its neighbours is not 0."""
    room = np.pad(mask, ((0, 0), (reach + 1, reach)))
    sums = room.cumsum(axis=1, dtype=np.int32)
    near: Mask = sums[:, 2 * reach + 1 :] != sums[:, : mask.shape[1]]
    return near
