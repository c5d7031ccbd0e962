"""What a photo says of itself -> into its result, as chunks and segments: no pixel is decoded or encoded again.

Carried over: captions, names, copyright, camera and dates of EXIF, the density (DPI), and XMP. Left behind is what is not
true of the result any more or shows what was cut away: the orientation (the service has applied it), pixel sizes, thumbnails;
and positions (GPS), which nobody asked to publish. The colour profile is the result's own: the pixels are in that space.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from pixian_batch.contract.kinds import HEAD_BYTES, Kind, sniff
from pixian_batch.imaging.errors import UnreadableImageError, only_unreadable
from pixian_batch.imaging.exif import EXIF_MARK, Exif, Value, exif_value, read_exif, write_exif
from pixian_batch.imaging.headers import jpeg_segments, png_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable

XMP_MARK: Final = b"http://ns.adobe.com/xap/1.0/\0"
XMP_KEYWORD: Final = b"XML:com.adobe.xmp"
_XMP_TAG: Final = 700
_X_DENSITY, _Y_DENSITY, _UNIT = 282, 283, 296
_INCHES, _CENTIMETRES = 2, 3
_SHORT, _FRACTION = 3, 5
"""Types of EXIF fields."""
_APP0, _APP1 = 0xE0, 0xE1
_MOST_SEGMENT: Final = 0xFFFF - 2
MOST_XMP: Final = 4 << 20
_INCH: Final = 0.0254
"""In metres."""
_ENDS: Final = range(1, 1 << 16)
"""Densities that a JPEG's header can say."""
_GONE: Final = (
    rb"(?:tiff:(?:ImageWidth|ImageLength|Orientation)|exif:(?:PixelXDimension|PixelYDimension|GPS\w+)"
    rb"|xmpNote:HasExtendedXMP|xmp:Thumbnails|xap:Thumbnails)"
)
_GONE_ATTRIBUTE: Final = re.compile(rb"\s+" + _GONE + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""")
_GONE_ELEMENT: Final = re.compile(rb"<(" + _GONE + rb")\b[^>]*?(?:/>|>.*?</\1\s*>)\s*", re.DOTALL)

Piece: TypeAlias = bytes | tuple[int, int]
"""New bytes, or a range of the old file: from, to."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What goes into a result. density: pixels a metre, across and down."""

    exif: Exif | None = None
    xmp: bytes = b""
    density: tuple[float, float] | None = None

    def exif_with_density(self) -> Exif | None:
        """The EXIF fields with the density among them, for files that have no other place for it; None when empty."""
        exif = self.exif or Exif("<")
        main = dict(exif.main)
        if self.density:
            order = exif.order
            for tag, pixels in zip((_X_DENSITY, _Y_DENSITY), self.density, strict=True):
                main[tag] = Value(_FRACTION, 1, struct.pack(f"{order}II", round(pixels * _INCH), 1))
            main[_UNIT] = Value(_SHORT, 1, struct.pack(f"{order}H", _INCHES))
        return Exif(exif.order, main, exif.sub) if main or exif.sub else None

    def __bool__(self) -> bool:
        return bool((self.exif is not None and (self.exif.main or self.exif.sub)) or self.xmp or self.density)


def read_metadata(stream: BinaryIO) -> Metadata:
    """Of a photo of any kind. Raises `UnreadableImageError`; what is broken in a good photo is left behind."""
    with only_unreadable():
        stream.seek(0)
        kind = sniff(stream.read(HEAD_BYTES))
        if kind is None:
            raise UnreadableImageError("the photo is not there any more")
        exif = read_exif(stream)
        xmp = _without_what_is_gone(_xmp(stream, kind))
        return Metadata(exif, xmp, _density(exif) or _header_density(stream, kind))


def _xmp(stream: BinaryIO, kind: Kind) -> bytes:
    """The XMP packet; b"" when there is none."""
    match kind:
        case Kind.JPEG:
            for code, offset, length in jpeg_segments(stream):
                if code == _APP1 and (data := _at(stream, offset, length)).startswith(XMP_MARK):
                    return data[len(XMP_MARK) :]
        case Kind.PNG:
            for name, offset, length in png_chunks(stream):
                if name == b"iTXt" and length <= MOST_XMP:
                    keyword, _, rest = _at(stream, offset, length).partition(b"\0")
                    if keyword == XMP_KEYWORD:
                        return _international(rest)
        case Kind.TIFF:
            value = exif_value(stream, _XMP_TAG, most=MOST_XMP)
            return b"" if value is None else value.data
    return b""


def _international(rest: bytes) -> bytes:
    """The text of an iTXt chunk, behind its keyword."""
    packed, (_language, _, text) = rest[:1] == b"\1", rest[2:].partition(b"\0")
    _translated, _, text = text.partition(b"\0")
    if not packed:
        return text
    return zlib.decompressobj().decompress(text, MOST_XMP)


def _without_what_is_gone(xmp: bytes) -> bytes:
    """XMP of a picture that is upright, was cut out and may have another size; b"" for one in other bytes than UTF-8."""
    if b"\0" in xmp.rstrip(b"\0"):
        return b""
    return _GONE_ELEMENT.sub(b"", _GONE_ATTRIBUTE.sub(b"", xmp.rstrip(b"\0")))


def _density(exif: Exif | None) -> tuple[float, float] | None:
    """As EXIF says it: in inches unless it says centimetres."""
    if exif is None:
        return None
    across, down = exif.number(_X_DENSITY), exif.number(_Y_DENSITY)
    unit = 0.01 if exif.number(_UNIT) == _CENTIMETRES else _INCH
    return (across / unit, down / unit) if across and down else None


def _header_density(stream: BinaryIO, kind: Kind) -> tuple[float, float] | None:
    match kind:
        case Kind.JPEG:
            for code, offset, length in jpeg_segments(stream):
                data = _at(stream, offset, min(length, 12)) if code == _APP0 else b""
                if data.startswith(b"JFIF\0") and len(data) == len("JFIF0vvuxxyy"):
                    unit, across, down = struct.unpack(">BHH", data[7:])
                    metres = {1: _INCH, 2: 0.01}.get(unit)
                    return (across / metres, down / metres) if metres and across and down else None
        case Kind.PNG:
            for name, offset, length in png_chunks(stream):
                if name == b"pHYs" and length == len("xxxxyyyyu"):
                    across, down, unit = struct.unpack(">IIB", _at(stream, offset, length))
                    return (float(across), float(down)) if unit == 1 and across and down else None
        case Kind.BMP:
            across, down = struct.unpack("<ii", _at(stream, 38, 8))
            return (float(across), float(down)) if across > 0 and down > 0 else None
    return None


def _at(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(offset)
    return stream.read(length)


# --- into the result -----------------------------------------------------------------------------------


def pieces_with(stream: BinaryIO, metadata: Metadata, size: int) -> list[Piece]:
    """A result of `size` bytes with `metadata`: what it had of the kind before goes.

    Raises `UnreadableImageError` for what is neither PNG nor JPEG.
    """
    with only_unreadable():
        stream.seek(0)
        match sniff(stream.read(HEAD_BYTES)):
            case Kind.PNG:
                return _png_pieces(stream, metadata, size)
            case Kind.JPEG:
                return _jpeg_pieces(stream, metadata, size)
    raise UnreadableImageError("the result is neither PNG nor JPEG")


def _png_pieces(stream: BinaryIO, metadata: Metadata, size: int) -> list[Piece]:
    added = _png_chunks(metadata)
    new = {name for name, _data in added} - {b"iTXt"}
    pieces: list[Piece] = []
    start = 0
    for name, offset, length in png_chunks(stream):
        behind = offset + length + 4
        xmp = name == b"iTXt" and metadata.xmp and _at(stream, offset, 18) == XMP_KEYWORD + b"\0"
        if name in new or xmp:
            pieces.append((start, offset - 8))
            start = behind
        elif name == b"IHDR":
            pieces += [(start, behind), *(_chunk(kind, data) for kind, data in added)]
            start = behind
    return [*pieces, (start, size)]


def _png_chunks(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    chunks = []
    if metadata.density:
        across, down = map(round, metadata.density)
        chunks.append((b"pHYs", struct.pack(">IIB", across, down, 1)))
    if metadata.exif is not None and (metadata.exif.main or metadata.exif.sub):
        chunks.append((b"eXIf", write_exif(metadata.exif)))
    if metadata.xmp:
        chunks.append((b"iTXt", XMP_KEYWORD + b"\0" * 5 + metadata.xmp))
    return chunks


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


def _jpeg_pieces(stream: BinaryIO, metadata: Metadata, size: int) -> list[Piece]:
    added = b"".join(_segment(data) for data in _jpeg_blocks(metadata))
    marks = tuple(data[: len(mark)] for data in _jpeg_blocks(metadata) for mark in (EXIF_MARK, XMP_MARK))
    pieces: list[Piece] = []
    start, waiting, jfif = 0, True, False
    for code, offset, length in jpeg_segments(stream):
        data = _at(stream, offset, min(length, 64))
        if waiting and code != _APP0:
            pieces += [(start, offset - 4), added if jfif else _jfif(metadata) + added]
            start, waiting = offset - 4, False
        is_jfif = code == _APP0 and data.startswith(b"JFIF\0")
        jfif = jfif or is_jfif
        if is_jfif and metadata.density:
            pieces += [(start, offset + 7), _jfif_density(metadata.density, data[7:12])]
            start = offset + 12
        elif code == _APP1 and any(data.startswith(mark) for mark in (EXIF_MARK, XMP_MARK) if mark in marks):
            pieces.append((start, offset - 4))
            start = offset + length
    return [*pieces, (start, size)]


def _jpeg_blocks(metadata: Metadata) -> Iterable[bytes]:
    """The data of the segments; what is too large for one is left out."""
    blocks = []
    if metadata.exif is not None and (metadata.exif.main or metadata.exif.sub):
        blocks.append(EXIF_MARK + write_exif(metadata.exif))
    if metadata.xmp:
        blocks.append(XMP_MARK + metadata.xmp)
    return [block for block in blocks if len(block) <= _MOST_SEGMENT]


def _segment(data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, _APP1, len(data) + 2) + data


def _jfif(metadata: Metadata) -> bytes:
    """A JFIF header for a file that has none, where there is a density to be told."""
    if not metadata.density:
        return b""
    density = _jfif_density(metadata.density, b"\0\0\1\0\1")
    return struct.pack(">BBH", 0xFF, _APP0, 16) + b"JFIF\0\1\2" + density + b"\0\0"


def _jfif_density(density: tuple[float, float], old: bytes) -> bytes:
    across, down = (round(pixels * _INCH) for pixels in density)
    return struct.pack(">BHH", 1, across, down) if across in _ENDS and down in _ENDS else old
