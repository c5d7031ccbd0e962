"""The first directory of a TIFF file or of an EXIF block: the numbers behind the tags that are asked for.

Classic and BigTIFF, both byte orders, read by seeking. Whatever else stands there, broken or not, is passed by.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, Final

from pixian_batch.imaging.errors import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Collection

ORIENTATION: Final = 274
NEXT: Final = 0
"""Not a tag: where the next directory is, 0 for none."""
_ORDERS: Final = {b"II": "<", b"MM": ">"}
_NUMBERS: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
"""Field types that are whole numbers, as `struct` names them."""
_BIG: Final = 43
_MOST_ENTRIES: Final = 4096
_MOST_VALUES: Final = 1 << 20
_Tags = dict[int, tuple[int, ...]]


def read_tags(stream: BinaryIO, wanted: Collection[int]) -> _Tags:
    """Tag -> its numbers, for those of `wanted` that are there; `NEXT` always. Raises `UnreadableImageError`."""
    stream.seek(0)
    head = _exactly(stream, 8)
    order = _ORDERS.get(head[:2])
    if order is None:
        raise UnreadableImageError("the image cannot be read: a directory has no byte order")
    big = struct.unpack(f"{order}H", head[2:4])[0] == _BIG
    offset = (
        struct.unpack(f"{order}Q", _exactly(stream, 8))[0] if big else struct.unpack(f"{order}I", head[4:])[0]
    )
    stream.seek(offset)
    count = _number(stream, f"{order}{'Q' if big else 'H'}")
    entry = struct.Struct(f"{order}HH{'Q8s' if big else 'I4s'}")
    table = _exactly(stream, min(count, _MOST_ENTRIES) * entry.size)
    following = stream.read(8 if big else 4)
    tags: _Tags = {NEXT: (int(any(following)),)}
    for tag, kind, number, field in entry.iter_unpack(table):
        if tag in wanted and tag not in tags and kind in _NUMBERS and number <= _MOST_VALUES:
            values = struct.Struct(f"{order}{number}{_NUMBERS[kind]}")
            data = field if values.size <= len(field) else _elsewhere(stream, order, field, values.size)
            if len(data) >= values.size:
                tags[tag] = values.unpack_from(data)
    return tags


def _elsewhere(stream: BinaryIO, order: str, field: bytes, length: int) -> bytes:
    """Values that did not fit into their entry, which says where they are; short when the file is."""
    stream.seek(struct.unpack(f"{order}{'Q' if len(field) == 8 else 'I'}", field)[0])  # BigTIFF's
    return stream.read(length)


def _number(stream: BinaryIO, kind: str) -> int:
    number: int = struct.unpack(kind, _exactly(stream, struct.calcsize(kind)))[0]
    return number


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise UnreadableImageError("the image cannot be read: it is cut off inside its header")
    return data
