"""What is done to one file or folder, durably and at once: write, sync, move, copy, remove. Blocking.

Knows paths only: what a place, a spool or a result is, is decided above. tests/adapters/test_places.py proves it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

from pixian_batch.policy.disk import FULL, Reach, cannot_sync, disk_cause, is_in_use, system_word
from pixian_batch.policy.reply import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import FileIO
    from typing import BinaryIO

_T = TypeVar("_T")
_TRIES_S: Final = (0.05, 0.2, 0.5)
"""Rests before a file that another program has open is tried again (virus scanners, previews)."""


class DiskError(SinkError):
    """The output cannot be written; what was paid for is kept. An error without a number is a full disk.

    reach: whether nothing more may be sent, or only this image fails.
    """

    def __init__(self, path: str, error: OSError | str) -> None:
        reason = error if isinstance(error, str) else system_word(error)
        super().__init__(f"{path}: {reason}")
        cause = FULL if isinstance(error, str) else disk_cause(error)
        self.hint, self.reach = cause.hint, cause.reach


class TakenError(DiskError):
    """A photo has come to stand where a result would go: this image alone waits for its place."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "a photo has come to stand there")
        self.hint, self.reach = "move it away, and run the same command again", Reach.IMAGE


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
        _sync(file.fileno())
        # Some shares count no links at all: only a path at which nothing stands was really removed.
        if os.fstat(file.fileno()).st_nlink == 0 and not os.path.lexists(file.name):
            _bring_back(file)


def _bring_back(file: FileIO) -> None:
    """Put the content of an open file that somebody removed, or whose folder, at its path again. Raises OSError."""
    path = os.fsdecode(file.name)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    _copy(f"/proc/self/fd/{file.fileno()}", path)  # where there is no such path, it is gone: that is told


def write_all(file: FileIO | BinaryIO, block: bytes | bytearray) -> None:
    """Write all of `block`, however little is taken at once. Raises OSError."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


def sync(path: str) -> None:
    """Make a file's content durable. Raises OSError."""
    with open(path, "rb+") as stream:
        _sync(stream.fileno())


def _sync(descriptor: int) -> None:
    """Make a file durable where its file system can: elsewhere it counts as it is, since it was written whole."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not cannot_sync(error):
            raise


def sync_folder(path: str) -> bool:
    """Make a rename durable; False where the file system cannot: many shares. Raises OSError.

    Windows has no such call, and needs none.
    """
    if sys.platform == "win32":
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if not cannot_sync(error, folder=True):
            raise
        return False
    return True


def free_bytes(folder: str) -> int | None:
    """Bytes that are free where `folder` is, or will be; None where the file system does not say."""
    folder = os.path.abspath(folder)
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    try:
        usage = shutil.disk_usage(folder)
    except OSError:  # what is wrong with the disk itself is told by the first write
        return None
    return usage.free if usage.total else None


def move(file: str, path: str) -> int:
    """Move a synced file; its size. The rename is durable only when its folder is synced. Raises OSError."""
    try:
        _replace(file, path)
    except OSError as error:
        if is_in_use(error):
            raise
        # No folder, or another file system (a rescued body): copy beside the place, so that the rename is atomic.
        os.makedirs(os.path.dirname(path), exist_ok=True)
        copy = beside(path, "copy")
        try:
            _copy(file, copy)
            _replace(copy, path)
        except OSError:
            remove(copy)
            raise
        sync_folder(os.path.dirname(path))
        os.unlink(file)
    return os.stat(path).st_size


def move_all(files: Sequence[tuple[str, str]], unsynced: set[str]) -> list[int | DiskError]:
    """`move` many, (file, path); each folder is synced once. Of each its size, or what kept it from its place.

    unsynced: folders that cannot be synced, as far as known; what is found out is added.
    """
    sizes = [_attempt(move, file, path) for file, path in files]
    folders = {os.path.dirname(path) for _file, path in files} - unsynced
    syncs = {folder: _attempt(sync_folder, folder) for folder in folders}
    unsynced.update(folder for folder, synced in syncs.items() if synced is False)
    unsafe = [syncs.get(os.path.dirname(path)) for _file, path in files]
    return [
        error if isinstance(error, DiskError) else size for size, error in zip(sizes, unsafe, strict=True)
    ]


def _replace(file: str, path: str) -> None:
    """Rename, patiently where the target is open in another program. Raises OSError."""
    for rest in _TRIES_S:
        try:
            os.replace(file, path)
        except OSError as error:
            if not is_in_use(error):
                raise
            time.sleep(rest)
        else:
            return
    os.replace(file, path)


def _attempt(work: Callable[..., _T], *arguments: str) -> _T | DiskError:
    """The result of `work`, or what its last argument, a path, is the trouble with."""
    try:
        return work(*arguments)
    except OSError as error:
        return DiskError(arguments[-1], error)


def link(source: str, target: str) -> int:
    """Another name for a file, or where there are no links a copy of it, durably; its size. Raises OSError.

    For what loses its old name next: of two that stay, each would change with the other (`copying`).
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    made = beside(target, "link")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(made)
    try:
        os.link(source, made)
    except OSError:
        _copy(source, made)
    try:
        _replace(made, target)
    except OSError:
        remove(made)
        raise
    # Renaming one hard link over another of the same file is a no-op that leaves the first behind.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(made)
    sync_folder(os.path.dirname(target))
    return os.stat(target).st_size


def beside(path: str, use: str) -> str:
    """A short hidden name in the same folder.

    It follows from the path alone, so that what a killed run has left is replaced by the next one.
    """
    folder, name = os.path.split(path)
    return os.path.join(folder, f".pixian-{blake2b(os.fsencode(name), digest_size=8).hexdigest()}.{use}")


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    sync(target)
