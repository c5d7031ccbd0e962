"""Results on disk: spool files, the rename to their place, links to what was bought before, free room.

The paid bytes come first: a body streams into a spool file in the folder of its destination, is synced,
and only then renamed. A spool that will not take bytes any more goes on in the system's temporary
folder, so that what was paid for is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

from aiofiles.threadpool import wrap

from pixian_batch.contract.kinds import HEAD_BYTES, TAIL_BYTES, is_whole, sniff
from pixian_batch.policy.reply import Body, SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from io import FileIO

_T = TypeVar("_T")
BLOCK: Final = 256 * 1024
"""Bytes gathered before they are written: smaller blocks cost much more CPU."""
_MARGIN_RESULT: Final = 1 << 20


class DiskError(SinkError):
    """The output cannot be written. Nothing more may be sent; what was paid for is kept."""

    def __init__(self, path: str, error: OSError | str) -> None:
        said = error if isinstance(error, str) else error.strerror or str(error)
        super().__init__(f"{path}: {said}")


class Spool:
    """A file beside its destination that takes a result as it comes. One use; one task."""

    def __init__(self, path: str, file: FileIO) -> None:
        self.path = path
        self.size = 0
        self._raw = file
        self._file = wrap(file)
        self._waiting = bytearray()
        self._head = b""
        self._tail = b""
        self.rescued = False
        """The body goes on in the temporary folder, since the output did not take it."""

    @classmethod
    async def open(cls, path: str) -> Spool:
        """Make the spool and its folder. Raises `DiskError`: before a request is sent, so it costs nothing."""
        try:
            return cls(path, await asyncio.to_thread(_create, path))
        except OSError as error:
            raise DiskError(path, error) from error

    async def write(self, chunk: bytes) -> None:
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
            try:
                await asyncio.to_thread(_seal, self._raw, block)
            except OSError:
                if self.rescued:
                    raise
                await self._rescue(block)
                await asyncio.to_thread(_seal, self._raw, b"")
        except OSError as error:
            raise DiskError(self.path, error) from error
        kind = sniff(self._head)
        return Body(self.path, self.size, kind, kind is not None and is_whole(kind, self._tail))

    async def drop(self) -> None:
        """Close and remove the spool: nothing worth keeping came."""
        with contextlib.suppress(OSError):
            await self._file.close()
            await asyncio.to_thread(os.unlink, self.path)

    async def keep(self) -> str | None:
        """Close the spool and keep what came; its path, or None when nothing did."""
        with contextlib.suppress(OSError):
            await self._flush()
        with contextlib.suppress(OSError):
            await self._file.close()
        if self.size:
            return self.path
        with contextlib.suppress(OSError):
            await asyncio.to_thread(os.unlink, self.path)
        return None

    async def _flush(self) -> None:
        block, self._waiting = self._waiting, bytearray()
        try:
            await self._write_all(block)
        except OSError as error:
            if self.rescued:
                raise DiskError(self.path, error) from error
            await self._rescue(block)

    async def _write_all(self, block: bytes | bytearray) -> None:
        rest = memoryview(block)
        while rest:
            rest = rest[await self._file.write(rest) :]

    async def _rescue(self, block: bytes | bytearray) -> None:
        """Go on in the temporary folder with all that came so far, `block` last."""
        start = self.size - len(block)
        try:
            path = rescue_path(self.path)
            await asyncio.to_thread(_copy_start, self.path, path, start)
            with contextlib.suppress(OSError):
                await self._file.close()
                await asyncio.to_thread(os.unlink, self.path)
            self.path, self.rescued = path, True
            self._raw = await asyncio.to_thread(open, path, "ab", 0)
            self._file = wrap(self._raw)
            await self._write_all(block)
        except OSError as error:
            raise DiskError(self.path, error) from error


def rescue_path(spool: str) -> str:
    """Where a body goes on when the output does not take it.

    It follows from the spool's path alone: a full disk may keep the ledger from writing it down, and the
    next run must find what was paid for.
    """
    mark = blake2b(os.fsencode(os.path.abspath(spool)), digest_size=16).hexdigest()
    return os.path.join(tempfile.gettempdir(), f"pixian-batch-{mark}.part")


def _open_private(path: str) -> int:
    """A new file that nobody else had a hand in: the temporary folder may be everybody's."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)


def _create(path: str) -> FileIO:
    """A new unbuffered file, and the folders above it. Most often they are there."""
    try:
        return open(path, "wb", buffering=0)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "wb", buffering=0)


def _seal(file: FileIO, block: bytes | bytearray) -> None:
    """Write `block`, make the file durable, close it."""
    with file:
        rest = memoryview(block)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())


def _copy_start(source: str, target: str, size: int) -> None:
    with open(source, "rb") as reader, open(_open_private(target), "wb") as writer:
        left = size
        while left and (block := reader.read(min(left, 1 << 20))):
            writer.write(block)
            left -= len(block)


def read_body(path: str) -> Body | None:
    """What an interrupted run left in a spool; None when it is not there. Blocking.

    A spool that was rescued is found where it went on, unless somebody else's file stands there.
    """
    rescued = rescue_path(path)
    body = _read_body(rescued) if _is_ours(rescued) else None
    return body or _read_body(path)


def _is_ours(path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and (sys.platform == "win32" or found.st_uid == os.getuid())


def _read_body(path: str) -> Body | None:
    try:
        with open(path, "rb") as stream:
            head = stream.read(HEAD_BYTES)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TAIL_BYTES))
            tail = stream.read()
    except OSError:
        return None
    kind = sniff(head)
    return Body(path, size, kind, kind is not None and is_whole(kind, tail))


@dataclass(slots=True)
class Landing:
    """The output folder: places are relative paths with `/`.

    min_free: bytes of the disk that are left alone; bytes_per_pixel: the dearest result so far.
    """

    out: str
    min_free: int = 100_000_000
    bytes_per_pixel: float = 1.0
    results: int = 0
    result_bytes: int = 0
    """Of the results so far, those of earlier runs included: what the next ones will need is told from them."""
    _in_flight: int = 0
    _token: str = field(default_factory=lambda: secrets.token_hex(4))

    def path(self, place: str) -> str:
        """The path of a place."""
        return os.path.join(self.out, place if os.sep == "/" else place.replace("/", os.sep))

    def spool_path(self, place: str, attempt: int) -> str:
        """The spool of an attempt: hidden, beside its destination.

        The token keeps apart the spools of two ledgers that share an output folder.
        """
        return os.path.join(os.path.dirname(self.path(place)), f".pixian-{attempt}-{self._token}.part")

    def spool_of(self, place: str, spool: str) -> str:
        """Where a spool of an earlier run is now: the output may have another path than it had then."""
        return os.path.join(os.path.dirname(self.path(place)), os.path.basename(spool))

    def claim_room(self, pixels: int | None) -> int:
        """Set room aside for a result before it is bought; raises `DiskError` below the low-water mark."""
        wanted = int((pixels or 0) * self.bytes_per_pixel) + _MARGIN_RESULT
        free = _free(self.out)
        if free < self.min_free + self._in_flight + wanted:
            raise DiskError(self.out, f"only {free // 1_000_000} MB are free (--min-free keeps some)")
        self._in_flight += wanted
        return wanted

    def free_room(self, claimed: int, *, pixels: int | None = None, size: int | None = None) -> None:
        """Give back what `claim_room` set aside; learn from a result of `size` bytes."""
        self._in_flight -= claimed
        if size is not None:
            self.results += 1
            self.result_bytes += size
        if pixels and size:
            self.bytes_per_pixel = max(self.bytes_per_pixel, size / pixels)

    def shortage(self, images: int) -> tuple[int, int] | None:
        """(needed, free) bytes when `images` more results will hardly fit; None when they will, or nobody knows."""
        if not self.results:
            return None
        needed = images * self.result_bytes // self.results + self.min_free
        free = shutil.disk_usage(self.out).free
        return (needed, free) if needed > free else None

    async def put(self, file: str, place: str) -> int:
        """Move a synced file to its place, whatever stands there; its size. Raises `DiskError`."""
        [said] = await self.put_all([(file, place)])
        if isinstance(said, DiskError):
            raise said
        return said

    async def put_all(self, files: Sequence[tuple[str, str]]) -> list[int | DiskError]:
        """Move synced files to their places, (file, place), whatever stands there; of each its size.

        Durable when this returns: each folder is synced once, however many results came to it.
        """
        return await asyncio.to_thread(_put_all, [(file, self.path(place)) for file, place in files])

    async def link(self, place: str, to: str) -> int:
        """Make `to` from the result at `place`: by reflink, hard link or copy. Raises `DiskError`."""
        if place == to:
            return await asyncio.to_thread(os.path.getsize, self.path(place))
        try:
            return await asyncio.to_thread(_link, self.path(place), self.path(to))
        except OSError as error:
            raise DiskError(self.path(to), error) from error

    async def write(self, content: bytes, path: str) -> None:
        """Write and sync a file at `path`. Raises `DiskError`."""
        try:
            await asyncio.to_thread(_write_synced, content, path)
        except OSError as error:
            raise DiskError(path, error) from error

    async def sync(self, path: str) -> None:
        """Make a file's content durable. Raises `DiskError`."""
        try:
            await asyncio.to_thread(_sync, path)
        except OSError as error:
            raise DiskError(path, error) from error

    def remove(self, path: str) -> None:
        """Remove a file that is not needed any more, if it is there."""
        with contextlib.suppress(OSError):
            os.unlink(path)

    def size(self, place: str) -> int | None:
        """The size of the file at a place; None when there is none."""
        try:
            found = os.stat(self.path(place))
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def refusal(self, place: str) -> str | None:
        """Why a result can never stand at `place`, whatever it is; None when it can."""
        path = self.path(place)
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            return f"{path}: a file stands where its folder should be"
        except OSError as error:  # a name that is too long, or that the file system does not take
            return f"{path}: {error.strerror or error}"
        return f"{path}: a folder stands there" if stat.S_ISDIR(found.st_mode) else None

    def check_writable(self) -> None:
        """Prove that the output folder takes files. Raises `DiskError`. Blocking."""
        try:
            os.makedirs(self.out, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.out) as probe:
                probe.write(b"\0")
        except OSError as error:
            raise DiskError(self.out, error) from error


def _put_all(files: Sequence[tuple[str, str]]) -> list[int | DiskError]:
    said = [_said(_put, file, path) for file, path in files]
    folders = {os.path.dirname(path) for _file, path in files}
    unsafe = {
        folder: error for folder in folders if isinstance(error := _said(_sync_folder, folder), DiskError)
    }
    return [unsafe.get(os.path.dirname(path), size) for (_file, path), size in zip(files, said, strict=True)]


def _said(work: Callable[..., _T], *arguments: str) -> _T | DiskError:
    """What `work` gives, or what its last argument, a path, is the trouble with."""
    try:
        return work(*arguments)
    except OSError as error:
        return DiskError(arguments[-1], error)


def _put(body: str, path: str) -> int:
    """Move a synced file; its size. The rename is durable only when its folder is synced."""
    try:
        os.replace(body, path)
    except OSError:
        # No folder, or another file system (a rescued body): copy beside the place, so that the rename is atomic.
        os.makedirs(os.path.dirname(path), exist_ok=True)
        beside = _beside(path, "copy")
        try:
            shutil.copyfile(body, beside)
            _sync(beside)
            os.replace(beside, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        _sync_folder(os.path.dirname(path))
        os.unlink(body)
    return os.stat(path).st_size


def _beside(path: str, use: str) -> str:
    """A short hidden name in the same folder.

    It follows from the path alone, so that what a killed run has left is replaced by the next one.
    """
    folder, name = os.path.split(path)
    return os.path.join(folder, f".pixian-{blake2b(os.fsencode(name), digest_size=8).hexdigest()}.{use}")


def _link(source: str, target: str) -> int:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    beside = _beside(target, "link")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    if not _reflink(source, beside):
        try:
            os.link(source, beside)
        except OSError:
            shutil.copyfile(source, beside)
            _sync(beside)
    os.replace(beside, target)
    # Renaming one hard link over another of the same file is a no-op that leaves the first behind.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    _sync_folder(os.path.dirname(target))
    return os.stat(target).st_size


_FICLONE: Final = 0x40049409


def _reflink(source: str, target: str) -> bool:
    """Share the blocks of `source` copy-on-write; False where the file system cannot."""
    if sys.platform != "linux":
        return False
    import fcntl  # not on Windows

    with open(source, "rb") as reader, open(target, "wb") as writer:
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:
            pass
        else:
            return True
    os.unlink(target)
    return False


def _write_synced(content: bytes, path: str) -> None:
    with open(path, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(path: str) -> None:
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


def _free(folder: str) -> int:
    """Bytes that are free where `folder` is, or will be."""
    try:
        return shutil.disk_usage(folder).free
    except FileNotFoundError:
        return shutil.disk_usage(os.path.dirname(os.path.abspath(folder))).free


def _sync_folder(path: str) -> None:
    """Make a rename durable. Windows has no such call, and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
