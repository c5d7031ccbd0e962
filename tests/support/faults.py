"""A disk that fails on command (faults.c): built here with the system's compiler, preloaded, armed in a child."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

KINDS: Final = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "KILL": -1, "POWER": -2, "READ": -3}
"""What a call that is to fail does: an errno, the death of the process, a power cut; READ: EIO, of reads."""


def why_not() -> str | None:
    """Why no such disk can be had here; None when it can."""
    if sys.platform != "linux":
        return "a library can only be preloaded so on Linux"
    return None if shutil.which("cc") else "there is no C compiler (cc) here"


def build(folder: Path) -> Path:
    """The library that is to be preloaded."""
    library = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


def arm(under: str, at: int, kind: str, *, onwards: bool, shadows: str) -> None:
    """From now on the `at`-th call that changes something `under` a folder fails; 0: none does, they are counted."""
    os.makedirs(shadows, exist_ok=True)
    shim: Any = ctypes.CDLL(None)
    remembered = os.fsencode(shadows) if kind == "POWER" else None
    shim.faults_arm(os.fsencode(under), ctypes.c_long(at), KINDS[kind], int(onwards), remembered)


def seen() -> int:
    """How many such calls there were."""
    shim: Any = ctypes.CDLL(None)
    shim.faults_seen.restype = ctypes.c_long
    return int(shim.faults_seen())
