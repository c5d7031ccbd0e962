"""List files and pipes -> the inputs that they name, streamed. Blocking; looks at none of them."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_MS: Final = 200


def read_list(path: str, *, nul: bool = False, go_on: Callable[[], bool] = lambda: True) -> Iterator[str]:
    """The inputs named in a list file (`-`: standard input), one a line, or NUL-separated.

    Streamed; names need not be UTF-8. `go_on` is asked while a pipe has nothing to read: the list ends
    when it says no. Raises OSError when the file cannot be read.
    """
    if path == "-":
        yield from _split(sys.stdin.buffer.fileno(), nul=nul, go_on=go_on)
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield from _split(descriptor, nul=nul, go_on=go_on)
    finally:
        os.close(descriptor)


def _split(descriptor: int, *, nul: bool, go_on: Callable[[], bool]) -> Iterator[str]:
    separator = b"\0" if nul else b"\n"
    rest = b""
    while _readable(descriptor, go_on):
        block = os.read(descriptor, 1 << 16)
        if not block:
            if last := _decoded(rest, nul=nul):
                yield last
            return
        *names, rest = (rest + block).split(separator)
        yield from filter(None, (_decoded(name, nul=nul) for name in names))


def _readable(descriptor: int, go_on: Callable[[], bool]) -> bool:
    """Wait until there is something to read (True) or nobody wants it any more."""
    if sys.platform == "win32":  # pipes cannot be waited for there
        return go_on()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while go_on():
        if poll.poll(_POLL_MS):
            return True
    return False


def _decoded(name: bytes, *, nul: bool) -> str:
    return os.fsdecode(name if nul else name.rstrip(b"\r"))


def listed_place(path: str) -> str:
    """The place of a listed path: as written, without drive, root and upward steps."""
    parts = os.path.splitdrive(os.path.normpath(path))[1].split(os.sep)
    return "/".join(part for part in parts if part not in {"", ".", ".."})
