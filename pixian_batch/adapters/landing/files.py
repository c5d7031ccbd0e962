"""What is done to one file or folder, durably and at once: write, sync, move, link, remove. Blocking.

Knows paths only: what a place, a spool or a result is, is decided above. tests/adapters/test_places.py proves it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

from pixian_batch.policy.reply import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import FileIO

_T = TypeVar("_T")
_FICLONE: Final = 0x40049409


class DiskError(SinkError):
    """The output cannot be written. Nothing more may be sent; what was paid for is kept."""

    def __init__(self, path: str, error: OSError | str) -> None:
        reason = error if isinstance(error, str) else error.strerror or str(error)
        super().__init__(f"{path}: {reason}")


@contextlib.contextmanager
def disk_errors(path: str) -> Iterator[None]:
    """What the system has against `path`, as `DiskError`."""
    try:
        yield
    except OSError as error:
        raise DiskError(path, error) from error


def remove(path: str) -> None:
    """Remove a file that is not needed any more, if it is there and can be removed."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def write_synced(content: bytes, path: str) -> None:
    """Write and sync a file, new or not. Raises OSError."""
    with open(path, "wb", buffering=0) as file:
        seal(file, content)


def seal(file: FileIO, block: bytes | bytearray) -> None:
    """Write `block`, make the file durable, close it. Raises OSError."""
    with file:
        write_all(file, block)
        os.fsync(file.fileno())


def write_all(file: FileIO, block: bytes | bytearray) -> None:
    """Write all of `block`, however little is taken at once. Raises OSError."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


def sync(path: str) -> None:
    """Make a file's content durable. Raises OSError."""
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(path: str) -> None:
    """Make a rename durable. Windows has no such call, and needs none. Raises OSError."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: str) -> int:
    """Bytes that are free where `folder` is, or will be. Raises OSError."""
    try:
        return shutil.disk_usage(folder).free
    except FileNotFoundError:
        return shutil.disk_usage(os.path.dirname(os.path.abspath(folder))).free


def move(file: str, path: str) -> int:
    """Move a synced file; its size. The rename is durable only when its folder is synced. Raises OSError."""
    try:
        os.replace(file, path)
    except OSError:
        # No folder, or another file system (a rescued body): copy beside the place, so that the rename is atomic.
        os.makedirs(os.path.dirname(path), exist_ok=True)
        beside = _beside(path, "copy")
        try:
            _copy(file, beside)
            os.replace(beside, path)
        except OSError:
            remove(beside)
            raise
        sync_folder(os.path.dirname(path))
        os.unlink(file)
    return os.stat(path).st_size


def move_all(files: Sequence[tuple[str, str]]) -> list[int | DiskError]:
    """`move` many, (file, path); each folder is synced once. Of each its size, or what kept it from its place."""
    sizes = [_attempt(move, file, path) for file, path in files]
    syncs = {
        folder: _attempt(sync_folder, folder) for folder in {os.path.dirname(path) for _file, path in files}
    }
    unsafe = [syncs[os.path.dirname(path)] for _file, path in files]
    return [size if error is None else error for size, error in zip(sizes, unsafe, strict=True)]


def _attempt(work: Callable[..., _T], *arguments: str) -> _T | DiskError:
    """The result of `work`, or what its last argument, a path, is the trouble with."""
    try:
        return work(*arguments)
    except OSError as error:
        return DiskError(arguments[-1], error)


def link(source: str, target: str) -> int:
    """Make `target` from `source` by reflink, hard link or copy, durably; its size. Raises OSError."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    beside = _beside(target, "link")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    if not reflink(source, beside):
        try:
            os.link(source, beside)
        except OSError:
            _copy(source, beside)
    os.replace(beside, target)
    # Renaming one hard link over another of the same file is a no-op that leaves the first behind.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    sync_folder(os.path.dirname(target))
    return os.stat(target).st_size


def reflink(source: str, target: str) -> bool:
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


def _beside(path: str, use: str) -> str:
    """A short hidden name in the same folder.

    It follows from the path alone, so that what a killed run has left is replaced by the next one.
    """
    folder, name = os.path.split(path)
    return os.path.join(folder, f".pixian-{blake2b(os.fsencode(name), digest_size=8).hexdigest()}.{use}")


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    sync(target)
