"""The HTTP client of the Pixian.AI API: the one place where aiohttp meets the wire.

It reports facts (`Trace`) and leaves every decision about money and retries to others. aiohttp's own
exceptions never leave: they are the `__cause__` of a `WireError`.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import base64
import os
import socket
import sys
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, TypeAlias

import aiohttp
from yarl import URL

from pixian_batch import __version__
from pixian_batch.contract import address
from pixian_batch.contract.errors import MAX_ERROR_BYTES, ApiError, read_error
from pixian_batch.contract.headers import read_retry_after
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import MAX_BASE64_CHARS, Params, params_to_wire
from pixian_batch.policy.verdict import Exchange

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping
    from io import FileIO
    from types import TracebackType
    from typing import Self

    from aiohttp.abc import AbstractStreamWriter

DEFAULT_API_URL: Final = address.DEFAULT_API_URL
DEFAULT_IDLE_TIMEOUT: Final = 180.0
_CONNECT_TIMEOUT: Final = 30.0
# Shorter than any common server's keep-alive, so that a request rarely meets a connection that the other
# end is just closing: such a request would be in doubt.
_KEEPALIVE: Final = 4.0
_READ_BLOCK: Final = 256 * 1024
# A block is one step of the idle clock: small enough that a very slow uplink still shows movement.
_WRITE_BLOCK: Final = 64 * 1024
_SEND_BUFFER: Final = 256 * 1024
_TLS_BLOCK: Final = 64 * 1024
_READS_CACHED: Final = sys.platform == "linux" and hasattr(os, "RWF_NOWAIT")
_MAX_REDIRECTS: Final = 3
_SHORTEST_SECRET: Final = 8
"""Shorter ones are nobody's secret, and would be found in ordinary words."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The API id and secret. The secret never shows in a `repr`, a log or a traceback."""

    api_id: str
    secret: str

    def basic(self) -> str:
        """The value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.api_id}:{self.secret}".encode()).decode()

    def redacted(self, body: bytes) -> bytes:
        """`body` without the secret: a service or a proxy may repeat what it was sent."""
        for text in (self.secret, self.basic().removeprefix("Basic ")):
            if len(text) >= _SHORTEST_SECRET:
                body = body.replace(text.encode(), b"[secret]")
        return body

    def __repr__(self) -> str:
        return f"Credentials(api_id={self.api_id!r}, secret=…)"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A local image. `stamp` (size, mtime_ns): the file must still be just this while it is sent."""

    path: str
    kind: Kind
    stamp: tuple[int, int]


@dataclass(frozen=True, slots=True)
class BytesSource:
    """An image in memory, sent as a binary part."""

    content: bytes
    kind: Kind


@dataclass(frozen=True, slots=True)
class Base64Source:
    """A small image in memory, sent as base64 text of at most 1 MB."""

    content: bytes

    def __post_init__(self) -> None:
        if (len(self.content) + 2) // 3 * 4 > MAX_BASE64_CHARS:
            raise ValueError(f"base64 of at most {MAX_BASE64_CHARS:,} characters: send the image as binary")


@dataclass(frozen=True, slots=True)
class UrlSource:
    """An image that the service fetches itself."""

    url: str


Source: TypeAlias = FileSource | BytesSource | Base64Source | UrlSource


def use_small_tls_buffers() -> None:
    """Make asyncio read TLS in steps of 64 KiB, not 256: 60 MB less for a hundred workers, at the same speed.

    For the process that is ours alone: it holds for all its connections, since asyncio has no setting for one.
    """
    if hasattr(asyncio.sslproto.SSLProtocol, "max_size"):
        asyncio.sslproto.SSLProtocol.max_size = _TLS_BLOCK


class WireError(Exception):
    """The wire broke, or stood still for too long. What is known of the exchange is in its `Trace`."""


class SourceChangedError(Exception):
    """The local file is not the one that was announced. Its request was never completed."""


@dataclass(slots=True)
class Trace:
    """The facts of one exchange, filled in as they happen."""

    possibly_complete: bool = False
    status: int | None = None
    whole: bool = False
    source_changed: bool = False

    def exchange(self, *, as_asked: bool = False) -> Exchange:
        """The facts as the verdict wants them."""
        return Exchange(self.possibly_complete, self.status, whole=self.whole, as_asked=as_asked)


class _IdleClock:
    """Ends the exchange when no byte has moved, in either direction, for `limit` seconds.

    A moved byte only leaves its time behind: the timer looks at it when it rings, and is not set anew for
    each of the thousands of blocks of a large photo.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._latest = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.timeout = asyncio.timeout(None)
        self.aborted = False

    def start(self) -> None:
        """From now on, inside `timeout`, bytes have to move."""
        self._latest = self._loop.time()
        self._timer = self._loop.call_at(self._latest + self._limit, self._look)

    def stop(self) -> None:
        """The exchange is over."""
        if self._timer is not None:
            self._timer.cancel()

    def moved(self) -> None:
        """A byte moved."""
        self._latest = self._loop.time()

    def abort(self) -> None:
        """End the exchange now: the same way out, so that its facts are kept."""
        self.aborted = True
        self._ring()

    def _look(self) -> None:
        due = self._latest + self._limit
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._ring()

    def _ring(self) -> None:
        if not self.timeout.expired():
            self.timeout.reschedule(self._loop.time())


class _Multipart(aiohttp.Payload):
    """A form with one image, of a length known beforehand, streamed without ever being whole in memory.

    The last bytes leave only after the file was seen to be the announced one, to its end: a request
    about another file than the ledger knows is never completed.
    """

    _autoclose = False

    def __init__(self, form: _Form, trace: Trace, clock: _IdleClock) -> None:
        super().__init__(None, content_type=f"multipart/form-data; boundary={form.boundary}")
        self._form = form
        self._trace = trace
        self._clock = clock
        self._size = len(form.head) + form.source_size + len(form.tail)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # the base's signature
        raise TypeError("an upload is bytes, not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        form = self._form
        if isinstance(writer, aiohttp.http.StreamWriter) and writer.transport is not None:
            # Over TLS half a megabyte would wait in memory, twice: 30 MB for a hundred workers.
            writer.transport.set_write_buffer_limits(high=_WRITE_BLOCK)
        await self._hand_over(writer, form.head)
        if isinstance(form.source, FileSource):
            await self._write_file(writer, form.source)
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
                self._trace.source_changed = True
                raise SourceChangedError(source.path)
        finally:
            stream.close()

    async def _waited_for(self, stream: FileIO, at: int, size: int) -> bytes:
        return await asyncio.to_thread(_read, stream, at, size) if at < size else b""

    async def _in_steps(self, writer: AbstractStreamWriter, content: bytes | memoryview) -> None:
        view = memoryview(content)  # a slice of bytes would be a copy
        for start in range(0, len(view), _WRITE_BLOCK):
            await self._hand_over(writer, view[start : start + _WRITE_BLOCK])

    async def _hand_over(self, writer: AbstractStreamWriter, block: bytes | memoryview) -> None:
        await writer.write(block)
        self._clock.moved()


def _open_announced(source: FileSource, trace: Trace) -> tuple[FileIO, bytes]:
    try:
        stream = open(source.path, "rb", buffering=0)  # noqa: SIM115  # closed by the caller
    except OSError as error:
        trace.source_changed = True
        raise SourceChangedError(source.path) from error
    if _stamp(stream) != source.stamp:
        trace.source_changed = True
        stream.close()
        raise SourceChangedError(source.path)
    return stream, _read(stream, 0, source.stamp[0])


def _read(stream: FileIO, at: int, size: int) -> bytes:
    """The next block of a file of `size` bytes; empty at its end. Blocking."""
    stream.seek(at)
    return stream.read(min(_READ_BLOCK, size - at))


def _cached(stream: FileIO, at: int, size: int) -> memoryview | None:
    """The next step of a file, if the system has it in memory; None at the end, or when it has to be waited for."""
    if not _READS_CACHED or at >= size:
        return None
    block = bytearray(min(_WRITE_BLOCK, size - at))
    try:
        return memoryview(block)[: os.preadv(stream.fileno(), [block], at, os.RWF_NOWAIT)]
    except OSError:  # not in memory, or a file system that cannot tell
        return None


def _stamp(stream: FileIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True, slots=True)
class _Form:
    """The bytes of a multipart form: `head`, then the source's `content` (or file), then `tail`."""

    boundary: str
    head: bytes
    source: Source
    content: bytes
    tail: bytes

    @property
    def source_size(self) -> int:
        return self.source.stamp[0] if isinstance(self.source, FileSource) else len(self.content)


def _form(source: Source, params: Params) -> _Form:
    boundary = uuid.uuid4().hex
    fields = "".join(_part(boundary, name, value=value) for name, value in params_to_wire(params))
    content = b""
    match source:
        case FileSource(kind=kind) | BytesSource(kind=kind):
            head = _part(boundary, "image", kind=kind)
            content = source.content if isinstance(source, BytesSource) else b""
        case Base64Source(raw):
            head = _part(boundary, "image.base64", value=base64.b64encode(raw).decode(), end="")
        case UrlSource(url):
            head = _part(boundary, "image.url", value=url, end="")
    return _Form(
        boundary,
        (fields + head).encode("utf-8", "surrogateescape"),
        source,
        content,
        f"\r\n--{boundary}--\r\n".encode(),
    )


def _part(boundary: str, name: str, *, value: str = "", kind: Kind | None = None, end: str = "\r\n") -> str:
    """One part. An image part ends after its head; its file name says its kind and nothing of the user's."""
    about = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if kind is not None:
        return f'{about}; filename="image{kind.suffix}"\r\nContent-Type: {kind.media_type}\r\n\r\n'
    return f"{about}\r\n\r\n{value}{end}"


class Answer:
    """An answer whose head is here: its body is read by `blocks` (a result) or `error` (anything else)."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        trace: Trace,
        clock: _IdleClock,
        redacted: Callable[[bytes], bytes],
    ) -> None:
        self._response = response
        self._redacted = redacted
        self._trace = trace
        self._clock = clock

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
        """The announced kind of the body, e.g. `image/png`."""
        return self._response.content_type

    @property
    def length(self) -> int | None:
        """The announced length of the body in bytes."""
        return self._response.content_length

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
                    yield unread  # it may have been paid for
                raise WireError(f"the answer broke off: {_said(error)}") from error
            if not block:
                break
            self._clock.moved()
            yield block
        self._trace.whole = True

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


@dataclass(frozen=True, slots=True)
class Account:
    """What the service says about the account. credits: None when it says none that is readable."""

    credit_pack: str | None
    state: str | None
    use_before: str | None
    credits: Decimal | None


class PixianWire:
    """One session with the service: keep-alive connections, credentials, certificate checks, proxies.

    Use as an async context manager. `connections`: how many requests may be out at once. `tls`: a context
    of one's own (a private certificate authority); by default the system's certificates are trusted.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        api_url: str = DEFAULT_API_URL,
        idle_timeout: float = DEFAULT_IDLE_TIMEOUT,
        connections: int = 100,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._clocks: set[_IdleClock] = set()
        self._aborted = False
        self._base = URL(api_url.rstrip("/"))
        self._credentials = credentials
        self._idle = idle_timeout
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            keepalive_timeout=_KEEPALIVE,
            ssl=self._tls or True,
            socket_factory=_socket_with_little_backlog,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            middlewares=(_signing(self._credentials),),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT),
            # Bodies are kept as they come: one that a helpful server packed could not be read.
            headers={"User-Agent": f"pixian-batch/{__version__}", "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=not _is_loopback(self._base),  # proxies of the environment, never for our own emulator
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def remove_background(self, source: Source, params: Params, trace: Trace) -> AsyncIterator[Answer]:
        """Send one request; gives the answer as soon as its head is here.

        Raises `WireError` when no answer came, and `SourceChangedError`; the facts are in `trace`.
        """
        form = _form(source, params)
        async with self._exchange("POST", "remove-background", trace, form) as answer:
            yield answer

    @asynccontextmanager
    async def probe_credentials(self, trace: Trace) -> AsyncIterator[Answer]:
        """The free request that tells whether credentials are good: no image, so 400 means yes."""
        form = _Form("none", b"", BytesSource(b"", Kind.PNG), b"", b"--none--\r\n")
        async with self._exchange("POST", "remove-background", trace, form) as answer:
            yield answer

    def abort(self) -> None:
        """End all exchanges that are under way: each ends with a `WireError` and its facts. No new ones begin."""
        self._aborted = True
        for clock in tuple(self._clocks):
            clock.abort()

    async def account(self) -> Account | ApiError:
        """The account. Raises `WireError`."""
        trace = Trace()
        async with self._exchange("GET", "account", trace, None) as answer:
            if answer.status != 200:  # noqa: PLR2004  # OK
                return await answer.error()
            body = b"".join([block async for block in answer.blocks()])
        return _read_account(body)

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, trace: Trace, form: _Form | None
    ) -> AsyncIterator[Answer]:
        if self._aborted:
            raise WireError("stopped before it was sent")
        clock = _IdleClock(self._idle)
        self._clocks.add(clock)
        response: aiohttp.ClientResponse | None = None
        try:
            async with clock.timeout:
                clock.start()
                response = await self._follow(
                    method, self._base / path, trace, lambda: _Multipart(form, trace, clock) if form else None
                )
                clock.moved()
                trace.status = response.status
                yield Answer(response, trace, clock, self._credentials.redacted)
                response.release()
        except TimeoutError as error:
            if not clock.timeout.expired():
                raise
            raise WireError("stopped" if clock.aborted else f"no byte moved for {self._idle:g} s") from error
        finally:
            clock.stop()
            self._clocks.discard(clock)
            if response is not None:
                response.close()  # does nothing after a release; else the connection cannot be used again

    async def _follow(
        self, method: str, url: URL, trace: Trace, body: Callable[[], _Multipart | None]
    ) -> aiohttp.ClientResponse:
        """Send, and follow redirects that stay with the same scheme, host and port.

        Only 307 and 308 repeat a POST; credentials are never sent elsewhere.
        """
        for _hop in range(_MAX_REDIRECTS):
            response = await self._send(method, url, trace, body())
            target = _same_origin_target(url, response)
            if target is None:
                return response
            response.close()
            url, trace.possibly_complete = target, False
        return await self._send(method, url, trace, body())

    async def _send(
        self, method: str, url: URL, trace: Trace, body: _Multipart | None
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("use PixianWire as a context manager")
        try:
            return await self._session.request(method, url, data=body, allow_redirects=False)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if trace.source_changed:
                raise SourceChangedError("the file changed while it was being sent") from error
            raise WireError(_said(error)) from error


def _socket_with_little_backlog(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that takes little more than it can send.

    By default it takes megabytes: on a slow line shared by many uploads they leave for minutes after the
    last write, unseen by the idle clock, and a request that is still on its way would count as in doubt.
    """
    family, kind, protocol, _name, _address = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return made


def _signing(credentials: Credentials) -> aiohttp.ClientMiddlewareType:
    """Signs every request, last of all: with a plain header an entry in the user's netrc would be an error."""

    async def sign(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers["Authorization"] = credentials.basic()
        return await handler(request)

    return sign


def _same_origin_target(url: URL, response: aiohttp.ClientResponse) -> URL | None:
    if response.status not in {307, 308} or "Location" not in response.headers:
        return None
    try:
        target = url.join(URL(response.headers["Location"]))
    except ValueError:
        return None
    return target if target.origin() == url.origin() else None


def _is_loopback(url: URL) -> bool:
    return url.host in {"127.0.0.1", "::1", "localhost"}


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _read_account(body: bytes) -> Account:
    import json  # noqa: PLC0415  # only this command needs it

    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    try:
        credits_left = Decimal(str(said["credits"]))
    except (KeyError, InvalidOperation):
        credits_left = None
    return Account(
        credit_pack=_text(said.get("creditPack")),
        state=_text(said.get("state")),
        use_before=_text(said.get("useBefore")),
        credits=credits_left,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
