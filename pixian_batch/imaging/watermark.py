"""The mark across the results of free test requests. It changes colours, never alpha."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFont

_TEXT: Final = "TEST"
_ANGLE: Final = 30
_STRENGTH: Final = 105
"""How much of the mark shows, of 255."""
_SMALLEST, _LARGEST, _PART_OF_SIDE = 8, 220, 9


def watermark(result: Image.Image) -> Image.Image:
    """A copy of the RGBA image `result` with the mark over its visible parts."""
    size = min(_LARGEST, max(_SMALLEST, max(result.size) // _PART_OF_SIDE))
    light, dark = _tile(size)
    alpha = result.getchannel("A")
    shown = alpha.point([0] + [255] * 255)
    colour = result.convert("RGB")
    for shade, tile in ((0, dark), (255, light)):
        mask = ImageChops.multiply(_tiled(tile, result.size), shown)
        colour.paste((shade, shade, shade), mask=mask)
    colour.putalpha(alpha)
    return colour


@lru_cache(maxsize=4)
def _tile(size: int) -> tuple[Image.Image, Image.Image]:
    """The mark's letters and their outline, `size` pixels high and slanted, as two masks."""
    font = ImageFont.load_default(size)
    width, height = int(size * 3.6), int(size * 2.6)
    masks = []
    for stroke, strength in ((0, _STRENGTH), (max(1, size // 20), _STRENGTH // 2)):
        mask = Image.new("L", (width, height))
        draw = ImageDraw.Draw(mask)
        draw.text((width / 2, height / 2), _TEXT, strength, font, anchor="mm", stroke_width=stroke)
        masks.append(mask.rotate(_ANGLE, Image.Resampling.BICUBIC))
    return masks[0], masks[1]


def _tiled(tile: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`tile` repeated over `size`, every other row shifted by half a tile."""
    mask = Image.new("L", size)
    for row, top in enumerate(range(0, size[1], tile.height)):
        for left in range(-(row % 2) * tile.width // 2, size[0], tile.width):
            mask.paste(tile, (left, top))
    return mask
