"""A body that somebody on the way has packed although we asked for none of that: unpacked as it comes, bounded."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from pixian_batch.contract.kinds import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST: Final = 512 * 1024 * 1024
"""Bytes that a body may unpack to: twice what the largest image has in 16 bits a channel."""
_BLOCK: Final = 256 * 1024
_EITHER: Final = zlib.MAX_WBITS | 32
"""gzip or zlib, by their first bytes."""
_KNOWN: Final = {"gzip", "x-gzip", "deflate"}
_ZLIB_METHOD: Final = 8


class PackedError(Exception):
    """What came cannot be unpacked. The text says why."""


class Unpacker:
    """Unpacks what the header `Content-Encoding` names: gzip or deflate. Anything else comes out as it went in.

    A proxy that has unpacked a body itself and left the header there is understood, too.
    """

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding.strip().lower().removeprefix("identity")
        """Its name; empty when the body comes as it is."""
        self._first = b""
        self._inflater: zlib._Decompress | None = None
        self._plain = self.encoding not in _KNOWN
        self._size = 0

    @property
    def unknown(self) -> str:
        """The name of a packing that is not understood."""
        return self.encoding if self._plain and self.encoding not in _KNOWN else ""

    def feed(self, block: bytes) -> Iterator[bytes]:
        """What `block` brings. Raises `PackedError`."""
        if not self._plain and self._inflater is None:
            self._first += block
            if len(self._first) < HEAD_BYTES:
                return
            block, self._first = self._begin(self._first), b""
        if self._plain:
            yield block
        else:
            yield from self._inflate(block)

    def end(self) -> Iterator[bytes]:
        """What is left at the end. Raises `PackedError` when the body was cut."""
        if self._first:
            yield self._first  # less than any image
        if self._inflater is not None and not self._inflater.eof:
            raise PackedError(f"the answer broke off: its {self.encoding} has no end")

    def _begin(self, first: bytes) -> bytes:
        if sniff(first) is not None:
            self._plain = True
        else:
            named = first[:2] == b"\x1f\x8b" or (
                first[0] & 0xF == _ZLIB_METHOD and not int.from_bytes(first[:2]) % 31
            )
            self._inflater = zlib.decompressobj(_EITHER if named else -zlib.MAX_WBITS)
        return first

    def _inflate(self, block: bytes) -> Iterator[bytes]:
        inflater = self._inflater
        while block and inflater is not None and not inflater.eof:
            try:
                out = inflater.decompress(block, _BLOCK)
            except zlib.error as error:
                raise PackedError(f"the answer is no {self.encoding}, though it says so") from error
            self._size += len(out)
            if self._size > MOST:
                raise PackedError(f"the answer unpacks to more than {MOST >> 20} MB: no image does")
            if out:
                yield out
            block = inflater.unconsumed_tail
