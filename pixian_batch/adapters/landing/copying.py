"""Many results from others that stand already: files of their own, durably, for as few syncs as can be. Blocking.

Blocks are shared where the file system can (copy on write). Never hard links: whoever edits one result in place
would change them all, and none would have its recorded size any more, so all but the edited one would be bought
again. tests/adapters/test_copying.py proves it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing.files import DiskError, beside, free_bytes, move_all, remove, sync
from pixian_batch.adapters.landing.filesystems import can_sync_whole, reflink, sync_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import FileIO

_BLOCK: Final = 1 << 20
_MANY: Final = 8
"""From so many on, the whole file system is synced in place of each file: it costs as much as a few of them."""


def copy_all(
    copies: Sequence[tuple[str, str]], unsynced: set[str], *, spare: int = 0
) -> list[int | DiskError | None]:
    """Make files of their own from others, (source, target); durable when this returns.

    Of each its size, what kept it from its place, or None when its source is gone. unsynced: folders that cannot
    be synced, as far as known; what is found out is added. spare: bytes of the disk that are left alone.
    """
    folders = {os.path.dirname(target) for _source, target in copies}
    with _disks(folders if len(copies) >= _MANY else ()) as disks:
        made = [_copied_beside(source, target, spare) for source, target in copies]
        disks.sync()
        made = [
            disks.sealed(one, target) if isinstance(one, str) else one
            for one, (_source, target) in zip(made, copies, strict=True)
        ]
    moves = [(one, target) for one, (_s, target) in zip(made, copies, strict=True) if isinstance(one, str)]
    moved = iter(move_all(moves, unsynced))
    results = [next(moved) if isinstance(one, str) else one for one in made]
    for one, result in zip(made, results, strict=True):
        if isinstance(one, str) and isinstance(result, DiskError):
            remove(one)
    return results


def _copied_beside(source: str, target: str, spare: int) -> str | DiskError | None:
    """A whole copy beside `target`, not synced yet: its path, what is the trouble, or None without a source."""
    copy = beside(target, "made")
    try:
        _fill(source, copy, spare)
    except (OSError, DiskError) as error:
        remove(copy)
        if isinstance(error, DiskError):
            return error
        return DiskError(target, error) if os.path.lexists(source) else None
    return copy


def copy_one(source: str, target: str) -> None:
    """A synced copy of a file, in the place of what is there, its folders made. Raises OSError."""
    _fill(source, target)
    sync(target)


def _fill(source: str, target: str, spare: int = 0) -> None:
    """A whole file of its own, not synced yet. Raises OSError, and `DiskError` when there is no room for it."""
    with open(source, "rb") as reader, _new_file(target) as writer:
        if not reflink(reader.fileno(), writer.fileno()):
            _check_room(target, os.fstat(reader.fileno()).st_size, spare)
            shutil.copyfileobj(reader, writer, _BLOCK)


def _new_file(path: str) -> FileIO:
    """An empty file, and the folders above it, which are there most often.

    A new one always: what is there may be another name of a file that is wanted still.
    """
    try:
        return open(path, "xb", buffering=0)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except FileExistsError:
        os.unlink(path)
    return open(path, "xb", buffering=0)


def _check_room(path: str, size: int, spare: int) -> None:
    """Raises `DiskError` when `size` more bytes would leave less than `spare` free."""
    free = free_bytes(os.path.dirname(path)) if spare else None
    if free is not None and free < spare + size:
        raise DiskError(path, f"only {free // 1_000_000} MB are free (--min-free keeps some)")


@dataclass(slots=True)
class _Disks:
    """File systems that may be synced as a whole: device -> a descriptor that was open before anything was written.

    So that it tells what goes wrong from then on.
    """

    open: dict[int, int] = field(default_factory=dict)
    _synced: set[int] = field(default_factory=set)

    def sync(self) -> None:
        """Make all that was written durable. What cannot be synced so is synced file by file."""
        for device, descriptor in self.open.items():
            with contextlib.suppress(OSError):
                sync_whole(descriptor)
                self._synced.add(device)

    def sealed(self, copy: str, target: str) -> str | DiskError:
        """The path of a file that is durable now."""
        try:
            if os.stat(copy).st_dev not in self._synced:
                sync(copy)
        except OSError as error:
            remove(copy)
            return DiskError(target, error)
        return copy


@contextlib.contextmanager
def _disks(folders: Iterable[str]) -> Iterator[_Disks]:
    """The file systems that these folders are on, as far as they are there and can be synced as a whole."""
    disks = _Disks()
    try:
        for folder in folders:
            with contextlib.suppress(OSError):
                os.makedirs(folder, exist_ok=True)
                device = os.stat(folder).st_dev
                if device not in disks.open and can_sync_whole(folder):
                    disks.open[device] = os.open(folder, os.O_RDONLY)
        yield disks
    finally:
        for descriptor in disks.open.values():
            os.close(descriptor)
