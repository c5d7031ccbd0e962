"""Between preparing and sending: of a WebP, AVIF or HEIC photo the PNG or JPEG is made that is sent in its place.

It is made once for an image, however often it is sent, off the event loop, and before a worker is taken. Few pixels are
decoded at a time, and what was made waits on the disk, in a file without a name: so memory is bounded, however many
workers there are, and a killed process leaves nothing. The key, and with it the money, knows only the photo itself.

Proved by tests/cli/test_convert.py.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pixian_batch.adapters.reading import SMALL, ReadingError, converted, read_content, read_fingerprint
from pixian_batch.adapters.wire.source import BytesSource, FileSource, HeldSource
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.pipeline.pixel_room import PixelRoom
from pixian_batch.policy.progress import Level, Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.imaging.foreign import ForeignHeader
    from pixian_batch.pipeline.job import Job
    from pixian_batch.pipeline.stop_sign import StopSign


@dataclass(slots=True, kw_only=True)
class Converter:
    """`async with converter.ready(job) as ready`: the job as it can be sent, None when the run has stopped."""

    landing: Landing
    stop: StopSign
    notify: Callable[[Message], None]
    room: PixelRoom = field(default_factory=PixelRoom)

    @asynccontextmanager
    async def ready(self, job: Job) -> AsyncIterator[Job | None]:
        """What is made is gone behind it. Raises `ReadingError`, `SourceChangedError`, `DiskError`."""
        if job.conversion is None:
            yield job
            return
        async with self.room.turn(job.conversion.size.pixels):
            source = None if self.stop.up else await asyncio.to_thread(self._make, job, job.conversion)
        if source is None:
            yield None
            return
        try:
            for text in _remarks(job.conversion):
                self.notify(Message(Level.INFO, f"{job.input}: {text}"))
            yield replace(job, source=source)
        finally:
            if isinstance(source, HeldSource):
                source.file.close()

    def _make(self, job: Job, header: ForeignHeader) -> BytesSource | HeldSource:
        """Blocking."""
        content = converted(_photo(job), header)
        if len(content) <= SMALL:
            return BytesSource(content, header.target)
        return HeldSource(self.landing.hold(content), header.target, len(content))


def sample(path: str, *, convert: bool) -> FileSource | BytesSource:
    """A photo as a run would send it, to ask for its price. Blocking. Raises `ReadingError`."""
    seen = read_fingerprint(path, convert=convert)
    if seen.foreign is None:
        return FileSource(path, seen.probe.kind, (seen.stamp.size, seen.stamp.mtime_ns))
    photo = seen.content or read_content(path, seen.digest)
    if photo is None:
        raise ReadingError("changed", "changed while it was read", "run again when nobody writes to it")
    return BytesSource(converted(photo, seen.foreign), seen.foreign.target)


def _photo(job: Job) -> bytes:
    """The very bytes that the key knows."""
    match job.source:
        case BytesSource(content):
            return content
        case FileSource(path):
            content_again = read_content(path, job.key.digest)
            if content_again is None:
                raise SourceChangedError
            return content_again
        case other:
            raise TypeError(f"nothing is made of {type(other).__name__}")


def _remarks(header: ForeignHeader) -> list[str]:
    """What is to be known of it beside that it was converted."""
    texts = []
    if header.sequence:
        texts.append("has more pictures than one: the first is sent")
    if header.shrunk:
        sent = header.sent_size
        texts.append(
            f"{header.size.pixels / 1e6:.1f} megapixels, sent as {sent.width} x {sent.height}"
            f" ({sent.pixels / 1e6:.1f} megapixels): the service takes at most 32"
        )
    return texts
