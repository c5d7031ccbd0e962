"""What an image can be given as, and how it becomes what is sent. Reads local files; sends nothing."""

from __future__ import annotations

import asyncio
import io
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pixian_batch.adapters.reading import ReadingError, converted, look_foreign, read_fingerprint
from pixian_batch.adapters.wire.source import Base64Source, BytesSource, FileSource, UrlSource
from pixian_batch.contract.params import MAX_INPUT_PIXELS, Size
from pixian_batch.imaging.errors import ForeignImageError, UnreadableImageError
from pixian_batch.imaging.probe import Probe, check_complete, probe
from pixian_batch.library.errors import InputError
from pixian_batch.policy.disk import system_word

if TYPE_CHECKING:
    from typing import BinaryIO

    from pixian_batch.adapters.wire.source import Source as WireSource
    from pixian_batch.imaging.foreign import ForeignHeader

_WITH_CONVERT = "say convert=True, which makes a PNG or JPEG of it here before it is sent"
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
    """An image that was looked at and may be sent. probe: what its header says; None for a URL.

    foreign: of a photo of which something else is made first, by `ready`; `wire` is the photo itself until then.
    """

    wire: WireSource
    probe: Probe | None
    foreign: ForeignHeader | None = None

    @property
    def path(self) -> str | None:
        """Where a local file is."""
        return self.wire.path if isinstance(self.wire, FileSource) else None

    def open(self) -> BinaryIO:
        """The original's bytes once more. Raises OSError, also when the file is not the one that was sent."""
        if not isinstance(self.wire, FileSource):
            # via_delta refuses URLs before sending, and nothing is held in a file here
            assert isinstance(self.wire, BytesSource | Base64Source)  # noqa: S101  # as said
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


async def prepare(source: File | Bytes | Base64 | Url, *, convert: bool = False) -> Prepared:
    """Look at the image before anything is sent. convert: it may be WebP, AVIF or HEIC. Raises `InputError`."""
    match source:
        case Url(url):
            if not url.startswith(("http://", "https://")):
                raise InputError(f"{url!r} is no http(s) URL", hint="give a complete http or https URL")
            return Prepared(UrlSource(url), None)
        case File(path):
            return await asyncio.to_thread(_file, os.fspath(path), convert=convert)
        case Bytes(content) | Base64(content) if convert and (found := await _foreign(content)):
            return Prepared(BytesSource(content, found.kind), found.probe, found)
        case Bytes(content):
            probe = await asyncio.to_thread(_probe, content)
            return Prepared(BytesSource(content, probe.kind), probe)
        case Base64(content):
            probe = await asyncio.to_thread(_probe, content)
            try:
                return Prepared(Base64Source(content), probe)
            except ValueError as error:
                raise InputError(str(error), hint="give the bytes themselves", code="too_large") from error


async def ready(prepared: Prepared) -> Prepared:
    """What is sent in its place, where it is a photo that the service does not take. Raises `InputError`."""
    foreign = prepared.foreign
    if foreign is None:
        return prepared
    try:
        content = await asyncio.to_thread(_converted, prepared, foreign)
    except ReadingError as error:
        named = f"{prepared.path}: " if prepared.path else ""
        raise InputError(f"{named}{error}", hint=error.hint, code=error.code) from error
    return replace(prepared, wire=BytesSource(content, foreign.target))


def _converted(prepared: Prepared, foreign: ForeignHeader) -> bytes:
    try:
        with prepared.open() as photo:
            content = photo.read()
    except OSError as error:
        reason = f"cannot be read any more: {system_word(error)}"
        raise ReadingError("changed", reason, "try again when nobody writes to it") from error
    return converted(content, foreign)


async def _foreign(content: bytes) -> ForeignHeader | None:
    """Of bytes, what `read_fingerprint` says of a file."""
    try:
        return await asyncio.to_thread(look_foreign, io.BytesIO(content))
    except ReadingError as error:
        raise InputError(str(error), hint=error.hint, code=error.code) from error


def _file(path: str, *, convert: bool) -> Prepared:
    try:
        seen = read_fingerprint(path, convert=convert)
    except ReadingError as error:
        hint = _WITH_CONVERT if _is_convertible(error.__cause__) else error.hint
        raise InputError(f"{path}: {error}", hint=hint, code=error.code) from error
    _check_size(seen.probe.size)
    kind = seen.foreign.kind if seen.foreign else seen.probe.kind
    return Prepared(FileSource(path, kind, (seen.stamp.size, seen.stamp.mtime_ns)), seen.probe, seen.foreign)


def _is_convertible(error: BaseException | None) -> bool:
    return isinstance(error, ForeignImageError) and error.convertible


def _probe(content: bytes) -> Probe:

    stream = io.BytesIO(content)
    try:
        seen = probe(stream)
        check_complete(stream, seen.kind)
    except UnreadableImageError as error:
        hint = _WITH_CONVERT if _is_convertible(error) else _EXPORT
        raise InputError(str(error), hint=hint, code="unreadable") from error
    _check_size(seen.size)
    return seen


def _check_size(size: Size) -> None:
    if size.pixels > MAX_INPUT_PIXELS:
        raise InputError(
            f"{size.pixels / 1e6:.1f} megapixels; the service takes at most 32",
            hint="scale it down to at most 32 million pixels",
            code="too_large",
        )
