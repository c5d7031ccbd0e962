"""Crop, margin, target size and alignment as geometry: numbers in, numbers out, no pixels.

The order is: shrink to the pixel limit, matte, crop, margin, target size (the first two are done
before this module is asked). What the vendor's page does not say is decided here, and only here:

Ours: % margins are of the image they are added to (the cropped one when cropping), width for left and
    right, height for top and bottom. With a target size, where margins are an inset and add nothing,
    they are of the target.
Ours: with a target size the image is scaled to fit, up as well as down, keeping its proportions.
Ours: positions and sizes are rounded half up to whole pixels; without a target size pixels are never
    resampled.
Ours: an image without foreground is not cropped; its foreground's box is `0 0 0 0`.
Ours: margins that leave no room in the target, and results of more pixels than an input may have,
    are errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pixian_batch.contract.headers import Box
from pixian_batch.contract.params import MAX_INPUT_PIXELS, Margin, Params, Size, VerticalAlignment
from pixian_batch.imaging.errors import LayoutError

NOWHERE: Final = Box(0, 0, 0, 0)
"""The box of a foreground that has no pixel."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes. Boxes are whole pixels."""

    crop: Box
    """The part of the image that is used, in image coordinates."""
    placed: Box
    """Where that part lands on the canvas, scaled to this box's size."""
    canvas: Size
    """The result's size."""
    foreground: Box
    """The foreground in canvas coordinates: the smallest box of whole pixels that holds it."""


def lay_out(
    image: Size, foreground: Box, params: Params, *, enlarge: bool = True, pad: bool = True
) -> Layout:
    """The layout of an `image` whose foreground fills the box `foreground`; raises `LayoutError`.

    Not the service's, and only with a target size: without `enlarge` nothing is scaled up; without `pad` the canvas
    is only as large as the picture and its margins.
    """
    whole = Box(0, 0, image.width, image.height)
    has_foreground = foreground.width > 0 and foreground.height > 0
    crop = foreground if params.crop_to_foreground and has_foreground else whole
    if params.target_size is None:
        placed, canvas = _with_margins(crop, params.margin)
    else:
        placed, canvas = _fitted(crop, params.target_size, params, enlarge=enlarge), params.target_size
        if not pad:
            placed, canvas = _unpadded(placed, params.target_size, params.margin)
    placed_foreground = _mapped(foreground, crop, placed) if has_foreground else NOWHERE
    return Layout(crop, placed, canvas, placed_foreground)


def limited(size: Size, max_pixels: int) -> Size:
    """`size` shrunk, if need be, so that its area is at most `max_pixels`; sides stay at least 1."""
    if size.pixels <= max_pixels:
        return size
    scale = math.sqrt(max_pixels / size.pixels)
    width, height = max(1, int(size.width * scale)), max(1, int(size.height * scale))
    return (
        Size(min(width, max_pixels // height), height)
        if height == 1
        else Size(width, min(height, max_pixels // width))
    )


def scaled_box(box: Box, *, before: Size, after: Size) -> Box:
    """`box` of an image that is scaled from `before` to `after`: the smallest that holds it."""
    left, width = _scaled(box.left, box.width, after.width / before.width, after.width)
    top, height = _scaled(box.top, box.height, after.height / before.height, after.height)
    return Box(top, left, width, height)


def _with_margins(crop: Box, margin: Margin) -> tuple[Box, Size]:
    top, right, bottom, left = _in_pixels(margin, Size(crop.width, crop.height))
    canvas = Size(left + crop.width + right, top + crop.height + bottom)
    if canvas.pixels > max(MAX_INPUT_PIXELS, crop.width * crop.height):
        raise LayoutError(
            f"with these margins the result is {canvas.width} x {canvas.height}; "
            f"at most {MAX_INPUT_PIXELS:,} pixels are allowed"
        )
    return Box(top, left, crop.width, crop.height), canvas


def _unpadded(placed: Box, target: Size, margin: Margin) -> tuple[Box, Size]:
    top, right, bottom, left = _in_pixels(margin, target)
    canvas = Size(left + placed.width + right, top + placed.height + bottom)
    return Box(top, left, placed.width, placed.height), canvas


def _fitted(crop: Box, target: Size, params: Params, *, enlarge: bool) -> Box:
    top, right, bottom, left = _in_pixels(params.margin, target)
    room = Size(target.width - left - right, target.height - top - bottom)
    if min(room.width, room.height) < 1:
        raise LayoutError(
            f"the margins leave no room in a target of {target.width} x {target.height}; make them smaller"
        )
    scale = min(room.width / crop.width, room.height / crop.height, math.inf if enlarge else 1.0)
    width = min(room.width, max(1, _rounded(crop.width * scale)))
    height = min(room.height, max(1, _rounded(crop.height * scale)))
    spare = room.height - height
    above = {
        VerticalAlignment.TOP: 0,
        VerticalAlignment.MIDDLE: spare // 2,
        VerticalAlignment.BOTTOM: spare,
    }[params.vertical_alignment]
    return Box(top + above, left + (room.width - width) // 2, width, height)


def _in_pixels(margin: Margin, size: Size) -> tuple[int, int, int, int]:
    """The margin in whole pixels, in its own order: top, right, bottom, left."""
    top, bottom = (_rounded(side.in_pixels(size.height)) for side in (margin.top, margin.bottom))
    right, left = (_rounded(side.in_pixels(size.width)) for side in (margin.right, margin.left))
    return top, right, bottom, left


def _mapped(foreground: Box, crop: Box, placed: Box) -> Box:
    """`foreground` (image coordinates) on the canvas."""
    inner = Box(foreground.top - crop.top, foreground.left - crop.left, foreground.width, foreground.height)
    scaled = scaled_box(inner, before=Size(crop.width, crop.height), after=Size(placed.width, placed.height))
    return Box(placed.top + scaled.top, placed.left + scaled.left, scaled.width, scaled.height)


def _scaled(start: int, length: int, scale: float, limit: int) -> tuple[int, int]:
    """Start and length after scaling, rounded outwards but not by a rounding error."""
    first = min(math.floor(start * scale + 1e-6), limit - 1)
    last = min(math.ceil((start + length) * scale - 1e-6), limit)
    return first, max(1, last - first)


def _rounded(length: float) -> int:
    return math.floor(length + 0.5)
