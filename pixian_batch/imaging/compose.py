"""Turns a picture and its matte into the result that the parameters ask for.

Clean the edges, crop, scale, place on the canvas, lay on the background, watermark, encode. It decides no geometry
(`layout` does) and finds no foreground (the caller's engine does).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from pixian_batch.contract.headers import Box
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Color, OutputFormat, Params, Size
from pixian_batch.imaging.delta import encode_delta
from pixian_batch.imaging.edges import clean_edges
from pixian_batch.imaging.errors import DeltaShrunkError, LayoutError
from pixian_batch.imaging.layout import NOWHERE, Layout, lay_out, scaled_box
from pixian_batch.imaging.png import stripe_rows, write_png
from pixian_batch.imaging.watermark import watermark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pixian_batch.imaging.pixels import Picture

FOREGROUND_ALPHA: Final = 13
"""Ours: from this alpha on (5 %) a pixel belongs to the foreground's box; fainter is haze."""
_WHITE: Final = Color(255, 255, 255)
_JPEG_MAX_SIDE: Final = 65_500


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished result and what the answer's headers say about it."""

    body: bytes
    kind: Kind
    input_foreground: Box
    """In coordinates of the upright input before any size limit; `0 0 0 0` when there is none."""
    result_size: Size
    result_foreground: Box


def render(picture: Picture, matte: NDArray[np.uint8], params: Params) -> Rendered:
    """The result for `picture` whose foreground is `matte` (H x W, 0 = background, the picture's size).

    Raises `LayoutError`, `DeltaShrunkError`, and ValueError for a matte of another size.
    """
    if matte.shape != picture.rgb.shape[:2]:
        raise ValueError(f"the matte is {matte.shape}, the picture {picture.rgb.shape[:2]}")
    alpha = matte if picture.alpha is None else _product(matte, picture.alpha)
    cutout = _cutout(clean_edges(picture.rgb, matte), alpha)
    foreground = foreground_box(alpha)
    if params.result_format is OutputFormat.DELTA_PNG:
        return _delta(picture, cutout, foreground, test=params.test)
    layout = lay_out(picture.size, foreground, params)
    body = _encoded(_placed(cutout, layout), picture.icc, params)
    return Rendered(
        body=body,
        kind=Kind.JPEG if params.result_format is OutputFormat.JPEG else Kind.PNG,
        input_foreground=_in_input(foreground, picture),
        result_size=layout.canvas,
        result_foreground=layout.foreground,
    )


def foreground_box(alpha: NDArray[np.uint8]) -> Box:
    """The smallest box around all pixels of at least `FOREGROUND_ALPHA`; `0 0 0 0` without any."""
    mask = alpha >= FOREGROUND_ALPHA
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return NOWHERE
    top, left = int(rows[0]), int(columns[0])
    return Box(top, left, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)


def _in_input(foreground: Box, picture: Picture) -> Box:
    if foreground == NOWHERE:
        return NOWHERE
    return scaled_box(foreground, before=picture.size, after=picture.original_size)


def _cutout(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours and alpha as RGBA; what was cut away is black, so that it cannot be found in the file."""
    height, width = alpha.shape
    pixels = np.empty((height, width, 4), np.uint8)
    step = stripe_rows(width * 4)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        pixels[rows, :, :3] = rgb[rows]
        pixels[rows, :, 3] = alpha[rows]
        numbers = pixels[rows].view(np.uint32)[..., 0]
        np.multiply(numbers, alpha[rows] > 0, out=numbers)
    return pixels


def _product(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The product of two alphas, exactly rounded; 255 is one."""
    product = first.astype(np.uint16) * second + 128
    return ((product + (product >> 8)) >> 8).astype(np.uint8)


def _delta(picture: Picture, cutout: NDArray[np.uint8], foreground: Box, *, test: bool) -> Rendered:
    if picture.shrunk:
        raise DeltaShrunkError(picture.original_size, picture.size)
    if test:
        cutout = np.asarray(watermark(Image.fromarray(cutout)))
    return Rendered(
        body=encode_delta(picture.rgb, cutout),
        kind=Kind.PNG,
        input_foreground=foreground,
        result_size=picture.size,
        result_foreground=foreground,
    )


def _placed(cutout: NDArray[np.uint8], layout: Layout) -> Image.Image:
    """The cropped and scaled part on a transparent canvas, RGBA."""
    crop, placed, canvas = layout.crop, layout.placed, layout.canvas
    part = cutout[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    image = Image.fromarray(part)
    if image.size != (placed.width, placed.height):
        image = image.resize((placed.width, placed.height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if placed == Box(0, 0, canvas.width, canvas.height):
        return image
    whole = Image.new("RGBA", (canvas.width, canvas.height))
    whole.paste(image, (placed.left, placed.top))
    return whole


def _encoded(result: Image.Image, icc: bytes | None, params: Params) -> bytes:
    jpeg = params.result_format is OutputFormat.JPEG
    background = params.background_color or (_WHITE if jpeg else None)
    if background is not None:
        result = _laid_on(result, background)
    if params.test:
        result = watermark(result)
    if not jpeg:
        return write_png(np.asarray(result), icc=icc)
    if max(result.size) > _JPEG_MAX_SIDE:
        raise LayoutError(f"a JPEG cannot be {result.width} x {result.height}; ask for png")
    out = io.BytesIO()
    result.save(out, "JPEG", quality=params.jpeg_quality, icc_profile=icc)
    return out.getvalue()


def _laid_on(result: Image.Image, color: Color) -> Image.Image:
    opaque = Image.new("RGB", result.size, (color.red, color.green, color.blue))
    opaque.paste(result, mask=result.getchannel("A"))
    return opaque
