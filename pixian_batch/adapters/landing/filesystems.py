"""What some file systems can do beyond what Python offers: shared blocks, and one sync for many files. Linux only.

Elsewhere, and on file systems that are not known to keep the promise, it says no, and the caller does without.
tests/adapters/test_copying.py proves it.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ctypes import CDLL

_FICLONE: Final = 0x40049409
_KEEPS: Final = frozenset({0xEF53, 0x58465342, 0x9123683E})
"""`f_type` of ext2 to ext4, XFS and Btrfs. FUSE and shares may count as synced what their server has not written."""
_TOLD_SINCE: Final = (5, 8)
"""The first Linux whose `syncfs` tells of errors."""
_STATFS_BYTES: Final = 512


def reflink(source: int, target: int) -> bool:
    """Share the blocks of an open file copy-on-write with another; False where the file system cannot."""
    if sys.platform != "linux":
        return False
    import fcntl  # not on Windows

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def can_sync_whole(folder: str) -> bool:
    """Whether `sync_whole` makes durable what is written under `folder`, and tells when it does not."""
    if sys.platform != "linux" or _kernel() < _TOLD_SINCE or (libc := _libc()) is None:
        return False
    import ctypes  # only where there is much to sync

    # Its first member is a long, `f_type`; the rest is of no interest here.
    facts = ctypes.create_string_buffer(_STATFS_BYTES)
    if libc.statfs(os.fsencode(folder), facts) != 0:
        return False
    return ctypes.c_long.from_buffer(facts).value & 0xFFFFFFFF in _KEEPS


def sync_whole(descriptor: int) -> None:
    """Make durable all that was written to the file system of an open folder. Raises OSError.

    Errors since the folder was opened are told: so it is opened before the first byte is written.
    """
    import ctypes

    libc = _libc()
    if libc is None or libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _libc() -> CDLL | None:
    """The C library, when it has what is needed."""
    import ctypes

    libc: Any = ctypes.CDLL(None, use_errno=True)
    return libc if hasattr(libc, "syncfs") and hasattr(libc, "statfs") else None


def _kernel() -> tuple[int, ...]:
    """The first two numbers of the kernel's version."""
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())
