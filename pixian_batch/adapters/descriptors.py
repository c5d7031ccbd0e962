"""Open files of this process: as many as a run needs, as far as the system allows."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final

_A_WORKER: Final = 6
"""Open at once for a worker at most: a connection and its other end (`--local`), a photo, a spool, one being read, one landing."""
_BESIDE: Final = 64
"""For everything else: the ledger, displays, lists, folders that are walked or synced."""


def workers_for(wanted: int) -> int:
    """Raise this process's limit of open files to what so many workers need; how many may work, at least one."""
    if sys.platform == "win32":  # no such limit there
        return wanted
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    beside = _BESIDE + _open_now()
    needed = beside + wanted * _A_WORKER
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with contextlib.suppress(OSError, ValueError):  # some systems have a lower limit than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(wanted, (soft - beside) // _A_WORKER))


def _open_now() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return 0
