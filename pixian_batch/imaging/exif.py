"""EXIF blocks, field by field: what is asked for is read as it is stored, and written into a new block.

Values are never decoded: what a camera wrote in whatever characters comes out byte for byte. Broken fields are passed
by, and nothing here is larger than a few KiB, however large or odd the file is.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from pixian_batch.contract.kinds import Kind, sniff
from pixian_batch.imaging.headers import jpeg_segments, png_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

EXIF_MARK: Final = b"Exif\0\0"
_ORDERS: Final = {b"II": "<", b"MM": ">"}
_CLASSIC: Final = 42
_WIDTHS: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of one value of each field type."""
_LONG: Final = 4
_POINTERS: Final = (_LONG, 13)
_SUB: Final = 34665
"""Where the block keeps what is about the taking of the picture."""
_ENTRY: Final = 12
_MOST_ENTRIES: Final = 1000
MOST_VALUE: Final = 32 * 1024
"""Bytes of one field: a caption, not a thumbnail. Blocks of a JPEG end at 64 KiB."""
_MOST_BLOCK: Final = 1 << 20

TAKEN: Final = 36867
_DIGITIZED, _CHANGED = 36868, 306
DESCRIBING: Final = frozenset(
    {
        *(282, 283, 296),  # XResolution, YResolution, ResolutionUnit
        270,  # ImageDescription
        *(271, 272),  # Make, Model
        _CHANGED,
        315,  # Artist
        33432,  # Copyright
        *(
            40091,
            40092,
            40093,
            40094,
            40095,
        ),  # title, comment, author, keywords, subject, as Windows writes them
    }
)
"""The fields of the first directory that say what a picture is and whose, and nothing of its pixels."""
TIMES: Final = frozenset(
    {
        *(TAKEN, _DIGITIZED),
        *(36880, 36881, 36882),  # their offsets from UTC
        *(37520, 37521, 37522),  # their parts of a second
        37510,  # UserComment
    }
)
"""Those of the second one."""


_MOMENT: Final = re.compile(
    r"(\d{4}):(0[1-9]|1[0-2]):(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Value:
    """A field as it is stored: its type, how many values, their bytes."""

    kind: int
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Exif:
    """Fields by their tags, of the first directory and of the one below it. order: `<` or `>`, for all numbers."""

    order: str
    main: dict[int, Value] = field(default_factory=dict)
    sub: dict[int, Value] = field(default_factory=dict)

    def text(self, tag: int) -> str:
        """A field's text, as far as it is ASCII; "" when there is none."""
        value = self.sub.get(tag) or self.main.get(tag)
        return value.data.split(b"\0")[0].decode("ascii", "replace").strip() if value else ""

    def number(self, tag: int) -> float | None:
        """A number or a fraction of the first directory."""
        value = self.main.get(tag)
        if value is None or value.count < 1:
            return None
        match value.kind:
            case 3:
                return float(struct.unpack_from(f"{self.order}H", value.data)[0])
            case 5:
                above, below = struct.unpack_from(f"{self.order}II", value.data)
                return above / below if below else None
        return None


def read_exif(stream: BinaryIO, wanted: Collection[int] = DESCRIBING | TIMES) -> Exif | None:
    """The wanted fields of the photo in `stream` (JPEG, PNG or TIFF); None when it has no block."""
    block = exif_block(stream)
    first = None if block is None else _first(block)
    if block is None or first is None:
        return None
    order, offset = first
    main = _directory(block, order, offset, {*wanted, _SUB})
    below = main.pop(_SUB, None)
    sub: dict[int, Value] = {}
    if below is not None and below.kind in _POINTERS and below.count:
        sub = _directory(block, order, struct.unpack_from(f"{order}I", below.data)[0], wanted)
    return Exif(order, main, sub)


def exif_value(stream: BinaryIO, tag: int, *, most: int) -> Value | None:
    """One field of a TIFF file's first directory, of `most` bytes at most."""
    first = _first(stream)
    return None if first is None else _directory(stream, *first, {tag}, most=most).get(tag)


def _first(block: BinaryIO) -> tuple[str, int] | None:
    """The byte order of a block, and where its first directory is; None for what is laid out in another way."""
    block.seek(0)
    head = block.read(8)
    order = _ORDERS.get(head[:2])
    if order is None or len(head) < len(b"II42off4") or struct.unpack(f"{order}H", head[2:4])[0] != _CLASSIC:
        return None
    return order, struct.unpack(f"{order}I", head[4:])[0]


def exif_block(stream: BinaryIO) -> BinaryIO | None:
    """The EXIF block of a photo, which is laid out as a TIFF file; a TIFF file is its own."""
    stream.seek(0)
    match sniff(stream.read(64)):
        case Kind.TIFF:
            return stream
        case Kind.JPEG:
            for code, offset, length in jpeg_segments(stream):
                if code == 0xE1 and (data := _at(stream, offset, length)).startswith(EXIF_MARK):
                    return io.BytesIO(data[len(EXIF_MARK) :])
        case Kind.PNG:
            for name, offset, length in png_chunks(stream):
                if name == b"eXIf" and length <= _MOST_BLOCK:
                    return io.BytesIO(_at(stream, offset, length).removeprefix(EXIF_MARK))
    return None


def _at(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(offset)
    return stream.read(length)


def _directory(
    block: BinaryIO, order: str, offset: int, wanted: Collection[int], *, most: int = MOST_VALUE
) -> dict[int, Value]:
    """The wanted fields of one directory. What lies outside the file, or is too large, is not there."""
    head = _at(block, offset, 2)
    if len(head) < struct.calcsize("H"):
        return {}
    table = block.read(min(struct.unpack(f"{order}H", head)[0], _MOST_ENTRIES) * _ENTRY)
    fields: dict[int, Value] = {}
    for start in range(0, len(table) - _ENTRY + 1, _ENTRY):
        tag, kind, count = struct.unpack_from(f"{order}HHI", table, start)
        size = _WIDTHS.get(kind, 0) * count
        if tag not in wanted or tag in fields or not 0 < size <= most:
            continue
        inline = table[start + 8 : start + _ENTRY]
        data = (
            inline[:size] if size <= len(inline) else _at(block, struct.unpack(f"{order}I", inline)[0], size)
        )
        if len(data) == size:
            fields[tag] = Value(kind, count, data)
    return fields


def write_exif(exif: Exif) -> bytes:
    """A block, without `EXIF_MARK`, of these fields."""
    mark = {"<": b"II", ">": b"MM"}[exif.order]
    head = mark + struct.pack(f"{exif.order}HI", _CLASSIC, 8)
    main = exif.main.items()
    if not exif.sub:
        return head + _laid_out(exif.order, main, len(head))
    pointer = (_SUB, Value(_LONG, 1, b"\0" * 4))
    length = len(_laid_out(exif.order, [*main, pointer], len(head)))
    sub_at = len(head) + length
    pointer = (_SUB, Value(_LONG, 1, struct.pack(f"{exif.order}I", sub_at)))
    first = _laid_out(exif.order, [*main, pointer], len(head))
    return head + first + _laid_out(exif.order, exif.sub.items(), sub_at)


def _tag(item: tuple[int, Value]) -> int:
    return item[0]


def _laid_out(order: str, fields: Iterable[tuple[int, Value]], offset: int) -> bytes:
    """A directory that will stand at `offset`, and behind it the values that do not fit into it."""
    fields = sorted(fields, key=_tag)
    table, values = struct.pack(f"{order}H", len(fields)), b""
    values_at = offset + 2 + len(fields) * _ENTRY + 4
    for tag, value in fields:
        table += struct.pack(f"{order}HHI", tag, value.kind, value.count)
        if len(value.data) <= len(b"off4"):
            table += value.data.ljust(4, b"\0")
        else:
            table += struct.pack(f"{order}I", values_at + len(values))
            values += value.data + b"\0" * (len(value.data) % 2)
    return table + b"\0" * 4 + values


def date_taken(stream: BinaryIO) -> tuple[int, int, int, int, int, int] | None:
    """When the photo in `stream` was taken, by its EXIF: year to second; None when that does not say, or makes no sense."""
    try:
        exif = read_exif(stream, {TAKEN, _DIGITIZED, _CHANGED})
    except (struct.error, ValueError):
        return None
    for tag in (TAKEN, _DIGITIZED, _CHANGED) if exif is not None else ():
        match = _MOMENT.match("" if exif is None else exif.text(tag))
        if match is not None:  # not as cameras write it whose clock was never set
            year, month, day, hour, minute, second = map(int, match.groups())
            return year, month, day, hour, minute, second
    return None
