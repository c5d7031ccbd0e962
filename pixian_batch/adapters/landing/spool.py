"""One body as it comes: a file beside its destination that is synced before anybody looks at what it holds.

The paid bytes come first. A spool that will not take bytes any more goes on in the system's temporary folder,
so that what was paid for is kept. Never renames to a place, never decodes.

Until its body begins, a spool is `ROOM` zeros: set aside for what the head of the answer says (`head`), which is
written there, before the body, when the ledger does not take it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import sys
import tempfile
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from aiofiles.threadpool import wrap

from pixian_batch.adapters.landing.files import DiskError, disk_errors, remove, seal, write_all
from pixian_batch.adapters.landing.head import ROOM, pack_head, unpack_head
from pixian_batch.contract.kinds import HEAD_BYTES, TAIL_BYTES
from pixian_batch.policy.reply import Body

if TYPE_CHECKING:
    from io import FileIO

    from pixian_batch.policy.record import Answered

BLOCK: Final = 256 * 1024
"""Bytes gathered before they are written: smaller blocks cost much more CPU."""


class Spool:
    """A file beside its destination that takes a result as it comes. One use; one task."""

    def __init__(self, path: str, file: FileIO) -> None:
        self.path = path
        self.size = 0
        self._raw = file
        self._file = wrap(file)
        self._written = 0
        """Bytes that are in the file, its head included; 0: only the room for one is."""
        self._waiting = bytearray()
        self._head = b""
        self._tail = b""
        self.rescued = False
        """The body goes on in the temporary folder, since the output did not take it."""

    @classmethod
    async def open(cls, path: str) -> Spool:
        """Make the spool and its folder. Raises `DiskError`: before a request is sent, so it costs nothing."""
        with disk_errors(path):
            return cls(path, await asyncio.to_thread(_create, path))

    async def write_head(self, head: Answered) -> None:
        """Keep what the head of the answer says before the body, durable when this returns. Raises `DiskError`."""
        block = pack_head(head)
        try:
            await asyncio.to_thread(_write_head, self._raw, block)
        except OSError:
            await self._rescue(block)
        self._written = ROOM

    async def write(self, chunk: bytes, /) -> None:
        """Take some bytes. Raises `DiskError` when neither the output nor the temporary folder takes them."""
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + chunk)[:HEAD_BYTES]
        self._tail = (self._tail + chunk[-TAIL_BYTES:])[-TAIL_BYTES:]
        self.size += len(chunk)
        self._waiting += chunk
        if len(self._waiting) >= BLOCK:
            await self._flush()

    async def finish(self) -> Body:
        """Write the rest, sync, close: in one go, since every visit to a thread costs more than the work there.

        Raises `DiskError`.
        """
        block, self._waiting = self._waiting, bytearray()
        try:
            await asyncio.to_thread(_seal, self._raw, block, first=not self._written)
        except OSError as error:
            if self.rescued:
                raise DiskError(self.path, error) from error
            await self._rescue(block)
            await self._close()
        self._written += len(block)
        return Body.judged(self.path, self.size, head=self._head, tail=self._tail)

    async def drop(self) -> None:
        """Close and remove the spool: nothing worth keeping came."""
        await self._close()
        await asyncio.to_thread(remove, self.path)

    async def keep(self) -> str | None:
        """Close the spool and keep what came; its path, or None when nothing did. A head alone is kept, too."""
        with contextlib.suppress(DiskError):
            await self._flush()
        await self._close()
        if not self._written:
            await asyncio.to_thread(remove, self.path)
        return self.path if self.size else None

    async def _close(self) -> None:
        with contextlib.suppress(OSError):
            await self._file.close()

    async def _flush(self) -> None:
        block, self._waiting = self._waiting, bytearray()
        try:
            if block and not self._written:
                await asyncio.to_thread(_begin, self._raw, block)
            await self._write_all(block)
        except OSError as error:
            if self.rescued:
                raise DiskError(self.path, error) from error
            await self._rescue(block)
        self._written += len(block)

    async def _write_all(self, block: bytes | bytearray) -> None:
        rest = memoryview(block)
        while rest:
            rest = rest[await self._file.write(rest) :]

    async def _rescue(self, block: bytes | bytearray) -> None:
        """Go on in the temporary folder with all that came so far, `block` last; it is synced there."""
        path = rescue_path(self.path)
        try:
            raw = await asyncio.to_thread(_copy_start, self.path, path, self._written, block)
        except OSError as error:
            await asyncio.to_thread(remove, path)
            raise DiskError(self.path, error) from error
        await self.drop()
        self.path, self.rescued = path, True
        self._raw, self._file = raw, wrap(raw)


def rescue_path(spool: str) -> str:
    """Where a body goes on when the output does not take it.

    It follows from the spool's path alone: a full disk may keep the ledger from writing it down, and the
    next run must find what was paid for.
    """
    mark = blake2b(os.fsencode(os.path.abspath(spool)), digest_size=16).hexdigest()
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:  # a read-only root without /tmp: the output is all there is
        folder = os.path.dirname(spool)
    return os.path.join(folder, f"pixian-batch-{mark}.part")


def read_body(path: str) -> Body | None:
    """What an interrupted run left in a spool without a head; None when it is not there. Blocking.

    A spool that was rescued is found where it went on, unless somebody else's file stands there.
    """
    rescued = rescue_path(path)
    body = _read_body(rescued) if _is_ours(rescued) else None
    return body or _read_body(path)


def read_head(path: str) -> tuple[str, Answered] | None:
    """Where a spool is, rescued or not, and what the head before its body says; None when it has none. Blocking."""
    rescued = rescue_path(path)
    for place in ([rescued] if _is_ours(rescued) else []) + [path]:
        with contextlib.suppress(OSError), open(place, "rb") as stream:
            if head := unpack_head(stream.read(ROOM)):
                return place, head
    return None


def read_body_after_head(path: str) -> Body | None:
    """The body of a spool that `read_head` has found at `path`: as `read_body`, once the head is cut off. Blocking."""
    return _read_body(path, ROOM)


def cut_head(path: str) -> None:
    """Make a spool with a head one without. Raises `DiskError`: nothing has changed then. Blocking."""
    bare = f"{path}.bare"
    with disk_errors(path):
        try:
            with open(path, "rb") as reader, open(_open_private(bare), "wb") as writer:
                reader.seek(ROOM)
                shutil.copyfileobj(reader, writer)
                writer.flush()
                os.fsync(writer.fileno())
            os.replace(bare, path)
        except OSError:
            remove(bare)
            raise


def _open_private(path: str) -> int:
    """A new file that nobody else had a hand in: the temporary folder may be everybody's."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)


def _create(path: str) -> FileIO:
    """A new unbuffered file with room for a head, and the folders above it. Most often they are there."""
    try:
        file = _open(path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = _open(path)
    try:
        write_all(file, bytes(ROOM))
        file.seek(0)
    except OSError:
        file.close()
        remove(path)
        raise
    return file


def _open(file: str | int) -> FileIO:
    return open(file, "wb", buffering=0)


def _write_head(file: FileIO, block: bytes | bytearray) -> None:
    """Into the room that was set aside, durably."""
    write_all(file, block)
    os.fsync(file.fileno())


def _seal(file: FileIO, block: bytearray, *, first: bool) -> None:
    """The last bytes of a body, durably. first: no others came before, so the room for a head goes."""
    if first:
        _begin(file, block)
    seal(file, block)


def _begin(file: FileIO, block: bytearray) -> None:
    """A body without a head: it takes the place of the room for one."""
    file.seek(0)
    if len(block) < ROOM:  # seldom, so most images are spared what a truncate costs
        file.truncate()


def _copy_start(source: str, target: str, size: int, block: bytes | bytearray) -> FileIO:
    """The first `size` bytes of `source` and `block` in a new file, synced, and open for more."""
    with open(source, "rb") as reader:
        file = _open(_open_private(target))
        try:
            left = size
            while left and (piece := reader.read(min(left, 1 << 20))):
                write_all(file, piece)
                left -= len(piece)
            _write_head(file, block)
        except OSError:
            file.close()
            raise
    return file


def _is_ours(path: str) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (sys.platform == "win32" or status.st_uid == os.getuid())


def _read_body(path: str, skip: int = 0) -> Body | None:
    try:
        with open(path, "rb") as stream:
            stream.seek(skip)
            head = stream.read(ROOM)
            size = max(0, stream.seek(0, os.SEEK_END) - skip)
            if size <= ROOM and not head.strip(b"\0"):
                size = 0  # the room for a head: no body has begun
            stream.seek(skip + max(0, size - TAIL_BYTES))
            return Body.judged(path, size, head=head[:HEAD_BYTES], tail=stream.read())
    except OSError:
        return None
