"""What an image can be given as, and how it becomes what is sent. Reads local files; sends nothing."""

from __future__ import annotations

import asyncio
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pixian_batch.adapters.reading import ReadingError, read_fingerprint
from pixian_batch.adapters.wire.source import Base64Source, BytesSource, FileSource, UrlSource
from pixian_batch.contract.params import MAX_INPUT_PIXELS, Size
from pixian_batch.imaging.errors import UnreadableImageError
from pixian_batch.imaging.probe import Probe, check_complete, probe
from pixian_batch.library.errors import InputError

if TYPE_CHECKING:
    from typing import BinaryIO

    from pixian_batch.adapters.wire.source import Source as WireSource

_EXPORT = "open it in an image viewer and export it again as PNG or JPEG"


@dataclass(frozen=True, slots=True)
class File:
    """A local image file, sent as a binary part. It may not change while it is sent."""

    path: str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Bytes:
    """An image in memory, sent as a binary part."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Base64:
    """A small image in memory, sent as base64 text: at most 1 MB of text, 750 kB of image."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Url:
    """An image that the service fetches itself; it must be reachable from the internet."""

    url: str


Source: TypeAlias = str | os.PathLike[str] | bytes | File | Bytes | Base64 | Url
"""A path, the bytes of an image, an http(s) URL, or one of the explicit types."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image that was looked at and may be sent. probe: what its header says; None for a URL."""

    wire: WireSource
    probe: Probe | None

    @property
    def path(self) -> str | None:
        """Where a local file is."""
        return self.wire.path if isinstance(self.wire, FileSource) else None

    def open(self) -> BinaryIO:
        """The original's bytes once more. Raises OSError, also when the file is not the one that was sent."""
        if not isinstance(self.wire, FileSource):
            assert not isinstance(self.wire, UrlSource)  # noqa: S101  # via_delta refuses URLs before sending
            return io.BytesIO(self.wire.content)
        stream = open(self.wire.path, "rb")  # noqa: SIM115  # closed by the caller
        found = os.fstat(stream.fileno())
        if (found.st_size, found.st_mtime_ns) != self.wire.stamp:
            stream.close()
            raise OSError("the original changed after it was sent")
        return stream


def explicit(source: Source) -> File | Bytes | Base64 | Url:
    """What is meant by `source`. Raises TypeError."""
    match source:
        case File() | Bytes() | Base64() | Url():
            return source
        case str() if source.startswith(("http://", "https://")):
            return Url(source)
        case str() | os.PathLike():
            return File(source)
        case bytes():
            return Bytes(source)
        case _:
            raise TypeError(f"an image is a path, bytes or a URL, not {type(source).__name__}")


async def prepare(source: File | Bytes | Base64 | Url) -> Prepared:
    """Look at the image before anything is sent. Raises `InputError`."""
    match source:
        case Url(url):
            if not url.startswith(("http://", "https://")):
                raise InputError(f"{url!r} is no http(s) URL", hint="give a complete http or https URL")
            return Prepared(UrlSource(url), None)
        case File(path):
            return await asyncio.to_thread(_file, os.fspath(path))
        case Bytes(content):
            probe = await asyncio.to_thread(_probe, content)
            return Prepared(BytesSource(content, probe.kind), probe)
        case Base64(content):
            probe = await asyncio.to_thread(_probe, content)
            try:
                return Prepared(Base64Source(content), probe)
            except ValueError as error:
                raise InputError(str(error), hint="give the bytes themselves", code="too_large") from error


def _file(path: str) -> Prepared:
    try:
        seen = read_fingerprint(path)
    except ReadingError as error:
        raise InputError(f"{path}: {error}", hint=error.hint, code=error.code) from error
    _check_size(seen.probe.size)
    return Prepared(FileSource(path, seen.probe.kind, (seen.stamp.size, seen.stamp.mtime_ns)), seen.probe)


def _probe(content: bytes) -> Probe:

    stream = io.BytesIO(content)
    try:
        seen = probe(stream)
        check_complete(stream, seen.kind)
    except UnreadableImageError as error:
        raise InputError(str(error), hint=_EXPORT, code="unreadable") from error
    _check_size(seen.size)
    return seen


def _check_size(size: Size) -> None:
    if size.pixels > MAX_INPUT_PIXELS:
        raise InputError(
            f"{size.pixels / 1e6:.1f} megapixels; the service takes at most 32",
            hint="scale it down to at most 32 million pixels",
            code="too_large",
        )
