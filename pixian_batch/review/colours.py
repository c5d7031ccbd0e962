"""What the colours along a matte's edge tell: fringes, what is left of the old background, what is in focus. Pure.

Results are sampled, every n-th pixel of the full resolution, unaveraged: a fringe of two pixels is not smoothed away,
and a picture of any size costs the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pixian_batch.review.matte import FAINT, SOLID

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES: Final = 500
"""Pixels a side, at most, that are looked at."""
_GRID: Final = 40
"""Blocks a side. The edge's colour in one is compared with the means of what is kept, and cut away, in it and those around."""
_WHOLE: Final = 250
"""Alpha from which a pixel is believed to show nothing but the foreground."""
_ENOUGH: Final = 3
"""Pixels of each kind that a block must have."""
_CONTRAST: Final = 32
"""How far (of 255) the ground's colour has to be from the foreground's for a mixture to be told."""
_PLAIN, _OTHER = 20, 60
"""How far (of 255) a pixel of a plain ground is from the others at most, and how far what does not belong to it."""
_LUMA: Final = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, slots=True)
class Fringe:
    """What the soft edges look like beside what they belong to."""

    lighter: float | None
    """How much lighter (negative: darker) they are than the foreground nearby, -1..1 of full brightness, on average."""
    ground: float | None
    """The share of the photo's background in their colour, 0..1; None without a photo, or without contrast."""


def sampled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every n-th pixel of every n-th row: a view, at most `SAMPLES` a side."""
    step = -(-max(pixels.shape[:2]) // SAMPLES)
    return pixels[::step, ::step]


def fringe(
    pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], photo: NDArray[np.uint8] | None = None
) -> Fringe:
    """Compare soft edges with what is kept beside them and, given the photo (h x w x 3), with what was cut away there.

    `pixels` (H x W x 3 or 4) and `alpha` (H x W) are sampled. In blocks of a 50th of the picture. F the mean colour of what is kept, E that of the edge, B that of the photo's
    background: the share g for which E = F + g (B - F) is nearest, over all blocks in which B and F differ.
    """
    blocks = _blocks(alpha.shape)
    soft = (alpha >= FAINT) & (alpha < SOLID)
    edge = _means(pixels[soft][:, :3], blocks[soft], around=0)
    near = (_gathered(edge.count, 1) > 0)[blocks]
    kept = (alpha >= _WHOLE) & near
    front = _means(pixels[kept][:, :3], blocks[kept], around=1)
    weight = edge.count * (np.minimum(edge.count, front.count) >= _ENOUGH)
    if not weight.any():
        return Fringe(None, None)
    own = edge.mean - front.mean
    lighter = float((weight * (own @ _LUMA)).sum() / weight.sum() / 255)
    if photo is None:
        return Fringe(lighter, None)
    clear = (alpha == 0) & near
    back = _means(_same(photo, clear), blocks[clear], around=1)
    return Fringe(lighter, _share(own, back.mean - front.mean, weight * (back.count >= _ENOUGH)))


def sharp_ground(photo: NDArray[np.uint8], matte: NDArray[np.uint8]) -> float | None:
    """How sharp what was cut away is, over how sharp what was kept is: 0 a plain or blurred ground, 1 and more as sharp.

    `photo` (h x w, grey) and `matte` (h x w) are small copies of one size. The step from pixel to pixel that a tenth of the
    pixels exceed, since most of any picture is plain. None where either side has less than 1 % of the picture.
    """
    grey = photo.astype(np.int16)
    steps = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    sides = [steps[_inner(matte >= SOLID)], steps[_inner(matte < FAINT)]]
    if min(map(len, sides)) <= 0.01 * steps.size:
        return None
    front, back = (float(np.percentile(side, 90)) for side in sides)
    return back / max(front, 1.0)


def left_behind(photo: NDArray[np.uint8], matte: NDArray[np.uint8]) -> float | None:
    """How much of a plain ground is not plain, over the area of what was kept; None where the ground is not plain.

    `photo` (h x w x 3) and `matte` (h x w) are small copies of one size. Plain: at least 70 % of what was cut away is within
    20 (of 255, in every channel) of its median colour. What is more than 60 away from that is no shadow: it may have been
    part of the subject.
    """
    photo, matte = photo[::2, ::2], matte[::2, ::2]  # a quarter of the pixels tells as much
    ground = photo[:-1, :-1][_inner(matte < FAINT)].astype(np.int16)
    kept = int(np.count_nonzero(matte >= SOLID))
    if not kept or len(ground) <= 0.01 * matte.size:
        return None
    far = np.abs(ground - np.median(ground, axis=0)).max(axis=1)
    if np.count_nonzero(far <= _PLAIN) < 0.7 * len(far):
        return None
    return min(1.0, int(np.count_nonzero(far > _OTHER)) / kept)


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    mean: NDArray[np.float64]
    """Of each block: N x 3."""
    count: NDArray[np.float64]


def _means(colours: NDArray[np.uint8], blocks: NDArray[np.int64], *, around: int) -> _Means:
    """The mean colours of the pixels in each block, and in the blocks up to `around` away from it."""
    count = _gathered(np.bincount(blocks, minlength=_GRID * _GRID), around)
    sums = [
        _gathered(np.bincount(blocks, colours[:, channel], minlength=_GRID * _GRID), around)
        for channel in range(3)
    ]
    return _Means(np.stack(sums, axis=1) / np.maximum(count, 1)[:, None], count)


def _gathered(sums: NDArray[np.int64] | NDArray[np.float64], around: int) -> NDArray[np.float64]:
    grid = np.pad(sums.reshape(_GRID, _GRID), around)
    windows = np.lib.stride_tricks.sliding_window_view(grid, (2 * around + 1,) * 2)
    gathered: NDArray[np.float64] = windows.sum(axis=(2, 3)).ravel()
    return gathered


def _same(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The photo's pixels where the mask (of any size) is set."""
    down, across = np.nonzero(mask)
    colours: NDArray[np.uint8] = photo[
        down * len(photo) // len(mask), across * photo.shape[1] // mask.shape[1]
    ]
    return colours


def _blocks(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The number of the block that each pixel is in."""
    down, across = (np.arange(length) * _GRID // length for length in shape)
    numbers: NDArray[np.int64] = down[:, None] * _GRID + across
    return numbers


def _share(edge: NDArray[np.float64], back: NDArray[np.float64], weight: NDArray[np.float64]) -> float | None:
    contrast = (back * back).sum(axis=1)
    weight = weight * (contrast >= _CONTRAST * _CONTRAST)
    if not weight.any():
        return None
    return float(np.clip((weight * (edge * back).sum(axis=1)).sum() / (weight * contrast).sum(), 0, 1))


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a pixel and its neighbours are all of the mask; one row and one column less."""
    inner: NDArray[np.bool_] = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:]
    return inner
