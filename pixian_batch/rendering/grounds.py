"""What an object stands on: a colour, a gradient, a picture, and its own soft shadow. Pixels only; files are handed in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from pixian_batch.contract.params import Color, Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pixian_batch.contract.headers import Box
    from pixian_batch.rendering.recipe import Gradient, Shadow

_INVERTED: Final = [255 - alpha for alpha in range(256)]
_FOOT: Final = 0.06
"""The part of an object's height that counts as its foot: legs that end a little higher stand, too."""
_FLAT: Final = 0.3
"""How high the foot's own shadow is, as a part of the foot: one looks at the ground from the side."""
_CORE: Final = 0.25
"""The blur of the dark line right under the foot, as a part of the shadow's."""


def plain(ground: Color | Gradient, size: Size) -> Image.Image:
    """A canvas of a colour or a gradient: RGB."""
    if isinstance(ground, Color):
        return Image.new("RGB", (size.width, size.height), _rgb(ground))
    return _gradient(ground, size)


def covering(picture: Image.Image, size: Size) -> Image.Image:
    """A picture that fills the canvas, its longer side cut equally at both ends: RGB."""
    sides = (size.width, size.height)
    return ImageOps.fit(picture.convert("RGB"), sides, Image.Resampling.LANCZOS)


def _rgb(color: Color) -> tuple[int, int, int]:
    return color.red, color.green, color.blue


def _gradient(ground: Gradient, size: Size) -> Image.Image:
    """Dithered: few steps over many pixels would be seen as stripes. The same each time."""
    share = _share(ground.angle, size)[..., np.newaxis]
    start, end = (np.array(_rgb(color), np.float32) for color in (ground.start, ground.end))
    noise = np.random.default_rng(0).random((size.height, size.width, 1), np.float32)
    return Image.fromarray(np.floor(start + share * (end - start) + noise).clip(0, 255).astype(np.uint8))


def _share(angle: int | None, size: Size) -> NDArray[np.float32]:
    """How far from start to end each pixel is, 0 to 1."""
    across = (np.arange(size.width, dtype=np.float32) + 0.5 - size.width / 2)[np.newaxis]
    down = (np.arange(size.height, dtype=np.float32) + 0.5 - size.height / 2)[:, np.newaxis]
    if angle is None:
        share: NDArray[np.float32] = np.hypot(across, down) / (math.hypot(size.width, size.height) / 2)
        return share
    right, below = math.sin(math.radians(angle)), -math.cos(math.radians(angle))
    # As in CSS: the line is so long that the corners get the pure colours.
    length = abs(size.width * right) + abs(size.height * below)
    return np.clip((across * right + down * below) / length + 0.5, 0, 1).astype(np.float32)


def laid_on(ground: Image.Image, weighted: Image.Image, placed: Box) -> None:
    """Put a cut-out (RGBa: colours weighted by alpha) into `ground` (RGB), which it changes."""
    *colours, alpha = weighted.split()
    # Sharp filters overshoot: a colour of more than its alpha would be brighter than white.
    red, green, blue = (ImageChops.darker(colour, alpha) for colour in colours)
    box = (placed.left, placed.top, placed.left + placed.width, placed.top + placed.height)
    behind = alpha.point(_INVERTED)
    below = ImageChops.multiply(ground.crop(box), Image.merge("RGB", (behind, behind, behind)))
    ground.paste(ImageChops.add(below, Image.merge("RGB", (red, green, blue))), box[:2])


def contact_shadow(alpha: Image.Image, placed: Box, canvas: Size, shadow: Shadow) -> tuple[Image.Image, int]:
    """How dark the ground is where the object stands (L, as wide as the canvas), and the row that it begins at.

    alpha: the object's, in the size of `placed`, the box it fills. Above its foot and below the blur's reach the
    ground is as it was.
    """
    longer = max(placed.width, placed.height)
    radius = max(0.5, shadow.blur.in_pixels(longer))
    foot = max(1, round(placed.height * _FOOT))
    flat = max(2, round(foot * _FLAT))
    reach = math.ceil(3 * radius)
    line = placed.top + placed.height + round(shadow.offset.in_pixels(longer))
    top = line - flat // 2 - reach
    contact = _contact(alpha.crop((0, placed.height - foot, placed.width, placed.height)))
    mask = Image.new("L", (canvas.width, flat + 2 * reach))
    mask.paste(contact.resize((placed.width, flat), Image.Resampling.NEAREST), (placed.left, reach))
    soft, core = (mask.filter(ImageFilter.GaussianBlur(blur)) for blur in (radius, max(0.5, radius * _CORE)))
    dark = ImageChops.add(soft, core, scale=1.3).point(
        [round(level * shadow.strength) for level in range(256)]
    )
    return dark, top


def _contact(band: Image.Image) -> Image.Image:
    """How near each column of an object's foot comes to the ground: one row, L."""
    rows = np.asarray(band, np.float32)
    nearness = ((np.arange(len(rows), dtype=np.float32) + 1) / len(rows))[:, np.newaxis] ** 2
    return Image.fromarray(np.rint((rows * nearness).max(axis=0, keepdims=True)).astype(np.uint8))


def darken(ground: Image.Image, dark: Image.Image, top: int, color: Color) -> None:
    """Draw a shadow onto `ground` (RGB), which it changes."""
    ground.paste(_rgb(color), (0, top), dark)


def shaded(cutout: Image.Image, dark: Image.Image, top: int, color: Color) -> Image.Image:
    """A transparent canvas (RGBA) with a shadow below what is on it."""
    below = Image.new("RGBA", cutout.size, (*_rgb(color), 0))
    mask = Image.new("L", cutout.size)
    mask.paste(dark, (0, top))
    below.putalpha(mask)
    return Image.alpha_composite(below, cutout)
