"""One local input file -> its fingerprint: content hash, size, time, kind, pixels. Blocking; no network.

The hash is of the bytes (BLAKE3); the picture is only probed, never decoded.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from io import BytesIO
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from pixian_batch.contract.params import MAX_INPUT_PIXELS
from pixian_batch.imaging.errors import UnreadableImageError
from pixian_batch.imaging.probe import Probe, check_complete, probe
from pixian_batch.policy.disk import reading_hint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


SMALL: Final = 256 * 1024
"""Bytes of a photo that is held in memory from when it is read until it is sent."""
_BUFFER: Final = 64 * 1024


class ReadingError(Exception):
    """A file that cannot be an input: `code` is one of our words, `hint` what to do about it."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells cheaply that a file is still the same: bytes and nanoseconds."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A local image: what it is and which bytes it is made of. content: the bytes themselves, of a small one."""

    stamp: Stamp
    digest: bytes
    probe: Probe
    content: bytes | None = None


def probe_file(path: str) -> tuple[int, int]:
    """Size in bytes and pixels of the image at `path`, from its header. Raises `ReadingError` as `read_fingerprint`."""
    with _opened(path) as stream:
        pixels = _probe(stream).size.pixels
        return os.fstat(stream.fileno()).st_size, pixels


def read_fingerprint(path: str, *, known: tuple[Stamp, bytes] | None = None) -> Fingerprint:
    """The fingerprint of the file at `path`; a large one is hashed only when `known` does not fit its stamp.

    Raises `ReadingError` when the file cannot be read, is no image the service reads, is cut off, or has
    more pixels than the service takes; all that is noticed before a byte is hashed.
    """
    with _opened(path, buffering=_BUFFER) as stream:
        status = os.fstat(stream.fileno())
        stamp = Stamp(status.st_size, status.st_mtime_ns)
        if stamp.size <= SMALL:  # read once: what was looked at and hashed is what will be sent
            content = stream.read()
            probe = _probe(BytesIO(content))
            return Fingerprint(stamp, blake3(content).digest(), probe, content)
        probe = _probe(stream)
        if known is not None and known[0] == stamp:
            return Fingerprint(stamp, known[1], probe)
        stream.seek(0)
        digest = file_digest(stream, blake3).digest()  # type: ignore[arg-type]  # it has all that is used
        return Fingerprint(stamp, digest, probe)


def _probe(stream: BinaryIO) -> Probe:
    """What the header says, of a whole picture that is not too large."""
    header = probe(stream)
    if header.size.pixels > MAX_INPUT_PIXELS:
        raise ReadingError(
            "too_large",
            f"{header.size.pixels / 1e6:.1f} megapixels; the service takes at most 32",
            "scale it down to at most 32 million pixels",
        )
    check_complete(stream, header.kind)
    return header


@contextmanager
def _opened(path: str, *, buffering: int = -1) -> Iterator[BinaryIO]:
    """The file at `path`; what goes wrong while it is open is a `ReadingError`."""
    try:
        with open(path, "rb", opener=_open_regular, buffering=buffering) as stream:
            yield stream
    except UnreadableImageError as error:
        raise ReadingError(
            "unreadable", str(error), "open it in an image viewer and export it again"
        ) from error
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise ReadingError("unreadable", message, reading_hint(error)) from error


def _open_regular(path: str, flags: int) -> int:
    """Open a file, never a pipe: that would wait for somebody to write."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ReadingError("not_a_file", "is not a file", "name a photo or a folder")
    return descriptor
