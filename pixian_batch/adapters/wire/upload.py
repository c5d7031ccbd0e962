"""The multipart form that is sent: of a length known beforehand, streamed, never whole in memory."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from pixian_batch.adapters.wire.source import (
    Base64Source,
    BytesSource,
    FileSource,
    HeldSource,
    Source,
    UrlSource,
)
from pixian_batch.contract.params import Params, params_to_wire

if TYPE_CHECKING:
    from typing import BinaryIO

    from aiohttp.abc import AbstractStreamWriter

    from pixian_batch.adapters.wire.idle import IdleClock
    from pixian_batch.adapters.wire.trace import Trace
    from pixian_batch.contract.kinds import ForeignKind, Kind

_READ_BLOCK: Final = 256 * 1024
# A block is one step of the idle clock: small enough that a very slow uplink still shows movement.
_WRITE_BLOCK: Final = 64 * 1024
_READS_CACHED: Final = sys.platform == "linux" and hasattr(os, "RWF_NOWAIT")


@dataclass(frozen=True, slots=True)
class UploadForm:
    """The bytes of a multipart form: `head`, then the source's `content` (or file), then `tail`."""

    boundary: str
    head: bytes
    source: Source
    content: bytes
    tail: bytes

    @property
    def source_size(self) -> int:
        """Bytes of the image itself."""
        match self.source:
            case FileSource(stamp=(size, _)) | HeldSource(size=size):
                return size
            case _:
                return len(self.content)


def upload_form(source: Source, params: Params) -> UploadForm:
    """The form of one request for `source`."""
    boundary = uuid.uuid4().hex
    fields = "".join(_part(boundary, name, value=value) for name, value in params_to_wire(params))
    content = b""
    match source:
        case FileSource(kind=kind) | BytesSource(kind=kind) | HeldSource(kind=kind):
            head = _part(boundary, "image", kind=kind)
            content = source.content if isinstance(source, BytesSource) else b""
        case Base64Source(raw):
            head = _part(boundary, "image.base64", value=base64.b64encode(raw).decode(), end="")
        case UrlSource(url):
            head = _part(boundary, "image.url", value=url, end="")
    return UploadForm(
        boundary=boundary,
        head=(fields + head).encode("utf-8", "surrogateescape"),
        source=source,
        content=content,
        tail=f"\r\n--{boundary}--\r\n".encode(),
    )


def _part(
    boundary: str,
    name: str,
    *,
    value: str = "",
    kind: Kind | ForeignKind | None = None,
    end: str = "\r\n",
) -> str:
    """One part. An image part ends after its head; its file name says its kind and nothing of the user's."""
    about = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if kind is not None:
        return f'{about}; filename="image{kind.suffix}"\r\nContent-Type: {kind.media_type}\r\n\r\n'
    return f"{about}\r\n\r\n{value}{end}"


class MultipartPayload(aiohttp.Payload):
    """A form with one image, of a length known beforehand, streamed without ever being whole in memory.

    The last bytes leave only after the file was seen to be the announced one, to its end: a request
    about another file than the ledger knows is never completed.
    """

    _autoclose = False

    def __init__(self, form: UploadForm, trace: Trace, clock: IdleClock) -> None:
        super().__init__(None, content_type=f"multipart/form-data; boundary={form.boundary}")
        self._form = form
        self._trace = trace
        self._clock = clock
        self._size = len(form.head) + form.source_size + len(form.tail)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # the base's signature
        """Never: an upload is bytes, not text."""
        raise TypeError("an upload is bytes, not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the whole form; `possibly_complete` is set just before its last bytes."""
        form = self._form
        if isinstance(writer, aiohttp.http.StreamWriter) and writer.transport is not None:
            # Over TLS half a megabyte would wait in memory, twice: 30 MB for a hundred workers.
            writer.transport.set_write_buffer_limits(high=_WRITE_BLOCK)
        await self._hand_over(writer, form.head)
        if isinstance(form.source, FileSource):
            await self._write_file(writer, form.source)
        elif isinstance(form.source, HeldSource):
            await self._write_held(writer, form.source)
        else:
            await self._in_steps(writer, form.content)
        # From here on the service may have the whole request.
        self._trace.possibly_complete = True
        await self._hand_over(writer, form.tail)

    async def _write_file(self, writer: AbstractStreamWriter, source: FileSource) -> None:
        """Send the file; raises `SourceChangedError` when it is not the announced one."""
        block: bytes | memoryview
        stream, block = await asyncio.to_thread(_open_announced, source, self._trace)
        try:
            sent, size = 0, source.stamp[0]
            while block:
                await self._in_steps(writer, block)
                sent += len(block)
                # It was hashed a moment ago, so it is most often still in memory: then no thread is needed.
                block = _cached(stream, sent, size) or await self._waited_for(stream, sent, size)
            if sent < size or _stamp(stream) != source.stamp:
                raise self._trace.lose_source()
        finally:
            stream.close()

    async def _write_held(self, writer: AbstractStreamWriter, source: HeldSource) -> None:
        """Send a file that nobody else knows of; raises `SourceChangedError` when it cannot be read."""
        sent = 0
        while sent < source.size:
            cached = _cached(source.file, sent, source.size)
            block = cached or await self._waited_for(source.file, sent, source.size)
            if not block:
                raise self._trace.lose_source()
            await self._in_steps(writer, block)
            sent += len(block)

    async def _waited_for(self, stream: BinaryIO, at: int, size: int) -> bytes:
        try:
            return await asyncio.to_thread(_read, stream, at, size) if at < size else b""
        except OSError as error:  # of the disk, not of the wire
            raise self._trace.lose_source(error) from error

    async def _in_steps(self, writer: AbstractStreamWriter, content: bytes | memoryview) -> None:
        view = memoryview(content)  # a slice of bytes would be a copy
        for start in range(0, len(view), _WRITE_BLOCK):
            await self._hand_over(writer, view[start : start + _WRITE_BLOCK])

    async def _hand_over(self, writer: AbstractStreamWriter, block: bytes | memoryview) -> None:
        await writer.write(block)
        self._clock.moved(up=len(block))


def _open_announced(source: FileSource, trace: Trace) -> tuple[BinaryIO, bytes]:
    try:
        stream = open(source.path, "rb", buffering=0)  # noqa: SIM115  # closed by the caller
    except OSError as error:
        raise trace.lose_source(error) from error
    try:
        if _stamp(stream) == source.stamp:
            return stream, _read(stream, 0, source.stamp[0])
    except OSError as error:
        stream.close()
        raise trace.lose_source(error) from error
    stream.close()
    raise trace.lose_source()


def _read(stream: BinaryIO, at: int, size: int) -> bytes:
    """The next block of a file of `size` bytes; empty at its end. Blocking."""
    stream.seek(at)
    return stream.read(min(_READ_BLOCK, size - at))


def _cached(stream: BinaryIO, at: int, size: int) -> memoryview | None:
    """The next step of a file, if the system has it in memory; None at the end, or when it has to be waited for."""
    if not _READS_CACHED or at >= size:
        return None
    block = bytearray(min(_WRITE_BLOCK, size - at))
    try:
        return memoryview(block)[: os.preadv(stream.fileno(), [block], at, os.RWF_NOWAIT)]
    except OSError:  # not in memory, or a file system that cannot tell
        return None


def _stamp(stream: BinaryIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns
