"""The foreground's own colour at soft edges, where the input shows a mixture with the background.

Without it a cut-out carries a seam of the old background's colour. After Forte and Pitie's "blur
fusion" (2021), in one pass: with F and B, the mean colours of the foreground and the background
nearby, and I = a F + (1 - a) B + rest, the foreground's share of the rest is put back onto F.
Pixels that are wholly foreground or background are never touched. The means of large pictures, whose
windows are wide, are taken of blocks of pixels: a mean over 49 x 49 pixels does not need each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Window = tuple[slice, slice]

_TILE: Final = 128
"""A multiple of every `_block`."""
BAND: Final = 128
"""Rows of one band of `clean_rows`; a multiple of `_TILE`."""
_REACH: Final = 1 / 150
"""How far "nearby" reaches, as a part of the longer side: about the width of a matte's edge."""
_SHORTEST, _LONGEST = 3, 24
_REACH_IN_BLOCKS: Final = 6
_WEIGHT: Final = (np.arange(256) ** 2 // 255).astype(np.uint8)
"""How much a pixel of some alpha tells about the pure colour: mixtures tell little."""
_ENOUGH: Final = 6
"""The least mean weight (of 255) from which a mean colour is believed."""


def clean_edges(rgb: NDArray[np.uint8], matte: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`rgb` (H x W x 3) with the foreground's colour wherever `matte` (H x W) is neither 0 nor 255.

    Gives `rgb` itself when the matte has no such pixel, else a copy.
    """
    cleaned = None
    for top in range(0, matte.shape[0], BAND):
        band = clean_rows(rgb, matte, top)
        if not np.shares_memory(band, rgb):
            cleaned = rgb.copy() if cleaned is None else cleaned
            cleaned[top : top + BAND] = band
    return rgb if cleaned is None else cleaned


def clean_rows(rgb: NDArray[np.uint8], matte: NDArray[np.uint8], top: int) -> NDArray[np.uint8]:
    """The rows `top` to `top + BAND` of `clean_edges`; `top` is a multiple of `BAND`.

    Gives a view of `rgb` when nothing in them is to be cleaned.
    """
    reach = int(min(_LONGEST, max(_SHORTEST, max(matte.shape) * _REACH)))
    rows = matte[top : top + BAND]
    soft = (rows - np.uint8(1)) < 254  # noqa: PLR2004  # 0 wraps to 255: neither 0 nor 255
    cleaned = None
    for left in range(0, matte.shape[1], _TILE):
        tile = slice(left, left + _TILE)
        if soft[:, tile].any():
            cleaned = rgb[top : top + BAND].copy() if cleaned is None else cleaned
            part = _bounds(soft[:, tile], _block(reach))
            inner = soft[:, tile][part]
            cleaned[:, tile][part][inner] = _estimated(rgb, matte, _moved(part, top, left), inner, reach)
    return rgb[top : top + BAND] if cleaned is None else cleaned


def _block(reach: int) -> int:
    """The side of the blocks that means are taken of: 1, 2 or 4 pixels."""
    return 1 << max(0, (reach // _REACH_IN_BLOCKS).bit_length() - 1)


def _bounds(soft: NDArray[np.bool_], block: int) -> Window:
    """The smallest window of whole blocks around everything that is soft."""
    rows, columns = (
        slice(int(found[0]) // block * block, min(length, (int(found[-1]) // block + 1) * block))
        for found, length in (
            (np.flatnonzero(soft.any(axis=1)), soft.shape[0]),
            (np.flatnonzero(soft.any(axis=0)), soft.shape[1]),
        )
    )
    return rows, columns


def _moved(part: Window, top: int, left: int) -> Window:
    rows, columns = part
    return slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop)


def _estimated(
    rgb: NDArray[np.uint8], matte: NDArray[np.uint8], part: Window, soft: NDArray[np.bool_], reach: int
) -> NDArray[np.uint8]:
    """The foreground colours (N x 3) of the N soft pixels of a part that begins at a block."""
    alpha = matte[part][soft]
    seen = rgb[part][soft].astype(np.float32)
    front, known_front = _nearby(rgb, _WEIGHT, matte, part, soft, reach)
    back, known_back = _nearby(rgb, _WEIGHT[::-1], matte, part, soft, reach)
    share = alpha[:, np.newaxis] * np.float32(1 / 255)
    found = front + share * (seen - share * front - (1 - share) * back)
    known = (known_front & known_back)[:, np.newaxis]
    return np.asarray(np.clip(np.where(known, found, seen) + np.float32(0.5), 0, 255), np.uint8)


def _nearby(
    rgb: NDArray[np.uint8],
    weights: NDArray[np.uint8],
    matte: NDArray[np.uint8],
    part: Window,
    soft: NDArray[np.bool_],
    reach: int,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The weighted mean colour (N x 3) around the soft pixels, and where it is to be believed (N)."""
    block = _block(reach)
    room = -(-reach // block) * block + block
    wide = tuple(slice(max(0, ends.start - room), ends.stop + room) for ends in part)
    image = Image.fromarray(rgb[wide])
    image.putalpha(Image.fromarray(matte[wide]).point(weights.tolist()))
    means = image.convert("RGBa").reduce(block).filter(ImageFilter.BoxBlur(reach / block))
    top, left = ((ends.start - room_.start) / block for ends, room_ in zip(part, wide, strict=True))
    box = (left, top, left + soft.shape[1] / block, top + soft.shape[0] / block)
    size = soft.shape[1], soft.shape[0]
    if block > 1:
        means = means.resize(size, Image.Resampling.BILINEAR, box=box)
    else:
        means = means.crop(tuple(int(end) for end in box))
    found = np.asarray(means)[soft]
    weight = found[:, 3:].astype(np.float32)
    return found[:, :3] * (255 / np.maximum(weight, 1)), found[:, 3] >= _ENOUGH
