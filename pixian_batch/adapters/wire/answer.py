"""An answer whose head is here, and its body as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from pixian_batch.adapters.wire.trace import WireError
from pixian_batch.adapters.wire.unpacking import PackedError, Unpacker
from pixian_batch.adapters.wire.wording import words_for
from pixian_batch.contract.errors import MAX_ERROR_BYTES, ApiError, read_error
from pixian_batch.contract.headers import read_retry_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from pixian_batch.adapters.wire.idle import IdleClock
    from pixian_batch.adapters.wire.trace import Trace


class Answer:
    """An answer whose head is here: its body is read by `blocks` (a result) or `error` (anything else)."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        trace: Trace,
        clock: IdleClock,
        redacted: Callable[[bytes], bytes],
    ) -> None:
        self._response = response
        self._redacted = redacted
        self._trace = trace
        self._clock = clock
        self._unpacker = Unpacker(response.headers.get("Content-Encoding", ""))

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers."""
        return self._response.headers

    @property
    def media_type(self) -> str:
        """The announced kind of the body, e.g. `image/png`, and how it is packed where that was not understood."""
        packed = self._unpacker.unknown
        return (
            f"{self._response.content_type} packed with {packed}" if packed else self._response.content_type
        )

    @property
    def length(self) -> int | None:
        """The announced length of the body in bytes; None also when it is packed."""
        return self._response.content_length if not self._unpacker.encoding else None

    @property
    def retry_after(self) -> float | None:
        """Seconds the service asks to wait."""
        return read_retry_after(self._response.headers)

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `WireError` when it breaks off."""
        iterator = self._response.content.iter_any()
        while True:
            try:
                block = await anext(iterator, b"")
            except (aiohttp.ClientError, OSError) as error:
                if unread := _unread(self._response.content):
                    for part in self._unpacked(unread):
                        yield part  # it may have been paid for
                raise WireError(f"the answer broke off: {words_for(error)}") from error
            if not block:
                break
            self._clock.moved(down=len(block))
            for part in self._unpacked(block):
                yield part
        for part in self._unpacked(b""):
            yield part
        self._trace.whole = True

    def _unpacked(self, block: bytes) -> Iterator[bytes]:
        """The block without what a proxy packed it in; an empty one is the end."""
        try:
            yield from self._unpacker.feed(block) if block else self._unpacker.end()
        except PackedError as error:
            raise WireError(str(error)) from error

    async def error(self) -> ApiError:
        """The error that the body describes, as far as it can be read. Never raises for a broken body."""
        body = bytearray()
        try:
            async for block in self.blocks():
                body += block
                if len(body) > MAX_ERROR_BYTES:
                    break
        except WireError:
            pass  # the status is what counts; a cut message is still a message
        return read_error(self.status, self._redacted(bytes(body)))


def _unread(content: aiohttp.StreamReader) -> bytes:
    """What had come before a connection broke. aiohttp's public methods only tell of the break."""
    read = getattr(content, "_read_nowait", None)
    return bytes(read(-1)) if read is not None else b""
