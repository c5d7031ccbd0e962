"""A folder in memory, where the system has one with room: nothing waits for a disk there.

For tests that judge what a killed or refused process leaves behind, which is the same on every file system: a kill
takes nothing from what was written, synced or not. Tests about a disk itself (full, read-only, attributes, names,
power cuts) use a real one.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

_MEMORY: Final = "/dev/shm"  # noqa: S108  # folders of our own below it, made by mkdtemp
_ROOM: Final = 1 << 30


def folder(prefix: str) -> Path:
    """A new empty folder; who asked for it removes it. It is an ordinary temporary one where there is no other."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if _has_room() else None))


def _has_room() -> bool:
    """Containers often have 64 MB there."""
    if sys.platform != "linux" or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    return shutil.disk_usage(_MEMORY).free >= _ROOM
