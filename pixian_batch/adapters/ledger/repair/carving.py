"""Reads the rows of an SQLite file page by page, without SQLite: what is left when its trees are broken. Blocking.

Every page that still looks like a leaf gives its cells, also when nothing points to it any more. It reads
the file and its write-ahead log and writes nothing. Format: https://www.sqlite.org/fileformat2.html

Proved by tests/adapters/ledger/test_repair.py.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _ReadPage: TypeAlias = Callable[[int], bytes]

Value: TypeAlias = "int | float | str | bytes | None"
_TABLE_LEAF: Final = 0x0D
_INDEX_LEAF: Final = 0x0A
_INDEX_INTERIOR: Final = 0x02
_FILE_HEADER: Final = 100
_WAL_HEADER: Final = 32
_WAL_MAGIC: Final = 0x377F0682
_FRAME_HEADER: Final = 24
_SMALLEST_PAGE: Final = 512
_USUAL_PAGE: Final = 4096
_LARGEST_PAYLOAD: Final = 1 << 24
_SIZES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8}
"""Bytes of numbers by their serial type."""


@dataclass(frozen=True, slots=True)
class CarvedRow:
    """One cell: `rowid` None: of an index, or of a table without rowids."""

    rowid: int | None
    values: tuple[Value, ...]


class _GarbledError(Exception):
    """These bytes are no cell."""


def log_is_sound(path: str) -> bool:
    """Whether SQLite would read all of the ledger's write-ahead log.

    At a wrong checksum it takes the log for ended, says nothing, and removes it. A power cut may leave that
    in the last transaction, since each is synced before the next is written: two ends of transactions
    behind the wrong one mean that something which was durable is damaged.
    """
    with _open(f"{path}-wal") as log:
        size, head = _length(log), _at(log, 0, _WAL_HEADER)
        if size <= _WAL_HEADER:
            return True
        magic, page = struct.unpack(">I4xI20x", head)
        order = ">" if magic & 1 else "<"
        sums = _checksum(head[:24], (0, 0), order)
        if (
            magic | 1 != _WAL_MAGIC | 1
            or sums != struct.unpack_from(">II", head, 24)
            or page < _SMALLEST_PAGE
        ):
            return False
        good, ends = True, 0
        for start in range(_WAL_HEADER, size, _FRAME_HEADER + page):
            frame = _at(log, start, _FRAME_HEADER + page)
            if good:
                sums = _checksum(frame[:8] + frame[_FRAME_HEADER:], sums, order)
                good = frame[8:16] == head[16:24] and sums == struct.unpack_from(">II", frame, 16)
            if not good and frame[8:16] == head[16:24]:
                ends += frame[4:8] != b"\0\0\0\0"
    return ends < 2  # the torn one may have its end


def _checksum(content: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's running checksum of the log."""
    one, two = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for index in range(0, len(words), 2):
        one = one + words[index] + two & 0xFFFFFFFF
        two = two + words[index + 1] + one & 0xFFFFFFFF
    return one, two


@dataclass(slots=True)
class Carver:
    """`rows()` gives every row of a ledger and its log, the newest version of a page first."""

    path: str
    _page: int = _USUAL_PAGE
    _frames: list[tuple[int, int]] = field(default_factory=list)
    """(page number, offset of its content) of the log's frames, oldest first."""
    _stale: list[tuple[int, int]] = field(default_factory=list)
    """The same of frames that do not belong to the log's header."""

    def rows(self) -> Iterator[CarvedRow]:
        """All rows that can be read. Raises OSError when the file itself cannot be."""
        self._page = _page_size(self.path)
        self._read_frames()
        latest = dict(self._frames)
        with _open(self.path) as base, _open(f"{self.path}-wal") as log:

            def page(number: int) -> bytes:
                if number in latest:
                    return _at(log, latest[number], self._page)
                return _at(base, (number - 1) * self._page, self._page)

            for number, offset in reversed(self._frames):
                yield from _rows(_at(log, offset, self._page), page, first=number == 1)
            for number in range(1, _length(base) // self._page + 2):
                yield from _rows(_at(base, (number - 1) * self._page, self._page), page, first=number == 1)
            for number, offset in reversed(self._stale):
                yield from _rows(_at(log, offset, self._page), page, first=number == 1)

    def _read_frames(self) -> None:
        with _open(f"{self.path}-wal") as log:
            salts = _at(log, 0, _WAL_HEADER)[16:24]
            step = _FRAME_HEADER + self._page
            for start in range(_WAL_HEADER, _length(log), step):
                head = _at(log, start, _FRAME_HEADER)
                (number,) = struct.unpack_from(">I", head)
                chosen = self._frames if head[8:16] == salts else self._stale
                chosen.append((number, start + _FRAME_HEADER))


def _open(path: str) -> BinaryIO:
    """The file, or an empty one when there is none."""
    return open(path if os.path.isfile(path) else os.devnull, "rb")  # its callers close it


def _length(stream: BinaryIO) -> int:
    return stream.seek(0, os.SEEK_END)


def _at(stream: BinaryIO, offset: int, size: int) -> bytes:
    """Some bytes; zeros where the file has none, or the disk does not give them."""
    try:
        stream.seek(offset)
        content = stream.read(size)
    except OSError:
        content = b""
    return content.ljust(size, b"\0")


def _page_size(path: str) -> int:
    """The page size: as the file's header or the log's says it, else the usual one."""
    with _open(path) as base, _open(f"{path}-wal") as log:
        (written,) = struct.unpack_from(">H", _at(base, 16, 2))
        (logged,) = struct.unpack_from(">I", _at(log, 8, 4))
        begins_well = _at(base, 0, 16) == b"SQLite format 3\0"
    for size in ([65536 if written == 1 else written] if begins_well else []) + [logged]:
        if 512 <= size <= 65536 and size & (size - 1) == 0:  # a power of two, as the format says
            return size
    return _USUAL_PAGE


def _rows(content: bytes, page: _ReadPage, *, first: bool) -> Iterator[CarvedRow]:
    """The rows of a page's cells; none when it is no leaf."""
    start = _FILE_HEADER if first else 0
    kind = content[start]
    if kind not in {_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR}:
        return
    (number,) = struct.unpack_from(">H", content, start + 3)
    pointers = start + (12 if kind == _INDEX_INTERIOR else 8)
    for index in range(min(number, (len(content) - pointers) // 2)):
        (offset,) = struct.unpack_from(">H", content, pointers + 2 * index)
        try:
            yield _cell(content, offset, kind, page)
        except (_GarbledError, IndexError, struct.error):
            continue


def _cell(content: bytes, offset: int, kind: int, page: _ReadPage) -> CarvedRow:
    if kind == _INDEX_INTERIOR:
        offset += 4
    size, offset = _varint(content, offset)
    rowid = None
    if kind == _TABLE_LEAF:
        rowid, offset = _varint(content, offset)
    return CarvedRow(rowid, _record(_payload(content, offset, size, page, table=rowid is not None)))


def _payload(content: bytes, offset: int, size: int, page: _ReadPage, *, table: bool) -> bytes:
    """A cell's content, gathered from overflow pages where it is long."""
    if size > _LARGEST_PAYLOAD:
        raise _GarbledError
    usable = len(content)
    most = usable - 35 if table else (usable - 12) * 64 // 255 - 23
    if size <= most:
        here, following = size, 0
    else:
        least = (usable - 12) * 32 // 255 - 23
        here = least + (size - least) % (usable - 4)
        here = here if here <= most else least
        (following,) = struct.unpack_from(">I", content, offset + here)
    gathered = bytearray(content[offset : offset + here])
    while following and len(gathered) < size:
        block = page(following)
        (following,) = struct.unpack_from(">I", block)
        gathered += block[4 : 4 + size - len(gathered)]
    if len(gathered) != size:
        raise _GarbledError
    return bytes(gathered)


def _record(payload: bytes) -> tuple[Value, ...]:
    """The values of a record; None from where it is garbled."""
    header, at = _varint(payload, 0)
    body = header
    values: list[Value] = []
    while at < header:
        kind, at = _varint(payload, at)
        try:
            value, body = _value(payload, body, kind)
        except (_GarbledError, struct.error):
            value, body = None, len(payload) + 1
        values.append(value)
    return tuple(values)


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    """One value by its serial type, and where the next one begins."""
    if kind in {0, 8, 9}:  # no bytes: NULL, 0 and 1
        return (kind - 8 if kind else None), at
    if kind < 0 or kind in {10, 11}:  # reserved
        raise _GarbledError
    end = at + (_SIZES[kind] if kind in _SIZES else (kind - 12) // 2)
    if end > len(payload):
        raise _GarbledError
    raw = payload[at:end]
    if kind == 7:  # the format's number for a float
        return float(struct.unpack(">d", raw)[0]), end
    if kind in _SIZES:
        return int.from_bytes(raw, "big", signed=True), end
    return (raw.decode("utf-8", "replace") if kind % 2 else raw), end


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """SQLite's integers of 1 to 9 bytes, and where what follows begins."""
    value = 0
    for index in range(8):
        byte = content[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # the last byte has no high bit
            return value, at + index + 1
    value = value << 8 | content[at + 8]
    return (value - (1 << 64) if value >= 1 << 63 else value), at + 9
