"""Reads what an image's header says: kind, size, orientation. Never decodes a pixel.

Nothing is allocated for the announced size, however large; whether it is too large is the caller's
question. `check_complete` finds cut files by a few reads at the right places.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Size
from pixian_batch.imaging.errors import UnreadableImageError, only_unreadable
from pixian_batch.imaging.headers import (
    gif_frame,
    gif_table_bytes,
    jpeg_segments,
    kind_of,
    png_chunks,
    read_header,
)
from pixian_batch.imaging.proven import PROVEN
from pixian_batch.imaging.tags import read_tags

_FIRST_TURNED: Final = 5
"""EXIF orientations from 5 on swap width and height."""
_JPEG_TAIL_BYTES: Final = 64 * 1024
_JPEG_SEARCH_BLOCK: Final = 1 << 20
_JPEG_END: Final = b"\xff\xd9"
_JPEG_SCAN: Final = 0xDA
_BMP_HEAD_BYTES: Final = 34
_BMP_FULL_HEADER: Final = 40
_TIFF_STRIPS: Final = ((273, 279), (324, 325))
"""(offsets, byte counts) of strips and of tiles."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the header of an image says."""

    kind: Kind
    size: Size
    """As stored, before the orientation is applied."""
    orientation: int
    """EXIF orientation, 1..8; 1 when the file says none."""
    layout: str
    """How the pixels are stored, in words."""

    @property
    def is_proven(self) -> bool:
        """Whether a delta can be rebuilt from it exactly."""
        return self.layout in PROVEN

    @property
    def upright(self) -> Size:
        """The size once the orientation is applied."""
        return upright(self.size, self.orientation)


def upright(size: Size, orientation: int) -> Size:
    """`size` once the EXIF `orientation` is applied."""
    return Size(size.height, size.width) if orientation >= _FIRST_TURNED else size


def probe(stream: BinaryIO) -> Probe:
    """Read the header of the image in `stream` (seekable); raises `UnreadableImageError`."""
    with only_unreadable():
        kind = kind_of(stream)
        header = Probe(kind, *read_header(stream, kind))
    if min(header.size.width, header.size.height) < 1:
        raise UnreadableImageError("the image's header announces no pixels")
    return header


def check_complete(stream: BinaryIO, kind: Kind) -> None:
    """Raise `UnreadableImageError` if the file was clearly cut off; reads a few KiB at most."""
    whole = {
        Kind.BMP: _bmp_is_whole,
        Kind.GIF: _gif_is_whole,
        Kind.JPEG: _jpeg_is_whole,
        Kind.PNG: _png_is_whole,
        Kind.TIFF: _tiff_is_whole,
    }[kind]
    with only_unreadable():
        if not whole(stream, stream.seek(0, os.SEEK_END)):
            raise UnreadableImageError(f"the {kind.name} file is cut off")


def _png_is_whole(stream: BinaryIO, size: int) -> bool:
    for name, offset, length in png_chunks(stream):
        if offset + length + 4 > size:
            return False
        if name == b"IEND":
            return True
    return False


def _jpeg_is_whole(stream: BinaryIO, size: int) -> bool:
    """An end mark behind the start of the pixels; cameras and phones add data behind it."""
    start = _jpeg_scan_offset(stream)
    if start is None:
        return False
    stream.seek(max(start, size - _JPEG_TAIL_BYTES))
    if stream.read(_JPEG_TAIL_BYTES).rfind(_JPEG_END) >= 0:  # from the end: that is where it is
        return True
    # Motion photos carry megabytes of film behind the picture: only then it is searched from its start.
    stream.seek(start)
    last = b""
    while block := stream.read(_JPEG_SEARCH_BLOCK):
        if _JPEG_END in last + block:
            return True
        last = block[-1:]
    return False


def _jpeg_scan_offset(stream: BinaryIO) -> int | None:
    """Where the first scan begins: an end mark before it belongs to a thumbnail."""
    return next((offset for code, offset, _length in jpeg_segments(stream) if code == _JPEG_SCAN), None)


def _gif_is_whole(stream: BinaryIO, size: int) -> bool:
    """The first frame's blocks reach their end: what comes behind it is not looked at."""
    gif_frame(stream)  # leaves the stream behind the frame's four sides
    flags = stream.read(1)
    stream.seek(gif_table_bytes(flags[0]) + 1, os.SEEK_CUR)
    while length := stream.read(1):
        if length == b"\0":
            return True
        stream.seek(length[0], os.SEEK_CUR)
    return stream.tell() < size


def _bmp_is_whole(stream: BinaryIO, size: int) -> bool:
    """For uncompressed pixels: as many bytes as the header's sizes need."""
    stream.seek(0)
    head = stream.read(_BMP_HEAD_BYTES)
    if len(head) < _BMP_HEAD_BYTES:
        return False
    pixels, header_bytes = struct.unpack_from("<II", head, 10)
    if header_bytes < _BMP_FULL_HEADER:  # OS/2's first headers know no compression
        width, height, _planes, bits = struct.unpack_from(
            "<HHHH" if header_bytes == 12 else "<iiHH", head, 18
        )
        compression = 0
    else:
        width, height, _planes, bits, compression = struct.unpack_from("<iiHHI", head, 18)
    row = (abs(width) * bits + 31) // 32 * 4
    return compression in {1, 2, 4, 5} or pixels + row * abs(height) <= size


def _tiff_is_whole(stream: BinaryIO, size: int) -> bool:
    """Every strip or tile of the first picture lies inside the file."""
    tags = read_tags(stream, {tag for pair in _TIFF_STRIPS for tag in pair})
    for offsets, counts in _TIFF_STRIPS:
        pairs = zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)
        if any(offset + count > size for offset, count in pairs):
            return False
    return True
