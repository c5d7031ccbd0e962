"""What the system has against a file: whose move it is, and how far the trouble reaches. Pure: numbers and words only.

One table for all error numbers, so that "make room" is said of a full disk and of nothing else.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pixian_batch.policy.stopping import MAKE_ROOM

_AGAIN: Final = "then run the same command again: it goes on where it stopped"


def system_word(error: OSError) -> str:
    """The system's own word for an error (`Permission denied`), without its number and its file."""
    return error.strerror or "the system gives no reason"


class Reach(Enum):
    """How far trouble with the disk reaches."""

    IMAGE = "image"
    """This image, and those whose results go to the same folder: each fails alone, and the run goes on."""
    RUN = "run"
    """Every image: nothing more may be sent."""


@dataclass(frozen=True, slots=True)
class DiskCause:
    """A kind of trouble. hint: what to do about it."""

    reach: Reach
    hint: str


FULL: Final = DiskCause(Reach.RUN, MAKE_ROOM)
_QUOTA: Final = DiskCause(
    Reach.RUN, f"the quota is used up: remove something of this user's, or have it raised, {_AGAIN}"
)
_CLOSED: Final = DiskCause(Reach.IMAGE, "give this user the right to write there, or choose another --out")
_READ_ONLY: Final = DiskCause(
    Reach.RUN, f"the output is read-only: mount it writable or choose another --out, {_AGAIN}"
)
_FAILING: Final = DiskCause(
    Reach.RUN, f"the disk fails: check it and the system's log, {_AGAIN}; what was paid for is kept"
)
_GONE: Final = DiskCause(Reach.RUN, "the folder was removed while it was in use: run the same command again")
_NAME: Final = DiskCause(Reach.IMAGE, "rename the input, or choose another --out")
_AWAY: Final = DiskCause(Reach.RUN, f"the share went away: wait until it is back, {_AGAIN}")
_HANDLES: Final = DiskCause(
    Reach.RUN, f"raise the limit of open files (ulimit -n) or lower --concurrency-max, {_AGAIN}"
)
_IN_USE: Final = DiskCause(
    Reach.IMAGE, "another program has the file open: close it there, then run the same command again"
)
_TOO_BIG: Final = DiskCause(
    Reach.IMAGE, "the system takes no file of that size there (ulimit -f): choose another --out"
)
_UNKNOWN: Final = DiskCause(Reach.RUN, f"check the disk, {_AGAIN}")

_NAMES: Final = {
    "ENOSPC": FULL,
    "EDQUOT": _QUOTA,
    "EACCES": _CLOSED,
    "EPERM": _CLOSED,
    "EROFS": _READ_ONLY,
    "EIO": _FAILING,
    "ENOENT": _GONE,
    **dict.fromkeys(("ENAMETOOLONG", "ELOOP", "EISDIR", "ENOTDIR", "EEXIST", "EILSEQ", "EINVAL"), _NAME),
    **dict.fromkeys(("ESTALE", "ENOTCONN", "EHOSTDOWN", "ETIMEDOUT", "ENODEV", "ENXIO", "ESHUTDOWN"), _AWAY),
    "EMFILE": _HANDLES,
    "ENFILE": _HANDLES,
    "EBUSY": _IN_USE,
    "ETXTBSY": _IN_USE,
    "EFBIG": _TOO_BIG,
}
_TABLE: Final = {number: cause for name, cause in _NAMES.items() if (number := getattr(errno, name, None))}
# Windows folds many of its own numbers into one errno: these say more.
_WINDOWS: Final = {
    5: _CLOSED,
    19: _READ_ONLY,
    23: _FAILING,
    32: _IN_USE,
    33: _IN_USE,
    39: FULL,
    53: _AWAY,
    59: _AWAY,
    64: _AWAY,
    67: _AWAY,
    112: FULL,
    123: _NAME,
    206: _NAME,
    1117: _FAILING,
    1295: _QUOTA,
}
_UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_FOLDER_CLOSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBADF})


def disk_cause(error: OSError) -> DiskCause:
    """What kind of trouble an error of a write is."""
    windows = _WINDOWS.get(getattr(error, "winerror", None) or 0)
    return windows or _TABLE.get(error.errno or 0, _UNKNOWN)


def reading_hint(error: OSError) -> str:
    """What to do about an input that cannot be read."""
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "give this user the right to read it"
    if error.errno == errno.ENOENT:
        return "it was there a moment ago: run again"
    return disk_cause(error).hint


def cannot_sync(error: OSError, *, folder: bool = False) -> bool:
    """Whether a file system does not know how to make a file or folder durable, as many shares: no trouble of the disk."""
    return error.errno in _UNSUPPORTED or (folder and error.errno in _FOLDER_CLOSED)


def is_in_use(error: OSError) -> bool:
    """Whether a file is only open elsewhere for the moment: worth another try."""
    return disk_cause(error) is _IN_USE
