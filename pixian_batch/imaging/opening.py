"""Opens images with Pillow without decoding them, hardened against hostile bytes.

Each kind is opened by its own plugin class, never by `Image.open`: no other format can be reached,
only the first picture of a file counts, and Pillow's decompression-bomb limit (a global, which warns
below and raises above a size that is not ours) is left alone. The callers check the announced size.
"""

from __future__ import annotations

import io
import threading
import warnings
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO, Final, cast

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)

from pixian_batch.contract.kinds import Kind
from pixian_batch.imaging.headers import jpeg_segments, png_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

_PLUGINS: Final[dict[Kind, type[ImageFile]]] = {
    Kind.BMP: BmpImagePlugin.BmpImageFile,
    Kind.GIF: GifImagePlugin.GifImageFile,
    Kind.JPEG: JpegImagePlugin.JpegImageFile,
    Kind.PNG: PngImagePlugin.PngImageFile,
    Kind.TIFF: TiffImagePlugin.TiffImageFile,
}
_PNG_SIGNATURE_BYTES: Final = 8
_PNG_PIXELS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
"""The chunks that pixels are made of."""
_MOST_PROFILE: Final = 16 << 20
_JPEG_SCAN: Final = 0xDA
_JPEG_APPS: Final = range(0xE0, 0xF0)
_JPEG_ADOBE: Final = 0xEE
_JPEG_ADOBE_BYTES: Final = 12
"""From this length on it tells how colours are stored."""
_quiet_lock = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's remarks about odd metadata off the terminal.

    The warning filters belong to the whole process, so only one thread at a time may change them.
    """
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_lazily(stream: BinaryIO, kind: Kind) -> ImageFile:
    """The opened, not yet decoded image. Call it inside `quiet()` and `only_unreadable()`."""
    stream.seek(0)
    return _PLUGINS[kind](cast("IO[bytes]", stream))


def bare(stream: BinaryIO, kind: Kind) -> BinaryIO | None:
    """A PNG or JPEG with nothing but what its pixels are made of; None for other kinds.

    Texts, profiles and thumbnails that are too large, odd or broken for Pillow are no reason not to decode.
    """
    if kind not in _BARE:
        return None
    stream.seek(0)
    out = io.BytesIO()
    for start, length in _BARE[kind](stream):
        stream.seek(start)
        out.write(stream.read(length))
    out.seek(0)
    return out


def png_profile(stream: BinaryIO) -> bytes | None:
    """The colour profile of a PNG, of up to 16 MB: Pillow gives a whole picture up for one of more than 1 MB."""
    for name, offset, length in png_chunks(stream):
        if name == b"iCCP":
            stream.seek(offset)
            _name, _nul, packed = stream.read(length).partition(b"\0")
            unpacking = zlib.decompressobj()
            try:
                profile = unpacking.decompress(packed[1:], _MOST_PROFILE)  # one byte says how it is packed
            except zlib.error:
                return None
            return profile if unpacking.eof else None
        if name == b"IDAT":
            break
    return None


def _png_parts(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    yield 0, _PNG_SIGNATURE_BYTES
    for name, offset, length in png_chunks(stream):
        if name in _PNG_PIXELS:
            yield offset - 8, length + 12


def _jpeg_parts(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    yield 0, 2
    for code, offset, length in jpeg_segments(stream):
        if code == _JPEG_SCAN:
            yield offset - 4, -1
        elif code not in _JPEG_APPS or (code == _JPEG_ADOBE and length >= _JPEG_ADOBE_BYTES):
            yield offset - 4, length + 4


_BARE: Final = {Kind.PNG: _png_parts, Kind.JPEG: _jpeg_parts}
