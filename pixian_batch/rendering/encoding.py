"""Pixels -> the bytes of a file: PNG, JPEG, WebP, AVIF, of a quality or of the best that fits a number of bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, features

from pixian_batch.imaging.errors import DecoderMissingError, ImagingError
from pixian_batch.imaging.exif import write_exif
from pixian_batch.imaging.metadata import Metadata, pieces_with
from pixian_batch.imaging.png import write_png
from pixian_batch.rendering.recipe import Format

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.rendering.recipe import Encoding

_INCH: Final = 0.0254
_WHOLE_COLOURS, _SHARED_COLOURS = 0, 2
"""Pillow's words for 4:4:4 and 4:2:0."""
_WHOLE_FROM: Final = 90
"""The quality from which on no colour is shared between pixels, as ImageMagick has it."""
_MOST_SIDE: Final = {Format.JPEG: 65_500, Format.WEBP: 16_383, Format.AVIF: 65_536}
_AVIF_SPEED: Final = 8


class TooManyBytesError(ImagingError):
    """Not even the lowest quality allowed fits into the bytes allowed; `size`: what it takes."""

    def __init__(self, size: int, most: int, quality: int | None) -> None:
        self.size = size
        what = (
            "as PNG, which has no quality,"
            if quality is None
            else f"with quality {quality}, the lowest allowed,"
        )
        super().__init__(f"{what} it takes {size:,} bytes, and max_bytes is {most:,}")


@dataclass(frozen=True, slots=True)
class QualityStep:
    """A quality; tight: with more time for fewer bytes."""

    quality: int
    tight: bool


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file's bytes. quality: that was taken, None where there is none."""

    body: bytes
    quality: int | None


def encode(image: Image.Image, how: Encoding, *, icc: bytes | None, metadata: Metadata) -> Encoded:
    """The file of `image` (RGB or RGBA). Raises `TooManyBytesError`, `ImagingError` for what the format cannot hold."""
    _check(image, how.format)
    if how.dpi is not None:
        metadata = replace(metadata, density=(how.dpi / _INCH, how.dpi / _INCH))
    if not how.format.is_lossy:
        return _png(image, how, icc, metadata)

    def at(quality: int, *, tight: bool = True) -> bytes:
        return _lossy(image, how, QualityStep(quality, tight), icc=icc, metadata=metadata)

    first = Encoded(at(how.quality, tight=False), how.quality)
    if how.max_bytes is None or len(first.body) <= how.max_bytes:
        return first
    return _searched(at, range(how.least, how.quality + 1), how.max_bytes)


def _searched(at: Callable[[int], bytes], qualities: range, most: int) -> Encoded:
    """The highest quality of which a file has at most so many bytes."""
    fitting: Encoded | None = None
    low, high = qualities[0], qualities[-1]
    while low <= high:
        middle = (low + high) // 2
        body = at(middle)
        if len(body) <= most:
            fitting, low = Encoded(body, middle), middle + 1
        else:
            high, smallest = middle - 1, len(body)
    if fitting is None:
        raise TooManyBytesError(smallest, most, qualities[0])
    return fitting


def _check(image: Image.Image, kind: Format) -> None:
    if kind is Format.AVIF and not features.check("avif"):
        raise DecoderMissingError(
            "the Pillow that is installed here was built without AVIF",
            "pip install --force-reinstall --only-binary pillow pillow",
        )
    most = _MOST_SIDE.get(kind)
    if most is not None and max(image.size) > most:
        raise ImagingError(
            f"{kind.value} cannot be {image.width} x {image.height}: its sides end at {most:,} px"
        )


def _png(image: Image.Image, how: Encoding, icc: bytes | None, metadata: Metadata) -> Encoded:
    body = _described(write_png(np.asarray(image), icc=icc), metadata)
    if how.max_bytes is not None and len(body) > how.max_bytes:
        out = io.BytesIO()
        image.save(out, "PNG", optimize=True, icc_profile=icc)  # slow, and some tenths smaller
        body = _described(out.getvalue(), metadata)
        if len(body) > how.max_bytes:
            raise TooManyBytesError(len(body), how.max_bytes, None)
    return Encoded(body, None)


def _lossy(
    image: Image.Image, how: Encoding, level: QualityStep, *, icc: bytes | None, metadata: Metadata
) -> bytes:
    out = io.BytesIO()
    options: dict[str, Any] = {"quality": level.quality, "icc_profile": icc}
    match how.format:
        case Format.JPEG:
            whole = level.quality >= _WHOLE_FROM
            options["subsampling"] = _WHOLE_COLOURS if whole else _SHARED_COLOURS
            options["optimize"] = level.tight
        case Format.WEBP:
            options |= {"method": 4, **_blocks(metadata)}
        case _:
            options |= {"speed": _AVIF_SPEED, **_blocks(metadata)}
    image.info.clear()  # what is not told, Pillow takes from there
    image.save(out, how.format.value.upper(), **options)
    return _described(out.getvalue(), metadata) if how.format is Format.JPEG else out.getvalue()


def _described(body: bytes, metadata: Metadata) -> bytes:
    """A PNG or JPEG with its metadata."""
    if not metadata:
        return body
    pieces = pieces_with(io.BytesIO(body), metadata, len(body))
    return b"".join(piece if isinstance(piece, bytes) else body[slice(*piece)] for piece in pieces)


def _blocks(metadata: Metadata) -> dict[str, bytes]:
    """Metadata as Pillow's WebP and AVIF take them; these have no other place for a density than EXIF."""
    exif = metadata.exif_with_density()
    blocks = {"exif": write_exif(exif)} if exif is not None else {}
    return blocks | ({"xmp": metadata.xmp} if metadata.xmp else {})
