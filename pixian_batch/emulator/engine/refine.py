"""Sharpens a coarse matte along the picture's own edges, at bounded cost.

A guided filter (He, Sun, Tang) fits, around every pixel, the matte as a linear function of the colour.
The fit is made on a small copy; only its coefficients are enlarged ("fast guided filter"), and only in
tiles where the matte has an edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Map = NDArray[np.float32]

GUIDE_PIXELS: Final = 640 * 640
"""The size of the copy that the fit is made on."""
_COARSE_SIDE: Final = 320
_RADIUS: Final = 2.5
"""The fit's window reaches this many pixels of the coarse matte to each side."""
_SMOOTHNESS: Final = 1e-3
"""Colour variance (0..1 squared) below which the picture is taken for flat."""
_LOW, _HIGH = 0.1, 0.9
"""Refined values up to the first become 0, from the second on 255: no haze, no holes."""
_TILE: Final = 256
_BAND_BYTES: Final = 1 << 24


def refine(rgb: NDArray[np.uint8], coarse: Map) -> NDArray[np.uint8]:
    """The alpha (H x W) of `rgb` (H x W x 3) from a coarse map of any size with values 0..1."""
    height, width = rgb.shape[:2]
    small = reduced(rgb, GUIDE_PIXELS)
    guide = np.asarray(small, np.float32) * np.float32(1 / 255)
    matte = np.clip(_resized(coarse, small.size), 0, 1)
    radius = max(2, round(_RADIUS * max(small.size) / _COARSE_SIDE))
    planes = _fit(guide, matte, radius)
    alpha = np.empty((height, width), np.uint8)
    scale_x, scale_y = small.width / width, small.height / height
    maps = [Image.fromarray(plane) for plane in planes]
    for rows, columns in _tiles(height, width):
        box = (columns.start * scale_x, rows.start * scale_y, columns.stop * scale_x, rows.stop * scale_y)
        flat = _flat_value(matte, box, radius)
        alpha[rows, columns] = flat if flat is not None else _applied(maps, rgb[rows, columns], box)
    return alpha


def reduced(rgb: NDArray[np.uint8], pixels: int) -> Image.Image:
    """`rgb` scaled down to about `pixels`; in bands, so that no second full-size copy is made."""
    height, width = rgb.shape[:2]
    scale = min(1.0, (pixels / (height * width)) ** 0.5)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    factor = int(1 / scale / 1.5)
    if factor < 2:  # noqa: PLR2004  # nothing to gain from averaging blocks first
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


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            yield slice(top, min(top + _TILE, height)), slice(left, min(left + _TILE, width))


def _flat_value(matte: Map, box: tuple[float, float, float, float], radius: int) -> int | None:
    """0 or 255 where the matte around `box` has no edge, else None."""
    left, top, right, bottom = box
    part = matte[
        max(0, int(top) - radius) : int(bottom) + radius + 1,
        max(0, int(left) - radius) : int(right) + radius + 1,
    ]
    if float(part.max()) <= _LOW / 2:
        return 0
    return 255 if float(part.min()) >= (1 + _HIGH) / 2 else None


def _applied(
    maps: list[Image.Image], rgb: NDArray[np.uint8], box: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """The fit, enlarged to the tile and applied to its colours."""
    size = rgb.shape[1], rgb.shape[0]
    large = [np.asarray(plane.resize(size, Image.Resampling.BILINEAR, box=box)) for plane in maps]
    value = large[3] + np.einsum("ijk,kij->ij", rgb.astype(np.float32) / 255, np.stack(large[:3]))
    return np.asarray(np.clip((value - _LOW) * (255 / (_HIGH - _LOW)) + 0.5, 0, 255), np.uint8)


def _fit(guide: Map, matte: Map, radius: int) -> list[Map]:
    """The planes a_red, a_green, a_blue, b of the guided filter: matte = a . colour + b, smoothed."""
    red, green, blue = (np.ascontiguousarray(guide[..., channel]) for channel in range(3))
    mean = _Box(matte.shape, radius)
    mr, mg, mb, mp = mean(red), mean(green), mean(blue), mean(matte)
    rr, gg, bb = (mean(c * c) - m * m + _SMOOTHNESS for c, m in ((red, mr), (green, mg), (blue, mb)))
    rg, rb, gb = mean(red * green) - mr * mg, mean(red * blue) - mr * mb, mean(green * blue) - mg * mb
    pr, pg, pb = (mean(c * matte) - m * mp for c, m in ((red, mr), (green, mg), (blue, mb)))
    # The inverse of the symmetric 3 x 3 covariance, by cofactors.
    irr, irg, irb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    igg, igb, ibb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * irr + rg * irg + rb * irb)
    ar = (irr * pr + irg * pg + irb * pb) * scale
    ag = (irg * pr + igg * pg + igb * pb) * scale
    ab = (irb * pr + igb * pg + ibb * pb) * scale
    return [mean(ar), mean(ag), mean(ab), mean(mp - ar * mr - ag * mg - ab * mb)]


class _Box:
    """The mean over a square window, which is cut at the borders; two running sums."""

    def __init__(self, shape: tuple[int, ...], radius: int) -> None:
        self._ends = [_window_ends(length, radius) for length in shape]
        counts = [(last - first).astype(np.float32) for first, last in self._ends]
        self._scale: Map = np.float32(1) / (counts[0][:, np.newaxis] * counts[1])

    def __call__(self, values: Map) -> Map:
        for axis, (first, last) in enumerate(self._ends):
            sums = np.zeros([n + (k == axis) for k, n in enumerate(values.shape)], np.float32)
            inner = sums[1:] if axis == 0 else sums[:, 1:]
            np.cumsum(values, axis=axis, out=inner)
            values = sums.take(last, axis) - sums.take(first, axis)
        return values * self._scale


def _window_ends(length: int, radius: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    positions = np.arange(length)
    return np.maximum(positions - radius, 0), np.minimum(positions + radius + 1, length)
