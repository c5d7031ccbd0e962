"""A file of ours that is there whole or not at all: written beside its place, synced, renamed. Blocking.

Not for results, whose way is `landing`. Raises OSError. Proved by tests/cli/test_export.py.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


@contextlib.contextmanager
def whole_file(path: str, *, beside: str | None = None) -> Iterator[BinaryIO]:
    """A stream whose content is at `path` when the block ends well; otherwise what was there still is.

    beside: the folder, on the same disk, that holds it until then; the file's own unless told.
    """
    target = os.path.realpath(path)  # where `path` is a link, what it leads to is replaced
    folder, name = os.path.split(target)
    number, part = tempfile.mkstemp(prefix=f".{name[:50]}.", suffix=".part", dir=beside or folder)
    try:
        with open(number, "wb") as stream:
            _use_usual_rights(number, target)
            yield stream
            stream.flush()
            os.fsync(number)
        os.replace(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def _use_usual_rights(number: int, target: str) -> None:
    """Those of the file that is replaced, or of any new file: a temporary one is for its owner only."""
    if not hasattr(os, "fchmod"):  # Windows
        return
    try:
        mode = os.stat(target).st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    os.fchmod(number, mode)
