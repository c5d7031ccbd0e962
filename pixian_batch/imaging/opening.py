"""Opens images with Pillow without decoding them, hardened against hostile bytes.

Each kind is opened by its own plugin class, never by `Image.open`: no other format can be reached,
only the first picture of a file counts, and Pillow's decompression-bomb limit (a global, which warns
below and raises above a size that is not ours) is left alone. The callers check the announced size.
"""

from __future__ import annotations

import struct
import threading
import warnings
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO, Final, cast

from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)

from pixian_batch.contract.kinds import HEAD_BYTES, Kind, sniff, sniff_foreign
from pixian_batch.contract.params import Size
from pixian_batch.imaging.errors import UnreadableImageError

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
_ORIENTATIONS: Final = range(1, 9)
_ORIENTATION_TAG: Final = int(ExifTags.Base.Orientation)
_PNG_SIGNATURE_BYTES: Final = 8
_PNG_CHUNK_HEAD: Final = struct.Struct(">I4s")
_PNG_CHUNK_OVERHEAD: Final = 12
_MAX_EXIF_BYTES: Final = 1 << 20
_quiet_lock = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's remarks about odd metadata off the terminal.

    The warning filters belong to the whole process, so only one thread at a time may change them.
    """
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def only_unreadable() -> Iterator[None]:
    """Turn whatever Pillow raises on bad bytes into `UnreadableImageError`."""
    try:
        yield
    except UnreadableImageError:
        raise
    except Exception as error:  # Pillow raises nearly anything on hostile input
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableImageError(f"the image cannot be read: {reason}") from error


def kind_of(stream: BinaryIO) -> Kind:
    """The kind of the image in `stream` by its first bytes; raises `UnreadableImageError`."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    kind = sniff(head)
    if kind is not None:
        return kind
    if not head:
        raise UnreadableImageError("the file is empty")
    if foreign := sniff_foreign(head):
        raise UnreadableImageError(
            f"this is a {foreign} file, which the service does not read; convert it to PNG or JPEG"
        )
    if _is_text(head):
        raise UnreadableImageError("this is text, not an image")
    raise UnreadableImageError("this is no BMP, GIF, JPEG, PNG or TIFF image")


def _is_text(head: bytes) -> bool:
    text = head.decode("ascii", "replace")
    return all(char.isprintable() or char.isspace() for char in text.replace("\ufffd", "\0"))


def open_lazily(stream: BinaryIO, kind: Kind) -> ImageFile:
    """The opened, not yet decoded image. Call it inside `quiet()` and `only_unreadable()`."""
    stream.seek(0)
    return _PLUGINS[kind](cast("IO[bytes]", stream))


def open_tiff(stream: BinaryIO) -> TiffImagePlugin.TiffImageFile:
    """As `open_lazily`, of a TIFF: with its tags."""
    stream.seek(0)
    return TiffImagePlugin.TiffImageFile(cast("IO[bytes]", stream))


def stored_size(image: ImageFile) -> Size:
    """The size as stored; Pillow already swaps the sides of a TIFF that its orientation turns."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return Size(int(image.tag_v2[256]), int(image.tag_v2[257]))
    return Size(*image.size)


def stored_orientation(image: ImageFile, stream: BinaryIO) -> int:
    """The EXIF orientation 1..8 of an opened image; 1 when there is none that makes sense."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        orientation = image.tag_v2.get(_ORIENTATION_TAG)
    elif isinstance(image, PngImagePlugin.PngImageFile):
        orientation = _exif_orientation(_png_exif(stream))
    else:
        orientation = _exif_orientation(image.info.get("exif"))
    return orientation if isinstance(orientation, int) and orientation in _ORIENTATIONS else 1


def _exif_orientation(data: bytes | None) -> object:
    exif = Image.Exif()
    try:
        exif.load(data or b"")
        return exif.get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001  # broken EXIF in a good image is common and means: no orientation
        return None


def png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the data and length of each chunk that the file has a head for, by seeking."""
    offset = _PNG_SIGNATURE_BYTES
    while True:
        stream.seek(offset)
        head = stream.read(8)
        if len(head) < _PNG_CHUNK_HEAD.size:
            return
        length, name = _PNG_CHUNK_HEAD.unpack(head)
        yield name, offset + _PNG_CHUNK_HEAD.size, length
        offset += length + _PNG_CHUNK_OVERHEAD


def _png_exif(stream: BinaryIO) -> bytes | None:
    """The eXIf chunk, which may stand behind the pixels; Pillow would decode them to find it."""
    before = stream.tell()
    try:
        for name, offset, length in png_chunks(stream):
            if name == b"eXIf" and length <= _MAX_EXIF_BYTES:
                stream.seek(offset)
                return b"Exif\0\0" + stream.read(length)
            if name == b"IEND":
                break
        return None
    finally:
        stream.seek(before)


def gif_size(stream: BinaryIO) -> Size:
    """The size of a GIF's first frame on its screen, read by hand; raises `UnreadableImageError`.

    Pillow's own opener may already allocate the announced frame, so it must not see it unchecked.
    """
    stream.seek(6)
    width, height, flags = struct.unpack("<HHB", _exactly(stream, 5))
    stream.seek(13 + gif_table_bytes(flags))
    while (mark := _exactly(stream, 1)) == b"!":
        stream.seek(1, 1)
        while length := _exactly(stream, 1)[0]:
            stream.seek(length, 1)
    if mark != b",":
        raise UnreadableImageError("the GIF holds no picture")
    left, top, frame_width, frame_height = struct.unpack("<4H", _exactly(stream, 8))
    return Size(max(width, left + frame_width), max(height, top + frame_height))


def gif_table_bytes(flags: int) -> int:
    """The length of the colour table that a screen or frame with `flags` is followed by."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise UnreadableImageError("the image is cut off inside its header")
    return data
