"""A disk that is really full."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[str]:
    """A folder with room for one megabyte."""
    folder = str(tmp_path / "small")
    os.makedirs(folder)
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", folder], check=False)
    if not made or made.returncode != 0:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    with contextlib.suppress(OSError):
        subprocess.run(["umount", folder], check=True)
