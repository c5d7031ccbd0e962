"""WebP, AVIF and HEIC -> the PNG or JPEG that is sent in their place: decoded, made upright, encoded. Pure.

The picture is upright, and its file says nothing of an orientation: so it is turned exactly once. Its colour profile
goes with it; other metadata (place, camera) stays here. What becomes of what is decided in `foreign`, by the header.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import numpy as np
from PIL import AvifImagePlugin, Image, ImageOps, WebPImagePlugin, features

from pixian_batch.contract.kinds import ForeignKind, Kind
from pixian_batch.contract.params import DEFAULT_MAX_PIXELS, MAX_INPUT_PIXELS, Size
from pixian_batch.imaging.errors import (
    DecoderMissingError,
    ImagingError,
    TooManyPixelsError,
    UnreadableImageError,
)
from pixian_batch.imaging.foreign import MOST_DECODED
from pixian_batch.imaging.layout import limited
from pixian_batch.imaging.opening import quiet
from pixian_batch.imaging.png import write_png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from PIL.ImageFile import ImageFile

    from pixian_batch.imaging.foreign import ForeignHeader

_QUALITY: Final = 95
_WHOLE_COLOURS: Final = 0
"""Pillow's word for 4:4:4: no colour is shared between pixels."""
_PROFILES: Final = {"RGB": b"RGB ", "RGBA": b"RGB ", "L": b"GRAY"}
"""The colours that a profile has to speak of, by the mode."""
_OPAQUE: Final = (255, 255)
_PLUGINS: Final[dict[ForeignKind, tuple[str, type[ImageFile]]]] = {
    ForeignKind.AVIF: ("avif", AvifImagePlugin.AvifImageFile),
    ForeignKind.WEBP: ("webp", WebPImagePlugin.WebPImageFile),
}


def convert(stream: BinaryIO, header: ForeignHeader) -> bytes:
    """The file that is sent in place of the photo in `stream`, whose header is `header`.

    Raises `UnreadableImageError`, `TooManyPixelsError`, `DecoderMissingError`.
    """
    stream.seek(0)
    _check_decoder(header.kind)
    if header.sixteen:
        return _deep_png(stream)
    image = _decoded(stream, header.kind)
    profile = _profile(image)
    if header.target is Kind.PNG:
        return write_png(np.asarray(image), icc=profile)
    with _decoding():
        return _jpeg(_without_alpha(image), profile)


def decode_foreign(stream: BinaryIO, header: ForeignHeader) -> Image.Image:
    """The picture in `stream`: grey, RGB or RGBA, 8 bits, upright, with its profile, as small as the service takes it.

    Raises `UnreadableImageError`, `TooManyPixelsError`, `DecoderMissingError`.
    """
    stream.seek(0)
    _check_decoder(header.kind)
    return _decoded(stream, header.kind)


def _decoded(stream: BinaryIO, kind: ForeignKind) -> Image.Image:
    return _upright(_heic(stream) if kind is ForeignKind.HEIC else _by_pillow(stream, kind))


def _jpeg(image: Image.Image, profile: bytes | None) -> bytes:
    out = io.BytesIO()
    image.info.clear()  # what is not told, Pillow takes from there: a comment, a resolution
    image.save(out, "JPEG", quality=_QUALITY, subsampling=_WHOLE_COLOURS, icc_profile=profile)
    return out.getvalue()


def _check_decoder(kind: ForeignKind) -> None:
    """Raise `DecoderMissingError` for a kind that Pillow can be built without."""
    if kind in _PLUGINS and not features.check(_PLUGINS[kind][0]):
        raise DecoderMissingError(
            f"the Pillow that is installed here was built without {kind.name}",
            "pip install --force-reinstall --only-binary pillow pillow",
        )


@contextmanager
def _decoding() -> Iterator[None]:
    """Whatever the decoders raise on bad bytes, as `UnreadableImageError`."""
    try:
        yield
    except ImagingError:
        raise
    except MemoryError as error:
        raise UnreadableImageError("its pixels do not fit into the memory of this machine") from error
    except Exception as error:  # they raise nearly anything on hostile input
        raise UnreadableImageError("its pixels cannot be decoded: the file is damaged") from error


def _by_pillow(stream: BinaryIO, kind: ForeignKind) -> Image.Image:
    """The decoded first picture."""
    with _decoding():
        with quiet():
            image = _PLUGINS[kind][1](cast("IO[bytes]", stream))
        _check_size(*image.size)
        image.load()
    return image


def _heic(stream: BinaryIO) -> Image.Image:
    """The decoded picture, as upright as the file's own turns make it, with 8 bits."""
    import pillow_heif  # the extra

    with _decoding():
        opened = pillow_heif.open_heif(cast("IO[bytes]", stream), convert_hdr_to_8bit=True)
        _check_size(*opened.size)
        return opened.to_pillow()


def _deep_png(stream: BinaryIO) -> bytes:
    """A PNG of 16 bits, for samples of 10 or 12: Pillow has no picture of more than 8 bits a colour."""
    import pillow_heif  # the extra

    with _decoding():
        opened = pillow_heif.open_heif(cast("IO[bytes]", stream), convert_hdr_to_8bit=False)
        _check_size(*opened.size)
        pixels = np.asarray(opened)
        if pixels.dtype == np.uint16:
            pixels = pixels | pixels >> int(opened.info.get("bit_depth", 10))  # white is white: 1023 is 65535
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[pixels.shape[2] if pixels.ndim == 3 else 1]
        return write_png(pixels, icc=_fitting(opened.info.get("icc_profile"), mode))


def _check_size(width: int, height: int) -> None:
    """The decoder's own word, before it decodes: the header may have been read otherwise."""
    if width * height > MOST_DECODED:
        raise TooManyPixelsError(Size(width, height), MOST_DECODED)


def _upright(image: Image.Image) -> Image.Image:
    """Grey, RGB or RGBA, upright, of a size that the service takes."""
    with _decoding():
        if image.width * image.height > MAX_INPUT_PIXELS:
            target = limited(Size(image.width, image.height), DEFAULT_MAX_PIXELS)
            shape = (target.width, target.height)
            profile, exif = image.info.get("icc_profile"), image.getexif()
            image = image.resize(shape, Image.Resampling.LANCZOS, reducing_gap=2.0)
            image.info["icc_profile"], image.info["exif"] = profile, exif.tobytes()
        if image.mode not in _PROFILES:
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _without_alpha(image: Image.Image) -> Image.Image:
    if image.mode == "RGBA":
        if image.getchannel("A").getextrema() != _OPAQUE:
            raise UnreadableImageError("it is transparent, and its header does not say so; export it as PNG")
        return image.convert("RGB")
    return image


def _profile(image: Image.Image) -> bytes | None:
    return _fitting(image.info.get("icc_profile"), image.mode)


def _fitting(profile: Any, mode: str) -> bytes | None:
    """The colour profile, if it speaks of the colours that the picture has."""
    fits = isinstance(profile, bytes) and profile[16:20] == _PROFILES[mode] and profile[36:40] == b"acsp"
    return profile if fits else None
