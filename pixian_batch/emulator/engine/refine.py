"""Sharpens a coarse matte along the picture's own edges, at bounded cost.

A guided filter (He, Sun, Tang) fits, around every pixel, the matte as a linear function of the colour.
The fit is made on a small copy; only its coefficients are enlarged ("fast guided filter"). Both happen
only in tiles where the matte has an edge, one tile at a time, so that all of it stays in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float32]

_GUIDE_PIXELS: Final = 640 * 640
"""The size of the copy that the fit is made on."""
_COARSE_SIDE: Final = 320
_RADIUS: Final = 2.5
"""The fit's window reaches this many pixels of the coarse matte to each side."""
_SMOOTHNESS: Final = 3e-4
"""Colour variance (0..1 squared) below which the picture is taken for flat."""
_LOW, _HIGH = 0.15, 0.85
"""Refined values up to the first become 0, from the second on 255: no haze, no holes."""
_TILE: Final = 128
_ONE_THREAD: Final = 1 << 18
"""Up to so many multiplications a matrix product stays in its thread (OpenBLAS); waking others costs more."""
_BAND_BYTES: Final = 1 << 22


def refine(rgb: NDArray[np.uint8], small: Image.Image, coarse: Map) -> NDArray[np.uint8]:
    """The alpha (H x W) of `rgb` (H x W x 3) from a coarse map of any size with values 0..1.

    `small` is `reduced(rgb)`, which the caller needs as well.
    """
    guide = np.asarray(small).transpose(2, 0, 1)
    matte = np.clip(_resized(coarse, small.size), 0, 1)
    radius = max(2, round(_RADIUS * max(small.size) / _COARSE_SIDE))
    height, width = rgb.shape[:2]
    alpha = np.empty((height, width), np.uint8)
    columns = _strips(width, small.width, radius)
    for row in _strips(height, small.height, radius):
        for column in columns:
            tile, near = (row.ends, column.ends), (row.near, column.near)
            flat = _flat_value(matte[row.felt, column.felt])
            if flat is None:
                planes = _fit(guide[:, *near] * np.float32(1 / 255), matte[near], row.mean, column.mean)
                alpha[tile] = _applied(planes, rgb[tile], row.enlarge, column.enlarge)
            else:
                alpha[tile] = flat
    return alpha


def reduced(rgb: NDArray[np.uint8]) -> Image.Image:
    """`rgb` scaled down to about `_GUIDE_PIXELS`; in bands, so that no second full-size copy is made."""
    height, width = rgb.shape[:2]
    scale = min(1.0, (_GUIDE_PIXELS / (height * width)) ** 0.5)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    factor = int(1 / scale / 1.5)
    if factor < 2:  # nothing to gain from averaging blocks first
        return Image.fromarray(rgb).resize(
            size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        )
    step = max(1, _BAND_BYTES // (width * 3) // factor) * factor
    bands = [
        np.asarray(Image.fromarray(rgb[top : top + step]).reduce(factor)) for top in range(0, height, step)
    ]
    return Image.fromarray(np.concatenate(bands)).resize(size, Image.Resampling.LANCZOS)


def _resized(values: Map, size: tuple[int, int]) -> Map:
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """The rows, or the columns, of a tile, and what leads from the small picture to them."""

    ends: slice
    """In the large picture."""
    felt: slice
    """In the small picture: where an edge would be felt here."""
    near: slice
    """In the small picture: all that the fit and its enlarging look at."""
    mean: Map
    """Takes the mean over the window, which is cut at the picture's ends, within `near`."""
    enlarge: Map
    """Takes that mean, then enlarges `near` to `ends`, bilinear."""


def _strips(full: int, less: int, radius: int) -> list[_Strip]:
    """The tiles' strips along a side that has `full` pixels in the large picture, `less` in the small."""
    strips = []
    for first in range(0, full, _TILE):
        ends = slice(first, min(first + _TILE, full))
        # Enlarging looks one pixel further, and the fit takes means of means.
        felt, near = (_below(ends, full, less, room) for room in (radius, 1 + 2 * radius))
        mean = _means(near.stop - near.start, radius)
        enlarge = _product(_enlarging(ends, near, less / full), mean[np.newaxis])[0]
        strips.append(_Strip(ends, felt, near, mean=mean, enlarge=enlarge))
    return strips


def _below(ends: slice, full: int, less: int, room: int) -> slice:
    """The part of the small picture under a part of the large one, with `room` pixels more at its ends."""
    return slice(max(0, ends.start * less // full - room), min(less, -(-ends.stop * less // full) + room))


def _flat_value(matte: Map) -> int | None:
    """0 or 255 where the matte has no edge, else None."""
    if float(matte.max()) <= _LOW / 2:
        return 0
    return 255 if float(matte.min()) >= (1 + _HIGH) / 2 else None


def _applied(planes: Map, rgb: NDArray[np.uint8], down: Map, across: Map) -> NDArray[np.uint8]:
    """The alpha of a tile: the fit, smoothed and enlarged by `down` and `across`, applied to its colours."""
    # Colours 0..255 in, alpha 0..255 out, with the cut at low and high: all of it is linear.
    planes *= np.float32(1 / (_HIGH - _LOW))
    planes[3] = (planes[3] - np.float32(_LOW / (_HIGH - _LOW))) * 255
    large = _product(down, _product_right(planes, across))
    value = large[3]
    for channel in range(3):
        large[channel] *= rgb[..., channel]
        value += large[channel]
    value += np.float32(0.5)
    return np.asarray(np.clip(value, 0, 255, out=value), np.uint8)


def _means(length: int, radius: int) -> Map:
    """The matrix that takes the mean over a window, which is cut at the ends, of a column."""
    places = np.arange(length)
    inside = np.abs(places[:, np.newaxis] - places) <= radius
    return np.asarray(inside / inside.sum(axis=1, keepdims=True), np.float32)


def _enlarging(ends: slice, part: slice, scale: float) -> Map:
    """The matrix that enlarges a column over `part` of the small picture to `ends` of the large, bilinear."""
    places = (np.arange(ends.start, ends.stop) + 0.5) * scale - 0.5 - part.start
    sources = np.arange(part.stop - part.start)
    # At the picture's border, where there is no next pixel, the last one counts twice.
    places = np.clip(places, 0, len(sources) - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(places[:, np.newaxis] - sources)), np.float32)


def _product(left: Map, planes: Map) -> Map:
    """`left` (M x K) times each of `planes` (N x K x L)."""
    result = np.empty((len(planes), len(left), planes.shape[2]), np.float32)
    step = max(1, _ONE_THREAD // planes[0].size)
    for top in range(0, len(left), step):
        np.matmul(left[top : top + step], planes, out=result[:, top : top + step])
    return result


def _product_right(planes: Map, right: Map) -> Map:
    """Each of `planes` (N x K x L) times the transposed `right` (M x L)."""
    turned = np.ascontiguousarray(right.T)
    result = np.empty((*planes.shape[:2], len(right)), np.float32)
    step = max(1, _ONE_THREAD // right.size)
    for top in range(0, planes.shape[1], step):
        np.matmul(planes[:, top : top + step], turned, out=result[:, top : top + step])
    return result


def _fit(guide: Map, matte: Map, down: Map, across: Map) -> Map:
    """The planes a_red, a_green, a_blue, b of the guided filter, not smoothed: matte = a . colour + b.

    `down` and `across` take the means over the window, see `_means`.
    """
    known = np.empty((13, *matte.shape), np.float32)
    known[:3], known[3] = guide, matte
    np.multiply(guide, guide, out=known[4:7])
    np.multiply(guide, matte, out=known[7:10])
    np.multiply(guide[0], guide[1:], out=known[10:12])
    np.multiply(guide[1], guide[2], out=known[12])
    mr, mg, mb, mp, rr, gg, bb, pr, pg, pb, rg, rb, gb = _product(down, _product_right(known, across))
    rr, gg, bb = (square - m * m + _SMOOTHNESS for square, m in ((rr, mr), (gg, mg), (bb, mb)))
    rg, rb, gb = rg - mr * mg, rb - mr * mb, gb - mg * mb
    pr, pg, pb = pr - mr * mp, pg - mg * mp, pb - mb * mp
    # The inverse of the symmetric 3 x 3 covariance, by cofactors.
    irr, irg, irb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    igg, igb, ibb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * irr + rg * irg + rb * irb)
    fit = np.empty((4, *matte.shape), np.float32)
    fit[0] = (irr * pr + irg * pg + irb * pb) * scale
    fit[1] = (irg * pr + igg * pg + igb * pb) * scale
    fit[2] = (irb * pr + igb * pg + ibb * pb) * scale
    fit[3] = mp - fit[0] * mr - fit[1] * mg - fit[2] * mb
    return fit
