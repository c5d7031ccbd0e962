"""Size and orientation of an image from its header, one reader for each kind. Reads no pixel, no profile and no text.

What a reader does not need may be as large, odd or broken as it likes: the service decides about that.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from pixian_batch.contract.kinds import HEAD_BYTES, ForeignKind, Kind, sniff, sniff_foreign
from pixian_batch.contract.params import Size
from pixian_batch.imaging.errors import ForeignImageError, UnreadableImageError
from pixian_batch.imaging.proven import (
    TIFF_TAGS,
    bmp_layout,
    gif_layout,
    jpeg_layout,
    png_layout,
    tiff_layout,
)
from pixian_batch.imaging.tags import NEXT, ORIENTATION, read_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

Header = tuple[Size, int, str]
"""The size as stored; the EXIF orientation 1..8, 1 when there is none that makes sense; how pixels are stored."""
_ORIENTATIONS: Final = range(1, 9)
_PNG_SIGNATURE_BYTES: Final = 8
_PNG_CHUNK_HEAD: Final = struct.Struct(">I4s")
_PNG_CHUNK_OVERHEAD: Final = 12
_IHDR_BYTES: Final = 13
_MOST_EXIF: Final = 1 << 20
_EXIF_MARK: Final = b"Exif\0\0"
_JPEG_MARK: Final = 0xFF
_JPEG_SCAN: Final = 0xDA
_JPEG_APP0, _JPEG_APP1, _JPEG_APP14 = 0xE0, 0xE1, 0xEE
_ADOBE_BYTES: Final = 12
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Baseline, progressive, lossless, arithmetic: all have their sides at the same place."""
_JPEG_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Marks that no length follows."""
_JPEG_MAX_STEPS: Final = 100_000
_OS2_HEADER_BYTES: Final = 12
_INFO_HEADER_BYTES: Final = 40
_GIF_MAX_JUNK: Final = 1 << 16
_CONVERT: Final = "convert it to PNG or JPEG"
_ADVICE: Final = {
    "macOS companion (._)": "the photo is beside it, with the same name but for ._",
    "video": "export a still picture",
}
_WIDTH, _HEIGHT = 256, 257
_REDUCED, _INNER, _DNG = 254, 330, 50706
_CR2: Final = b"CR"


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
        raise ForeignImageError(
            f"this is a {foreign} file, which the service does not read; {_ADVICE.get(foreign, _CONVERT)}",
            convertible=foreign.upper() in ForeignKind.__members__,
        )
    if _is_text(head):
        raise UnreadableImageError("this is text, not an image")
    raise UnreadableImageError("this is no BMP, GIF, JPEG, PNG or TIFF image")


def _is_text(head: bytes) -> bool:
    text = head.decode("ascii", "replace")
    return all(char.isprintable() or char.isspace() for char in text.replace("\ufffd", "\0"))


def read_header(stream: BinaryIO, kind: Kind) -> Header:
    """What the header says; raises `UnreadableImageError` and `struct.error`."""
    readers = {Kind.BMP: _bmp, Kind.GIF: _gif, Kind.JPEG: _jpeg, Kind.PNG: _png, Kind.TIFF: _tiff}
    return readers[kind](stream)


# --- PNG -----------------------------------------------------------------------------------------------


def _png(stream: BinaryIO) -> Header:
    first, orientation = None, 1
    for name, offset, length in png_chunks(stream):
        if name == b"IHDR" and first is None:
            first = _png_first(stream)
        elif name == b"eXIf" and length <= _MOST_EXIF:  # it may stand behind the pixels
            stream.seek(offset)
            orientation = _exif(stream.read(length))
            break
        elif name == b"IEND":
            break
    if first is None:
        raise UnreadableImageError("the image cannot be read: it has no header")
    return first[0], orientation, first[1]


def _png_first(stream: BinaryIO) -> tuple[Size, str]:
    """Size and layout, of a header whose checksum is right: everything else rests on it."""
    data = exactly(stream, _IHDR_BYTES)
    if struct.unpack(">I", exactly(stream, 4))[0] != zlib.crc32(data, zlib.crc32(b"IHDR")):
        raise UnreadableImageError("the image cannot be read: its header is damaged")
    width, height, depth, colours, _packed, _filtered, interlaced = struct.unpack(">IIBBBBB", data)
    return Size(width, height), png_layout(colours, depth, interlaced)


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


# --- JPEG ----------------------------------------------------------------------------------------------


def _jpeg(stream: BinaryIO) -> Header:
    orientation, adobe, jfif = None, None, False
    for code, offset, length in jpeg_segments(stream):
        stream.seek(offset)
        if code in _JPEG_FRAMES:
            depth, height, width, number = struct.unpack(">BHHB", exactly(stream, 6))
            parts = [
                (name, factors)
                for name, factors, _table in struct.iter_unpack("3B", exactly(stream, 3 * number))
            ]
            layout = jpeg_layout(code, depth, parts, adobe=adobe, jfif=jfif)
            return Size(width, height), orientation or 1, layout
        if code == _JPEG_APP1 and orientation is None:
            data = stream.read(length)
            if data.startswith(_EXIF_MARK):
                orientation = _exif(data)
        elif code == _JPEG_APP0:
            jfif = jfif or stream.read(min(length, 5)) == b"JFIF\0"
        elif code == _JPEG_APP14 and length >= _ADOBE_BYTES:
            mark = exactly(stream, _ADOBE_BYTES)
            adobe = mark[-1] if mark.startswith(b"Adobe") else adobe
    raise UnreadableImageError("the image cannot be read: it has no header")


def jpeg_segments(stream: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Code, offset of the data and length of each segment up to the start of the first scan, by seeking."""
    offset = 2
    for _ in range(_JPEG_MAX_STEPS):
        stream.seek(offset)
        head = stream.read(4)
        if len(head) < len("FFccLL") - 2:
            return
        mark, code, length = struct.unpack(">BBH", head)
        if mark != _JPEG_MARK or code in {0, _JPEG_MARK}:
            offset += 1  # junk or fill between segments
        elif code in _JPEG_BARE:
            offset += 2
        else:
            yield code, offset + 4, max(0, length - 2)
            if code == _JPEG_SCAN:
                return
            offset += 2 + max(2, length)


# --- GIF -----------------------------------------------------------------------------------------------


def _gif(stream: BinaryIO) -> Header:
    (width, height), frame = gif_frame(stream)
    size = Size(max(width, frame[0] + frame[2]), max(height, frame[1] + frame[3]))
    return size, 1, gif_layout((width, height), frame)


def gif_frame(stream: BinaryIO) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """A GIF's screen, and its first frame: left, top, width, height. Stays behind them.

    Raises `UnreadableImageError`.
    """
    stream.seek(6)
    width, height, flags = struct.unpack("<HHB", exactly(stream, 5))
    stream.seek(13 + gif_table_bytes(flags))
    for _ in range(_GIF_MAX_JUNK):  # what stands between two blocks is passed by, as viewers do
        mark = exactly(stream, 1)
        if mark == b"!":
            stream.seek(1, os.SEEK_CUR)
            while length := exactly(stream, 1)[0]:
                stream.seek(length, os.SEEK_CUR)
        elif mark == b",":
            left, top, frame_width, frame_height = struct.unpack("<4H", exactly(stream, 8))
            return (width, height), (left, top, frame_width, frame_height)
        elif mark == b";":
            break
    raise UnreadableImageError("the GIF holds no picture")


def gif_table_bytes(flags: int) -> int:
    """The length of the colour table that a screen or frame with `flags` is followed by."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


# --- BMP -----------------------------------------------------------------------------------------------


def _bmp(stream: BinaryIO) -> Header:
    stream.seek(14)
    header_bytes, *_ = struct.unpack("<I", exactly(stream, 4))
    if header_bytes == _OS2_HEADER_BYTES:
        width, height, _planes, depth = struct.unpack("<HHHH", exactly(stream, 8))
        return Size(width, height), 1, bmp_layout(header_bytes, depth, 0, top_down=False)
    if header_bytes < _OS2_HEADER_BYTES:
        raise UnreadableImageError("the image cannot be read: it has no header")
    width, height, _planes, depth = struct.unpack("<iiHH", exactly(stream, 12))
    compression = struct.unpack("<I", exactly(stream, 4))[0] if header_bytes >= _INFO_HEADER_BYTES else 0
    layout = bmp_layout(header_bytes, depth, compression, top_down=height < 0)
    return Size(width, abs(height)), 1, layout


# --- TIFF ----------------------------------------------------------------------------------------------


def _tiff(stream: BinaryIO) -> Header:
    tags = read_tags(stream, {_WIDTH, _HEIGHT, ORIENTATION, _REDUCED, _INNER, _DNG} | TIFF_TAGS)
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise UnreadableImageError("the image cannot be read: it has no size")
    preview = tags.get(_REDUCED, (0,))[0] & 1 and (any(tags[NEXT]) or _INNER in tags)
    stream.seek(8)
    if (
        preview or _DNG in tags or stream.read(2) == _CR2
    ):  # what would be bought is the small picture that stands before the real one
        raise UnreadableImageError(
            "this is a camera's raw file, or begins with a preview; develop it to PNG, JPEG or TIFF"
        )
    size = Size(tags[_WIDTH][0], tags[_HEIGHT][0])
    return size, _sensible(tags.get(ORIENTATION)), tiff_layout(tags)


# --- shared --------------------------------------------------------------------------------------------


def _exif(data: bytes) -> int:
    """The orientation in an EXIF block; broken EXIF in a good image is common and means: none."""
    try:
        tags = read_tags(io.BytesIO(data.removeprefix(_EXIF_MARK)), {ORIENTATION})
    except (UnreadableImageError, struct.error, ValueError):
        return 1
    return _sensible(tags.get(ORIENTATION))


def _sensible(orientation: tuple[int, ...] | None) -> int:
    return orientation[0] if orientation and orientation[0] in _ORIENTATIONS else 1


def exactly(stream: BinaryIO, count: int) -> bytes:
    """So many bytes; raises `UnreadableImageError` when there are fewer."""
    data = stream.read(count)
    if len(data) < count:
        raise UnreadableImageError("the image cannot be read: it is cut off inside its header")
    return data
