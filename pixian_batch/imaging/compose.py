"""Turns a picture and its matte into the result that the parameters ask for.

Clean the edges, crop, scale, place on the canvas, lay on the background, watermark, encode. It decides no geometry
(`layout` does) and finds no foreground (the caller's engine does). What keeps the input's size, which is most,
goes band by band from the picture into the file: no second picture of that size is in memory.
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
from pixian_batch.imaging.delta import encode_delta, encode_delta_stripes
from pixian_batch.imaging.edges import TILE, Edges
from pixian_batch.imaging.errors import DeltaShrunkError, LayoutError
from pixian_batch.imaging.layout import NOWHERE, Layout, lay_out, scaled_box
from pixian_batch.imaging.png import write_png, write_png_stripes
from pixian_batch.imaging.scaling import on_canvas, scaled, whole
from pixian_batch.imaging.watermark import watermark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pixian_batch.imaging.pixels import Picture

FOREGROUND_ALPHA: Final = 13
"""Ours: from this alpha on (5 %) a pixel belongs to the foreground's box; fainter is haze."""
_WHITE: Final = Color(255, 255, 255)
_JPEG_MAX_SIDE: Final = 65_500
_BAND: Final = 2 * TILE
"""Rows that are worked on at once."""
_KEPT: Final = ((np.arange(256, dtype=np.uint32) << 24) | 0xFFFFFF).astype("<u4")
"""What each alpha leaves of an opaque pixel, RGBA: what was cut away cannot be found in the file."""
_KEPT[0] = 0


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
    foreground = foreground_box(alpha)
    if params.result_format is OutputFormat.DELTA_PNG:
        return _delta(picture, matte, alpha, foreground, test=params.test)
    layout = lay_out(picture.size, foreground, params)
    if _is_plain(picture, layout, params):
        body = write_png_stripes(
            _bands(picture.rgb, matte, alpha), height=picture.size.height, icc=picture.icc
        )
    else:
        body = _encoded(_placed(_cutout(picture.rgb, matte, alpha), layout), picture.icc, params)
    return Rendered(
        body=body,
        kind=Kind.JPEG if params.result_format is OutputFormat.JPEG else Kind.PNG,
        input_foreground=_in_input(foreground, picture),
        result_size=layout.canvas,
        result_foreground=layout.foreground,
    )


def _is_plain(picture: Picture, layout: Layout, params: Params) -> bool:
    """Whether the result is the cut-out itself, as a PNG."""
    all_of_it = whole(picture.size)
    stays = (layout.crop, layout.placed, layout.canvas) == (all_of_it, all_of_it, picture.size)
    opaque = params.result_format is OutputFormat.JPEG or params.background_color is not None
    return stays and not opaque and not params.test


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


def _bands(
    rgb: NDArray[np.uint8], matte: NDArray[np.uint8], alpha: NDArray[np.uint8]
) -> Iterator[NDArray[np.uint8]]:
    """The cut-out's rows, RGBA, from top to bottom: cleaned colours, alpha, black where that is 0."""
    edges = Edges(rgb, matte)
    for top in range(0, len(rgb), _BAND):
        rows = slice(top, top + _BAND)
        if not alpha[rows].any():
            yield np.zeros((*alpha[rows].shape, 4), np.uint8)
            continue
        pixels = np.array(Image.fromarray(rgb[rows]).convert("RGBA"))
        edges.clean(pixels, top=top)
        numbers = pixels.view("<u4")[..., 0]
        np.bitwise_and(numbers, _KEPT.take(alpha[rows]), out=numbers)
        yield pixels


def _cutout(rgb: NDArray[np.uint8], matte: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole cut-out: H x W x 4."""
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    for number, band in enumerate(_bands(rgb, matte, alpha)):
        pixels[number * _BAND : (number + 1) * _BAND] = band
    return pixels


def _product(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The product of two alphas, exactly rounded; 255 is one."""
    product = first.astype(np.uint16) * second + 128
    return ((product + (product >> 8)) >> 8).astype(np.uint8)


def _delta(
    picture: Picture, matte: NDArray[np.uint8], alpha: NDArray[np.uint8], foreground: Box, *, test: bool
) -> Rendered:
    if picture.shrunk:
        raise DeltaShrunkError(picture.original_size, picture.size)
    if test:
        cutout = Image.fromarray(_cutout(picture.rgb, matte, alpha))
        body = encode_delta(picture.rgb, np.asarray(watermark(cutout)))
    else:
        body = encode_delta_stripes(picture.rgb, _bands(picture.rgb, matte, alpha))
    return Rendered(
        body=body,
        kind=Kind.PNG,
        input_foreground=foreground,
        result_size=picture.size,
        result_foreground=foreground,
    )


def _placed(cutout: NDArray[np.uint8], layout: Layout) -> Image.Image:
    """The cropped and scaled part on a transparent canvas, RGBA."""
    crop = layout.crop
    part = cutout[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    return on_canvas(scaled(Image.fromarray(part), layout.placed), layout)


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
