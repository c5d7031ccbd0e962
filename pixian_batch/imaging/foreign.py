"""The header of a WebP, AVIF or HEIC photo: all that decides what is made of it. Decodes nothing, loads no Pillow.

What is sent in its place is told from the header alone, so that it is the same for the same bytes, whatever version
of whatever decoder is installed: it is part of the ledger's key.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from pixian_batch.contract.kinds import HEAD_BYTES, ForeignKind, Kind, sniff, sniff_foreign
from pixian_batch.contract.params import DEFAULT_MAX_PIXELS, MAX_INPUT_PIXELS, Size
from pixian_batch.imaging.errors import TooManyPixelsError, UnreadableImageError
from pixian_batch.imaging.layout import limited
from pixian_batch.imaging.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DECODED: Final = 178_956_970
"""Pixels of a photo that is decoded here at most: from there on Pillow, too, takes it for a decompression bomb."""
_MOST_BOXES: Final = 10_000
_MOST_HEADER: Final = 1 << 20
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_SEQUENCE_BRANDS: Final = frozenset({b"avis", b"hevc", b"hevx", b"msf1"})
_ALPHAS: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")
_WEBP_ANIMATED, _WEBP_ALPHA = 0x02, 0x10
_NCLX_IDENTITY: Final = 0


@dataclass(frozen=True, slots=True)
class ForeignHeader:
    """What the header of such a photo says. size: as stored; bits: of a sample.

    lossless: its pixels are exact, so a JPEG of them would lose something. sequence: more pictures than one.
    """

    kind: ForeignKind
    size: Size
    alpha: bool = False
    bits: int = 8
    lossless: bool = False
    sequence: bool = False

    @property
    def shrunk(self) -> bool:
        """Whether it has more pixels than the service takes, and is made as small as the service would make it."""
        return self.size.pixels > MAX_INPUT_PIXELS

    @property
    def sent_size(self) -> Size:
        """The size of what is sent, before it is turned upright."""
        return limited(self.size, DEFAULT_MAX_PIXELS) if self.shrunk else self.size

    @property
    def sixteen(self) -> bool:
        """Whether what is sent has 16 bits: the decoders give them for HEIC, and only whole pictures keep them."""
        return self.kind is ForeignKind.HEIC and self.bits > 8 and not self.shrunk

    @property
    def target(self) -> Kind:
        """PNG for what a JPEG would take something from; else JPEG, as a PNG of a lossy photo is many times as large."""
        return Kind.PNG if self.lossless or self.alpha or self.sixteen else Kind.JPEG

    @property
    def word(self) -> str:
        """What is made of what, for records: `webp->png`."""
        return f"{self.kind.name}->{self.target.name}".lower()

    @property
    def probe(self) -> Probe:
        """What is sent, in the words of any other image. No delta is ever rebuilt from it."""
        target = self.target
        return Probe(target, self.sent_size, 1, f"a {target.name} made of {self.kind.name}")


def foreign_header(stream: BinaryIO) -> ForeignHeader | None:
    """The header of the photo in `stream` (seekable); None for other kinds, the service's own among them.

    Raises `UnreadableImageError` for one that is broken or cut off, and `TooManyPixelsError`.
    """
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    name = None if sniff(head) else sniff_foreign(head)
    if name is None or name.upper() not in ForeignKind.__members__:
        return None
    try:
        header = _webp(stream) if name == "WebP" else _heif(stream)
    except (struct.error, LookupError, ValueError) as error:  # of whatever is not where it should be
        raise UnreadableImageError(f"the {name} file's header cannot be read: it is damaged") from error
    if min(header.size.width, header.size.height) < 1:
        raise UnreadableImageError("the image's header announces no pixels")
    if header.size.pixels > MOST_DECODED:
        raise TooManyPixelsError(header.size, MOST_DECODED)
    return header


# --- WebP ----------------------------------------------------------------------------------------------


def _webp(stream: BinaryIO) -> ForeignHeader:
    """By its chunks: one of pixels, and perhaps before it one that says what else there is."""
    size, flags = None, 0
    for name, data in _webp_chunks(stream):
        if name == b"VP8X":
            flags = data[0]
            size = Size(1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little"))
        elif name == b"ANMF":
            return ForeignHeader(
                ForeignKind.WEBP, _known(size), alpha=bool(flags & _WEBP_ALPHA), sequence=True
            )
        elif name in {b"VP8 ", b"VP8L"}:
            lossless = name == b"VP8L"
            alpha = bool(flags & _WEBP_ALPHA) or (lossless and bool(data[4] & 0x10))
            stored = size or (_vp8l_size(data) if lossless else _vp8_size(data))
            return ForeignHeader(ForeignKind.WEBP, stored, alpha=alpha, lossless=lossless)
    raise UnreadableImageError("the WebP file holds no picture")


def _webp_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Name and first bytes of each chunk. Raises `UnreadableImageError` when the file is shorter than it says."""
    size, offset = stream.seek(0, os.SEEK_END), 12
    stream.seek(4)
    if struct.unpack("<I", stream.read(4))[0] + 8 > size:
        raise UnreadableImageError("the WebP file is cut off")
    for _ in range(_MOST_BOXES):
        stream.seek(offset)
        name, length = struct.unpack("<4sI", stream.read(8))
        yield name, stream.read(min(length, 10))
        offset += 8 + length + length % 2


def _vp8_size(data: bytes) -> Size:
    width, height = struct.unpack("<HH", data[6:10])
    return Size(width & 0x3FFF, height & 0x3FFF)


def _vp8l_size(data: bytes) -> Size:
    (packed,) = struct.unpack("<I", data[1:5])
    return Size(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))


# --- AVIF and HEIC: boxes of ISO 14496-12, items of ISO 23008-12 ----------------------------------------


def _heif(stream: BinaryIO) -> ForeignHeader:
    """By the properties of its items; thumbnails, tiles and depths are smaller than the picture they belong to."""
    boxes = dict(_top_boxes(stream))
    brands = {boxes[b"ftyp"][at : at + 4] for at in (0, *range(8, len(boxes[b"ftyp"]), 4))}
    kind = ForeignKind.AVIF if brands & _AVIF_BRANDS else ForeignKind.HEIC
    if b"meta" not in boxes:
        raise UnreadableImageError(f"the {kind.name} file holds no still picture")
    inner = dict(_boxes(boxes[b"meta"][4:]))
    properties = list(_boxes(dict(_boxes(inner[b"iprp"]))[b"ipco"]))
    sizes = [Size(*struct.unpack(">II", data[4:12])) for name, data in properties if name == b"ispe"]
    return ForeignHeader(
        kind,
        _known(max(sizes, key=lambda size: size.pixels, default=None)),
        alpha=any(name == b"auxC" and data[4:].startswith(_ALPHAS) for name, data in properties),
        bits=max((_bits(name, data) for name, data in properties), default=8),
        lossless=any(_is_identity(data) for name, data in properties if name == b"colr"),
        sequence=bool(brands & _SEQUENCE_BRANDS) and b"moov" in boxes,
    )


def _top_boxes(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the file's own boxes, but of pixels not their content."""
    size, offset = stream.seek(0, os.SEEK_END), 0
    for _ in range(_MOST_BOXES):
        stream.seek(offset)
        head = stream.read(16)
        if len(head) < 8:
            return
        length, name, body = _box_head(head, size - offset)
        if length < body or offset + length > size:
            raise UnreadableImageError("the file is cut off")
        if name in {b"ftyp", b"meta"} and length > _MOST_HEADER:
            raise UnreadableImageError("its header is larger than any photo's")
        stream.seek(offset + body)
        yield name, stream.read(length - body) if name in {b"ftyp", b"meta"} else b""
        offset += length


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the boxes in `data`."""
    offset = 0
    while offset + 8 <= len(data):
        length, name, body = _box_head(data[offset : offset + 16], len(data) - offset)
        if length < body:
            raise UnreadableImageError("a box in it has no length")
        yield name, data[offset + body : offset + length]
        offset += length


def _box_head(head: bytes, rest: int) -> tuple[int, bytes, int]:
    """A box's length, its name, and where its content begins. rest: bytes to the end of what it is in."""
    length, name = struct.unpack(">I4s", head[:8])
    if length == 1:
        return struct.unpack(">Q", head[8:16])[0], name, 16
    return length or rest, name, 8


def _bits(name: bytes, data: bytes) -> int:
    """The depth that a codec's configuration tells."""
    if name == b"hvcC":
        return 8 + (data[17] & 7)
    if name == b"av1C" and data[2] & 0x40:
        return 12 if data[2] & 0x20 else 10
    return 8


def _is_identity(data: bytes) -> bool:
    """Whether samples are red, green and blue themselves: lossless pictures are stored so."""
    return data.startswith(b"nclx") and struct.unpack(">H", data[8:10])[0] == _NCLX_IDENTITY


def _known(size: Size | None) -> Size:
    if size is None:
        raise UnreadableImageError("its header tells no size")
    return size
