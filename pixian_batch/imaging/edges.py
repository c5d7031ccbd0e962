"""The foreground's own colour at soft edges, where the input shows a mixture with the background.

Without it a cut-out carries a seam of the old background's colour. After Forte and Pitie's "blur
fusion" (2021), in one pass: with F and B, the mean colours of the foreground and the background
nearby, and I = a F + (1 - a) B + rest, the foreground's share of the rest is put back onto F.
Pixels that are wholly foreground or background are never touched. In large pictures, whose windows are
wide, the means are taken of blocks of pixels: 49 x 49 pixels tell no more than 12 x 12 blocks of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Window = tuple[slice, slice]

TILE: Final = 64
"""The grid on which soft edges are looked for. A multiple of every block, and more than the longest reach."""
_RUN: Final = 8
"""At most so many tiles in a row are worked on at once: they stay in the cache."""
_REACH: Final = 1 / 150
"""How far "nearby" reaches, as a part of the longer side: about the width of a matte's edge."""
_SHORTEST, _LONGEST = 3, 24
_REACH_IN_BLOCKS: Final = 6
_WEIGHT: Final = (np.arange(256) ** 2 // 255).astype(np.uint8)
"""How much a pixel of some alpha tells about the pure colour: mixtures tell little."""
_ENOUGH: Final = 6
"""The least mean weight (of 255) from which a mean colour is believed."""


class Edges:
    """The colours on both sides of a picture's soft edges: `rgb` (H x W x 3) cut out by `matte` (H x W)."""

    def __init__(self, rgb: NDArray[np.uint8], matte: NDArray[np.uint8]) -> None:
        self._matte = matte
        reach = int(min(_LONGEST, max(_SHORTEST, max(matte.shape) * _REACH)))
        self._block = 1 << max(0, (reach // _REACH_IN_BLOCKS).bit_length() - 1)
        self._soft = _soft_tiles(matte)
        height, width = (-(-length // self._block) for length in matte.shape)
        front, back = Image.new("RGBa", (width, height)), Image.new("RGBa", (width, height))
        for tile in _tiles(_grown(self._soft), matte.shape):
            picture, alpha = Image.fromarray(rgb[tile]), matte[tile]
            place = tile[1].start // self._block, tile[0].start // self._block
            front.paste(_weighted(picture, _WEIGHT.take(alpha), self._block), place)
            back.paste(_weighted(picture, _WEIGHT[::-1].take(alpha), self._block), place)
        blur = ImageFilter.BoxBlur(reach / self._block)
        self._front, self._back = front.filter(blur), back.filter(blur)

    def clean(self, pixels: NDArray[np.uint8], *, top: int = 0) -> None:
        """Put the foreground's colour into `pixels` wherever the matte is neither 0 nor 255.

        `pixels` (h x W x 4, C-contiguous) are rows of the picture, opaque, from `top` on. Both `top` and,
        but for the picture's last rows, h are multiples of `TILE`.
        """
        numbers, height = pixels.view(np.uint32)[..., 0], len(pixels)
        rows = slice(top // TILE, -(-(top + height) // TILE))
        for tile in _tiles(self._soft[rows], pixels.shape):
            place = slice(top + tile[0].start, top + tile[0].stop), tile[1]
            alpha = self._matte[place]
            soft = np.flatnonzero((alpha - np.uint8(1)) < 254)  # 0 wraps: not 0, not 255
            inner = numbers[tile].ravel()
            inner[soft] = self._estimated(inner[soft], alpha.ravel()[soft], place, soft)
            numbers[tile] = inner.reshape(alpha.shape)

    def _estimated(
        self, numbers: NDArray[np.uint32], alpha: NDArray[np.uint8], tile: Window, soft: NDArray[np.intp]
    ) -> NDArray[np.uint32]:
        """The foreground's colours at the soft pixels of a tile, given what stands there."""
        own, share = _channels(numbers), alpha * np.float32(1 / 255)
        front, back = (self._nearby(side, tile, soft) for side in (self._front, self._back))
        known = (front[3] >= _ENOUGH) & (back[3] >= _ENOUGH)
        # F + a (I - a F - (1 - a) B), rounded
        colours = front[:3]
        colours *= 1 - share * share
        colours += share * own[:3]
        colours -= (share - share * share) * back[:3]
        colours += np.float32(0.5)
        np.copyto(own[:3], np.clip(colours, 0, 255, out=colours), where=known)
        return np.ascontiguousarray(own.astype(np.uint8).T).view(np.uint32)[:, 0]

    def _nearby(self, side: Image.Image, tile: Window, soft: NDArray[np.intp]) -> NDArray[np.float32]:
        """The weighted mean colour around the soft pixels, and the mean weight: 4 x N."""
        rows, columns = tile
        size = columns.stop - columns.start, rows.stop - rows.start
        left, top, right, bottom = (
            end / self._block for end in (columns.start, rows.start, columns.stop, rows.stop)
        )
        box = left, top, min(right, side.width), min(bottom, side.height)
        means = side.resize(size, Image.Resampling.BILINEAR, box=box)
        nearby = _channels(np.asarray(means).view(np.uint32).ravel()[soft])
        nearby[:3] *= 255 / np.maximum(nearby[3], 1)
        return nearby


def _soft_tiles(matte: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which tiles have a pixel that is neither 0 nor 255."""
    count = [-(-length // TILE) for length in matte.shape]
    soft = np.zeros(count, np.bool_)
    for row in range(count[0]):
        band = (matte[row * TILE : (row + 1) * TILE] - np.uint8(1)) < 254
        soft[row] = np.logical_or.reduceat(band.any(axis=0), np.arange(0, matte.shape[1], TILE))
    return soft


def _grown(tiles: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those tiles and all their neighbours."""
    room = np.pad(tiles, 1)
    down = room[:-2] | room[1:-1] | room[2:]
    grown: NDArray[np.bool_] = down[:, :-2] | down[:, 1:-1] | down[:, 2:]
    return grown


def _tiles(which: NDArray[np.bool_], shape: tuple[int, ...]) -> Iterator[Window]:
    """Windows that cover those tiles and nothing else, few and not too long."""
    for row, tiles in enumerate(which):
        rows = slice(row * TILE, min((row + 1) * TILE, shape[0]))
        changes = np.flatnonzero(np.diff(tiles, prepend=False, append=False)).tolist()
        for first, last in zip(changes[::2], changes[1::2], strict=True):
            for start in range(first, last, _RUN):
                stop = min(start + _RUN, last)
                yield rows, slice(start * TILE, min(stop * TILE, shape[1]))


def _weighted(picture: Image.Image, weight: NDArray[np.uint8], block: int) -> Image.Image:
    """Sums of weighted colours, and of weights, over blocks."""
    weighted = picture.copy()
    weighted.putalpha(Image.fromarray(weight))
    return weighted.convert("RGBa").reduce(block)


def _channels(numbers: NDArray[np.uint32]) -> NDArray[np.float32]:
    """The four bytes of each pixel: 4 x N."""
    return numbers.view(np.uint8).reshape(-1, 4).T.astype(np.float32, order="C")
