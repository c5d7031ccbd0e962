"""The standard streams as they really are: closed, full, left by their reader, or unable to encode a character.

After `prepare` a write to standard output or standard error never raises, whoever does it; `finish` tells at
the end what became of the results. Every start of the command passes here, so it imports next to nothing.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import stat
import sys
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

STAND_INS: Final = {"—": "-", "·": "|", "…": "..."}
"""Our own punctuation in ASCII."""
ESCAPES: Final = "pixian_batch_stand_ins"
"""The name of an error handler of `str.encode`: a stand-in, or an escape such as `\\xe4`, for what cannot be encoded."""
_LEFT: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ESHUTDOWN})


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    error.end = error.start + 1  # one character at a time
    character = error.object[error.start]
    return (
        (STAND_INS[character], error.end) if character in STAND_INS else codecs.backslashreplace_errors(error)
    )


codecs.register_error(ESCAPES, _stand_in)


class _Forgiving(io.RawIOBase):
    """Writes to `raw` until that fails; what comes later goes nowhere. trouble: why."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.trouble: OSError | None = None

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # of any buffer
        left = memoryview(data).cast("B")
        size = left.nbytes
        while left and self.trouble is None:
            try:
                written = self._raw.write(left)
                if written is None:
                    self._wait()
                left = left[written or 0 :]
            except OSError as error:
                self.trouble = error
        return size

    def _wait(self) -> None:
        """Until a descriptor that somebody else made non-blocking takes bytes again."""
        import select  # such terminals are rare

        select.select([], [self.fileno()], [])

    @property
    def left(self) -> bool:
        """Whether the trouble is a reader that had enough (`| head`), or a terminal that is gone."""
        number = self.trouble.errno if self.trouble is not None else errno.EPIPE
        if sys.platform == "win32":
            return number in {*_LEFT, errno.EINVAL}
        gone = number == errno.EIO and not stat.S_ISREG(os.fstat(self.fileno()).st_mode)
        return number in _LEFT or gone

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()

    def writable(self) -> bool:
        return True


def prepare() -> None:
    """Make all three streams usable; once, before anything else opens a file."""
    _open_missing()
    for name in ("stdout", "stderr"):
        stream = _forgiving(cast("io.TextIOWrapper", getattr(sys, name)))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)  # where others ask for the terminal's size


def _open_missing() -> None:
    """Closed descriptors lead nowhere: else the next file to be opened, the ledger say, would be standard output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            _open_nowhere()
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # stays open to the end


def _open_nowhere() -> None:
    """Take the lowest free descriptor."""
    try:
        number = os.open(os.devnull, os.O_RDWR)
    except OSError:  # a root without /dev
        number = os.memfd_create("nowhere")
    os.set_inheritable(number, True)  # as streams are


def _forgiving(stream: io.TextIOWrapper) -> TextIO:
    encoding, lines, through = stream.encoding, stream.line_buffering, stream.write_through
    buffer = stream.detach()
    buffered = isinstance(buffer, io.BufferedWriter)  # not so with python -u
    below = buffer.detach() if isinstance(buffer, io.BufferedWriter) else buffer
    raw = cast("io.RawIOBase", _Forgiving(cast("io.RawIOBase", below)))
    return io.TextIOWrapper(
        cast("BinaryIO", io.BufferedWriter(raw) if buffered else raw),
        encoding=encoding,
        errors=ESCAPES,
        line_buffering=lines,
        write_through=through,
    )


def finish(code: int) -> int:
    """Write what is buffered. The exit code: `code`, or the disk's when results did not get where they belong."""
    raws = [_flushed(stream) for stream in (sys.stdout, sys.stderr)]
    results = raws[0]
    if results is None or results.trouble is None or results.left:
        return code
    from pixian_batch.policy.disk import system_word  # --version needs no table of the disk's troubles
    from pixian_batch.policy.stopping import Exit  # only for this trouble

    reason = system_word(results.trouble)
    full = results.trouble.errno in {errno.ENOSPC, errno.EDQUOT}
    hint = "make room there, or write them elsewhere" if full else "write them elsewhere"
    sys.stderr.write(f"error: standard output: {reason}; results are missing there\n  {hint}\n")
    _flushed(sys.stderr)
    return Exit.DISK if code in {Exit.OK, Exit.SOME_FAILED, Exit.IN_DOUBT, Exit.HOOK} else code


def _flushed(stream: TextIO) -> _Forgiving | None:
    with contextlib.suppress(ValueError):  # somebody closed it
        stream.flush()
        buffer = getattr(stream, "buffer", None)
        raw = getattr(buffer, "raw", buffer)
        return raw if isinstance(raw, _Forgiving) else None
    return None


def is_plain_file(path: str) -> bool:
    """Whether a file that is not there yet, or one that may be replaced; /dev/stdout is a stream, wherever it leads."""
    folder = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    if folder == "/dev" or folder.startswith("/proc/"):
        return False
    return not os.path.exists(path) or os.path.isfile(path)


def without_waiting(path: str, flags: int) -> int:
    """An `opener` that fails where nobody reads a pipe, in place of holding up the run."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
