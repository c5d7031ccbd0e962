"""One local input file -> its fingerprint: content hash, size, time, kind, pixels. Blocking; no network.

The hash is of the bytes (BLAKE3); the picture is only probed, never decoded. A photo of which something else is made
before it is sent (`--convert`) is hashed as it is, too: what is made of it may change with a library, it may not.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import file_digest
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from pixian_batch.contract.kinds import ForeignKind
from pixian_batch.contract.params import MAX_INPUT_PIXELS
from pixian_batch.imaging.errors import (
    DecoderMissingError,
    ForeignImageError,
    TooManyPixelsError,
    UnreadableImageError,
)
from pixian_batch.imaging.exif import date_taken
from pixian_batch.imaging.foreign import MOST_DECODED, ForeignHeader, foreign_header
from pixian_batch.imaging.probe import Probe, check_complete, probe
from pixian_batch.policy.disk import reading_hint, system_word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


SMALL: Final = 256 * 1024
"""Bytes of a photo that is held in memory from when it is read until it is sent."""
_BUFFER: Final = 64 * 1024
_EXPORT: Final = "open it in an image viewer and export it again"
_WITH_CONVERT: Final = "add --convert, which makes a PNG or JPEG of it here before it is sent"
_NO_HEIC: Final = "HEIC photos are decoded by pillow-heif, which is not installed"
_GET_HEIC: Final = "pip install 'pixian-batch[heic]' (pipx: pipx inject pixian-batch pillow-heif)"


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
    """A local image: what it is and which bytes it is made of. content: the bytes themselves, of a small one.

    foreign: of a photo of which something else is made before it is sent; `probe` is of that then.
    """

    stamp: Stamp
    digest: bytes
    probe: Probe
    content: bytes | None = None
    foreign: ForeignHeader | None = None


def probe_file(path: str, *, convert: bool = False) -> tuple[int, int]:
    """Bytes of the file at `path`, and pixels of what is sent of it, from its header.

    Raises `ReadingError` as `read_fingerprint`.
    """
    with _opened(path) as stream:
        header, _foreign = _look(stream, convert=convert)
        return os.fstat(stream.fileno()).st_size, header.size.pixels


def read_fingerprint(
    path: str, *, known: tuple[Stamp, bytes] | None = None, convert: bool = False
) -> Fingerprint:
    """The fingerprint of the file at `path`; a large one is hashed only when `known` does not fit its stamp.

    convert: also of a WebP, AVIF or HEIC photo.
    Raises `ReadingError` when the file cannot be read, is no image the service reads, is cut off, or has
    more pixels than the service takes; all that is noticed before a byte is hashed.
    """
    with _opened(path, buffering=_BUFFER) as stream:
        status = os.fstat(stream.fileno())
        stamp = Stamp(status.st_size, status.st_mtime_ns)
        if stamp.size <= SMALL:  # read once: what was looked at and hashed is what will be sent
            content = stream.read()
            probe, foreign = _look(BytesIO(content), convert=convert)
            return Fingerprint(stamp, blake3(content).digest(), probe, content, foreign=foreign)
        probe, foreign = _look(stream, convert=convert)
        if known is not None and known[0] == stamp:
            return Fingerprint(stamp, known[1], probe, foreign=foreign)
        stream.seek(0)
        digest = file_digest(stream, blake3).digest()  # type: ignore[arg-type]  # it has all that is used
        return Fingerprint(stamp, digest, probe, foreign=foreign)


def read_content(path: str, digest: bytes) -> bytes | None:
    """All bytes of the file at `path`; None when they are not those of `digest` any more. Raises `ReadingError`."""
    with _opened(path) as stream:
        content = stream.read()
    return content if blake3(content).digest() == digest else None


def converted(photo: bytes, header: ForeignHeader) -> bytes:
    """What is sent in place of the bytes of a photo that was seen to be `foreign`. Raises `ReadingError`."""
    from pixian_batch.imaging.converting import convert  # Pillow, only where something is made

    with _in_our_words():
        return convert(BytesIO(photo), header)


def _look(stream: BinaryIO, *, convert: bool) -> tuple[Probe, ForeignHeader | None]:
    """What is sent, and of what it is made where that is something else."""
    foreign = _foreign(stream) if convert else None
    return (_probe(stream) if foreign is None else foreign.probe), foreign


def look_foreign(stream: BinaryIO) -> ForeignHeader | None:
    """The header of a photo in memory of which something else is made. Raises `ReadingError`."""
    with _in_our_words():
        return _foreign(stream)


def _foreign(stream: BinaryIO) -> ForeignHeader | None:
    """The same, and None for other kinds; that it cannot be decoded here is known before anything is sent."""
    foreign = foreign_header(stream)
    if foreign is not None and foreign.kind is ForeignKind.HEIC and not has_heic():
        raise DecoderMissingError(_NO_HEIC, _GET_HEIC)
    return foreign


@cache
def has_heic() -> bool:
    """Whether the extra is there; it is not loaded for the question."""
    return find_spec("pillow_heif") is not None


def content_hash(path: str) -> bytes:
    """The hash of the bytes at `path`; of one that cannot be read, that of its path, so that each has its own."""
    try:
        return hash_of(path)
    except ReadingError:
        return blake3(os.fsencode(path)).digest()


def hash_of(path: str) -> bytes:
    """The hash of the bytes at `path`, whatever they are. Raises `ReadingError`."""
    with _opened(path, buffering=_BUFFER) as stream:
        return file_digest(stream, blake3).digest()  # type: ignore[arg-type]  # it has all that is used


def starts_with(path: str, head: bytes) -> bool:
    """Whether these are the first bytes at `path`. Raises `ReadingError`."""
    with _opened(path) as stream:
        return stream.read(len(head)) == head


def date_of(path: str) -> tuple[int, int, int, int, int, int]:
    """When the photo at `path` was taken: what its EXIF says, else when the file was last changed, in local time.

    Year to second. Of what cannot be read, some date: who needs its pixels tells what is wrong.
    """
    try:
        with _opened(path) as stream:
            changed = datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime)  # noqa: DTZ006  # as EXIF has it
            usual = (changed.year, changed.month, changed.day, changed.hour, changed.minute, changed.second)
            return date_taken(stream) or usual
    except (ReadingError, OverflowError, ValueError):
        return 1970, 1, 1, 0, 0, 0


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
def _in_our_words() -> Iterator[None]:
    """What is wrong with a picture, as `ReadingError`."""
    try:
        yield
    except UnreadableImageError as error:
        convertible = isinstance(error, ForeignImageError) and error.convertible
        raise ReadingError("unreadable", str(error), _WITH_CONVERT if convertible else _EXPORT) from error
    except TooManyPixelsError as error:
        megapixels, most = error.size.pixels / 1e6, MOST_DECODED / 1e6
        text = f"{megapixels:.1f} megapixels; at most {most:.0f} are decoded here"
        raise ReadingError("too_large", text, "scale it down to at most 32 million pixels") from error
    except DecoderMissingError as error:
        raise ReadingError("no_decoder", str(error), error.hint) from error


@contextmanager
def _opened(path: str, *, buffering: int = -1) -> Iterator[BinaryIO]:
    """The file at `path`; what goes wrong while it is open is a `ReadingError`."""
    try:
        with open(path, "rb", opener=_open_regular, buffering=buffering) as stream, _in_our_words():
            yield stream
    except OSError as error:
        message = f"cannot be read: {system_word(error)}"
        raise ReadingError("unreadable", message, reading_hint(error)) from error


def _open_regular(path: str, flags: int) -> int:
    """Open a file, never a pipe: that would wait for somebody to write."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ReadingError("not_a_file", "is not a file", "name a photo or a folder")
    return descriptor
