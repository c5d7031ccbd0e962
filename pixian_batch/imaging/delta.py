"""Delta PNG: a result written as its difference to the input, and the way back.

Three pixel classes: background is 00 00 00 00; solid foreground is FF FF FF 00, "take the input's
pixel, opaque"; every other pixel stands for itself. So an opaque pixel whose colour is not the
input's (a watermark, a cleaned edge) is written as it is, with alpha FF, and the way back is exact.

Ours: an input's own transparency is part of the result's alpha, so where the input is not opaque the
result is not either, and such a pixel is never marked as solid. If a foreign delta marks one, the
marker is obeyed: the input's colour, opaque. 16-bit originals give their high byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from PIL import Image

from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import MAX_INPUT_PIXELS
from pixian_batch.imaging.errors import (
    DeltaMismatchError,
    TooManyPixelsError,
    UnprovenLayoutError,
    UnreadableImageError,
)
from pixian_batch.imaging.pixels import load_upright
from pixian_batch.imaging.png import stripe_rows, write_png_stripes
from pixian_batch.imaging.probe import probe, upright

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from pixian_batch.contract.params import Size
    from pixian_batch.imaging.probe import Probe

# The four bytes of a pixel seen as one little-endian number, whatever the machine.
_PIXEL: Final = np.dtype("<u4")
_RED_AND_ALPHA: Final = np.uint32(0xFF0000FF)
_RED_FULL_ALPHA_NONE: Final = np.uint32(0x000000FF)
_ALPHA_FULL: Final = np.uint32(0xFF000000)
_SOLID: Final = np.uint32(0x00FFFFFF)


def encode_delta(rgb: NDArray[np.uint8], result: NDArray[np.uint8]) -> bytes:
    """The Delta PNG of `result` (H x W x 4) against the upright input `rgb` (H x W x 3).

    Raises ValueError when the sizes differ.
    """
    if rgb.shape[:2] != result.shape[:2]:
        raise ValueError(f"the input is {rgb.shape[:2]}, the result {result.shape[:2]}")
    height, width = result.shape[:2]
    step = stripe_rows(width * _PIXEL.itemsize)
    return encode_delta_stripes(rgb, (result[top : top + step] for top in range(0, height, step)))


def encode_delta_stripes(rgb: NDArray[np.uint8], stripes: Iterable[NDArray[np.uint8]]) -> bytes:
    """As `encode_delta`, from stripes of the result's rows (h x W x 4, top to bottom, H rows in all)."""
    return write_png_stripes(_deltas(rgb, stripes), height=len(rgb))


def _deltas(rgb: NDArray[np.uint8], stripes: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    top = 0
    for stripe in stripes:
        yield _encoded(rgb[top : top + len(stripe)], stripe)
        top += len(stripe)


def _encoded(rgb: NDArray[np.uint8], result: NDArray[np.uint8]) -> NDArray[np.uint8]:
    own = np.asarray(Image.fromarray(rgb).convert("RGBA")).view(_PIXEL)
    pixels = np.ascontiguousarray(result).view(_PIXEL)
    # Background first: colour hidden under alpha 0 could look like the mark of solid foreground.
    changed = np.where(pixels & _ALPHA_FULL, pixels, np.uint32(0))
    np.copyto(changed, _SOLID, where=pixels == own)
    return changed.astype(_PIXEL, copy=False).view(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Rebuilt:
    """The full picture that a delta stands for, as stripes of its rows (h x W x 4), with its RGB colour profile."""

    stripes: Iterator[NDArray[np.uint8]]
    size: Size
    icc: bytes | None


def rebuild(
    original: BinaryIO,
    delta: BinaryIO,
    *,
    orientation: int | None = None,
    max_pixels: int = MAX_INPUT_PIXELS,
    unproven: bool = False,
) -> bytes:
    """The full RGBA PNG that `delta` stands for, with the original's RGB colour profile.

    `orientation` is the EXIF orientation that the service reported; None takes the original's own.
    Raises `UnprovenLayoutError` for an original that may be read otherwise than by the service, unless `unproven`,
    `DeltaMismatchError` when the upright sizes differ, `TooManyPixelsError` above `max_pixels`
    (both from the headers), `UnreadableImageError` for bad bytes in either.
    """
    full = rebuilt(original, delta, orientation=orientation, max_pixels=max_pixels, unproven=unproven)
    return write_png_stripes(full.stripes, height=full.size.height, icc=full.icc)


def rebuilt(
    original: BinaryIO,
    delta: BinaryIO,
    *,
    orientation: int | None = None,
    max_pixels: int = MAX_INPUT_PIXELS,
    unproven: bool = False,
) -> Rebuilt:
    """As `rebuild`, its pixels and no file."""
    header, delta_header = probe(original), probe(delta)
    size = upright(header.size, orientation or header.orientation)
    _check(delta_header, size, max_pixels)
    if not (header.is_proven or unproven):
        raise UnprovenLayoutError(header.layout)
    edges = load_upright(delta, delta_header, orientation=1)
    if edges.image.mode != "RGBA":
        raise UnreadableImageError("this PNG has no transparency, so it is no Delta PNG")
    loaded = load_upright(original, header, orientation=orientation)
    return Rebuilt(_merged(loaded.image, edges.image), size, loaded.icc)


def _check(delta: Probe, size: Size, max_pixels: int) -> None:
    """That a delta with such a header may belong to an original of this upright size."""
    if delta.kind is not Kind.PNG:
        raise UnreadableImageError(f"a Delta PNG is a PNG; this is a {delta.kind.name}")
    if size != delta.size:
        raise DeltaMismatchError(size, delta.size)
    if size.pixels > max_pixels:
        raise TooManyPixelsError(size, max_pixels)


def _merged(original: Image.Image, delta: Image.Image) -> Iterator[NDArray[np.uint8]]:
    """Stripes of the rebuilt picture; whole arrays would cost twice the time and memory."""
    width, height = delta.size
    step = stripe_rows(width * _PIXEL.itemsize)
    for top in range(0, height, step):
        box = (0, top, width, min(top + step, height))
        own, changes = _numbers(original.crop(box)), _numbers(delta.crop(box))
        solid = (changes & _RED_AND_ALPHA) == _RED_FULL_ALPHA_NONE
        np.copyto(changes, own | _ALPHA_FULL, where=solid)
        yield changes.view(np.uint8).reshape(-1, width, 4)


def _numbers(image: Image.Image) -> NDArray[np.uint32]:
    """Every pixel as one number: red in the lowest byte, alpha in the highest."""
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    return np.array(rgba).view(_PIXEL).ravel()
