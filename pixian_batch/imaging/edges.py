"""The foreground's own colour at soft edges, where the input shows a mixture with the background.

Without it a cut-out carries a seam of the old background's colour. After Forte and Pitie's "blur
fusion" (2021), in one pass: with F and B, the mean colours of the foreground and the background
nearby, and I = a F + (1 - a) B + rest, the foreground's share of the rest is put back onto F.
Pixels that are wholly foreground or background are never touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE: Final = 128
_REACH: Final = 1 / 150
"""How far "nearby" reaches, as a part of the longer side: about the width of a matte's edge."""
_SHORTEST, _LONGEST = 3, 24
_WEIGHT: Final = (np.arange(256) ** 2 // 255).astype(np.uint8)
"""How much a pixel of some alpha tells about the pure colour: mixtures tell little."""
_ENOUGH: Final = 6
"""The least mean weight (of 255) from which a mean colour is believed."""


def clean_edges(rgb: NDArray[np.uint8], matte: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`rgb` (H x W x 3) with the foreground's colour wherever `matte` (H x W) is neither 0 nor 255.

    Gives `rgb` itself when the matte has no such pixel, else a copy.
    """
    reach = int(min(_LONGEST, max(_SHORTEST, max(matte.shape) * _REACH)))
    cleaned = None
    for top in range(0, matte.shape[0], _TILE):
        for left in range(0, matte.shape[1], _TILE):
            inner = slice(top, top + _TILE), slice(left, left + _TILE)
            soft = (matte[inner] > 0) & (matte[inner] < 255)  # noqa: PLR2004  # 8-bit alpha
            if soft.any():
                cleaned = rgb.copy() if cleaned is None else cleaned
                cleaned[inner][soft] = _estimated(rgb, matte, (top, left), soft, reach)
    return rgb if cleaned is None else cleaned


def _estimated(
    rgb: NDArray[np.uint8],
    matte: NDArray[np.uint8],
    corner: tuple[int, int],
    soft: NDArray[np.bool_],
    reach: int,
) -> NDArray[np.uint8]:
    """The foreground colours (N x 3) of the tile's N soft pixels."""
    top, left = corner
    above, before = min(reach, top), min(reach, left)
    wide = (
        slice(top - above, top + soft.shape[0] + reach),
        slice(left - before, left + soft.shape[1] + reach),
    )
    part, alpha = rgb[wide], matte[wide]
    inner = slice(above, above + soft.shape[0]), slice(before, before + soft.shape[1])
    seen = part[inner][soft].astype(np.float32)
    front = _nearby(part, _WEIGHT[alpha], reach)[inner][soft]
    back = _nearby(part, _WEIGHT[255 - alpha], reach)[inner][soft]
    share = alpha[inner][soft][:, np.newaxis].astype(np.float32) / 255
    found = front[:, :3] + share * (seen - share * front[:, :3] - (1 - share) * back[:, :3])
    known = (front[:, 3:] >= _ENOUGH) & (back[:, 3:] >= _ENOUGH)
    return np.asarray(np.clip(np.where(known, found, seen) + 0.5, 0, 255), np.uint8)


def _nearby(rgb: NDArray[np.uint8], weight: NDArray[np.uint8], reach: int) -> NDArray[np.float32]:
    """The weighted mean colour around every pixel, and the mean weight: H x W x 4."""
    image = Image.fromarray(np.dstack([rgb, weight])).convert("RGBa")
    return np.asarray(image.filter(ImageFilter.BoxBlur(reach)).convert("RGBA"), np.float32)
