"""A finished result on its way out: a body that is small in memory, and what its headers say."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.contract.headers import Box
    from pixian_batch.contract.kinds import Kind
    from pixian_batch.contract.params import Size

_BLOCK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class RenderedResult:
    """A finished result: `size` bytes in `body`, and what the headers say about it. Close it."""

    body: BinaryIO
    size: int
    kind: Kind
    orientation: int
    input_size: Size
    result_size: Size
    input_foreground: Box
    result_foreground: Box

    def blocks(self) -> Iterator[bytes]:
        """The body, block by block."""
        self.body.seek(0)
        return iter(lambda: self.body.read(_BLOCK), b"")

    def close(self) -> None:
        """Give memory and disk back."""
        self.body.close()


def spooled(body: bytes, *, spool_bytes: int) -> BinaryIO:
    """`body` in memory when small, else in a temporary file: slow readers must not fill the memory."""
    spool = SpooledTemporaryFile(max_size=spool_bytes)  # noqa: SIM115  # its taker closes it
    if len(body) > spool_bytes:
        spool.rollover()  # before the bytes are in its memory as well
    spool.write(body)
    return cast("BinaryIO", spool)
