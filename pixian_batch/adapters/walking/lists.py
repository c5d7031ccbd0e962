"""List files and pipes -> the inputs that they name, streamed. Blocking; looks at none of them."""

from __future__ import annotations

import errno
import os
import select
import sys
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.encoding import SAVE_AS_UTF8, UTF16, is_utf16, without_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_MS: Final = 200
_LONGEST_NAME: Final = 1 << 16
"""Bytes without a separator that may still be a name: no system has longer paths."""


class ListError(OSError):
    """A file that is no list of names: what it is, in `strerror`; `hint`: what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(errno.EINVAL, message)
        self.hint = hint


class ListingError(ListError):
    """Names that were read, and that cannot be put in order: where, in `strerror`; `hint`: what to do."""


def in_words(error: OSError) -> tuple[str, str]:
    """What went wrong with the inputs as a whole, and what to do about it."""
    match error:
        case ListingError(strerror=text, hint=hint):
            return str(text), hint
        case ListError(strerror=text, hint=hint):
            return f"the list cannot be read: {text}", hint
        case _:
            return f"the list cannot be read: {error.strerror}", "check --files-from"


def read_list(path: str, *, nul: bool = False, go_on: Callable[[], bool] = lambda: True) -> Iterator[str]:
    """The inputs named in a list file (`-`: standard input), one a line, or NUL-separated.

    Streamed; names need not be UTF-8. `go_on` is asked while a pipe has nothing to read: the list ends
    when it says no. Raises OSError when the file cannot be read, and `ListError` when it holds no such list.
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
    rest, first, ended = b"", True, False
    while not ended and _readable(descriptor, go_on):
        block = os.read(descriptor, 1 << 16)
        rest, ended = rest + block, not block
        if not ended and separator not in block and len(rest) <= _LONGEST_NAME:
            continue
        _check(rest, nul=nul, first=first)
        names = (without_mark(rest) if first else rest).split(separator)
        rest, first = b"" if ended else names.pop(), False
        yield from filter(None, (_decoded(name, nul=nul) for name in names))


def _check(data: bytes, *, nul: bool, first: bool) -> None:
    """That this may be a part of such a list, `first`: its beginning. Raises `ListError`."""
    if first and is_utf16(data):
        raise ListError(f"it {UTF16}", SAVE_AS_UTF8)
    if not nul and b"\0" in data:
        raise ListError("its names are separated by NUL", "add -0 (--null)")
    if nul and first and b"\n" in data and b"\0" not in data:
        raise ListError("its names are separated by line ends", "leave -0 (--null) out")
    if len(data) > _LONGEST_NAME and (b"\0" if nul else b"\n") not in data:
        raise ListError("it is no list of names", "write one name a line")


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
