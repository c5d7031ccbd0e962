"""One session with the service: keep-alive connections, credentials, certificate checks, proxies."""

from __future__ import annotations

import asyncio.sslproto
import socket
from base64 import b64encode
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from pixian_batch import __version__
from pixian_batch.adapters.wire.answer import Answer
from pixian_batch.adapters.wire.idle import IdleClock, Traffic
from pixian_batch.adapters.wire.proxy import find_proxy
from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.adapters.wire.trace import SourceChangedError, StoppedError, Trace, WireError, WireFact
from pixian_batch.adapters.wire.upload import MultipartPayload, UploadForm, upload_form
from pixian_batch.adapters.wire.wording import words_for
from pixian_batch.contract.account import Account, read_account
from pixian_batch.contract.address import DEFAULT_API_URL
from pixian_batch.contract.headers import MAX_RETRY_AFTER, read_retry_after
from pixian_batch.contract.kinds import Kind

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from types import SimpleNamespace, TracebackType
    from typing import Self

    from pixian_batch.adapters.wire.proxy import Proxy
    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.contract.account import Credentials
    from pixian_batch.contract.errors import ApiError
    from pixian_batch.contract.params import Params

DEFAULT_IDLE_TIMEOUT: Final = 180.0
_CONNECT_TIMEOUT: Final = 30.0
# Shorter than any common server's keep-alive, so that a request rarely meets a connection that the other
# end is just closing: such a request would be in doubt.
_KEEPALIVE: Final = 4.0
_KEPT_DEATHS: Final = 2
"""So many deaths of kept connections, each with a request that may be charged, are the other end's habit."""
_SEND_BUFFER: Final = 256 * 1024
_TLS_BLOCK: Final = 64 * 1024
_MAX_REDIRECTS: Final = 3


def use_small_tls_buffers() -> None:
    """Make asyncio read TLS in steps of 64 KiB, not 256: 60 MB less for a hundred workers, at the same speed.

    For the process that is ours alone: it holds for all its connections, since asyncio has no setting for one.
    """
    if hasattr(asyncio.sslproto.SSLProtocol, "max_size"):
        asyncio.sslproto.SSLProtocol.max_size = _TLS_BLOCK


class WireSession:
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
        self._clocks: set[IdleClock] = set()
        self.traffic = Traffic()
        """What has moved so far."""
        self._aborted = False
        self._base = URL(api_url.rstrip("/"))
        self._credentials = credentials
        self._idle = idle_timeout
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._retired: aiohttp.ClientSession | None = None
        self._kept_deaths = 0
        self._proxy: Proxy | None = None
        self._proxy_headers: dict[str, str] | None = None
        self.on_fact: Callable[[WireFact], None] = lambda _: None
        """Called when something shows that holds for all requests, once for each."""
        self._facts: set[WireFact] = set()

    @property
    def host(self) -> str:
        """Who is asked, as people know it: the host, and the port where it is not the usual one."""
        return self._base.host_port_subcomponent or str(self._base)

    async def __aenter__(self) -> Self:
        """Raises `ProxyError` when the environment names a proxy that cannot be used."""
        self._proxy = find_proxy(str(self._base))
        self._proxy_headers = _proxy_headers(self._proxy)
        self._session = self._open(keeping=True)
        return self

    def _open(self, *, keeping: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            ssl=self._tls or True,
            socket_factory=_socket_with_little_backlog,
            **{"keepalive_timeout": _KEEPALIVE} if keeping else {"force_close": True},
        )
        return aiohttp.ClientSession(
            connector=connector,
            middlewares=(_signing(self._credentials),),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT),
            # Bodies are asked for as they are; one that a proxy packs all the same is unpacked by us, within bounds.
            headers={"User-Agent": f"pixian-batch/{__version__}", "Accept-Encoding": "identity"},
            auto_decompress=False,
            proxy=self._proxy.address if self._proxy else None,
            trace_configs=[_tracing_reuse()],
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for session in (self._session, self._retired):
            if session is not None:
                await session.close()

    @asynccontextmanager
    async def remove_background(self, source: Source, params: Params, trace: Trace) -> AsyncIterator[Answer]:
        """Send one request; gives the answer as soon as its head is here.

        Raises `WireError` when no answer came, and `SourceChangedError`; the facts are in `trace`.
        """
        form = upload_form(source, params)
        async with self._exchange("POST", "remove-background", trace, form) as answer:
            yield answer

    @asynccontextmanager
    async def probe_credentials(self, trace: Trace) -> AsyncIterator[Answer]:
        """The free request that tells whether credentials are good: no image, so 400 means yes."""
        form = UploadForm(
            boundary="none",
            head=b"",
            source=BytesSource(b"", Kind.PNG),
            content=b"",
            tail=b"--none--\r\n",
        )
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
            if answer.status != 200:
                return await answer.error()
            body = b"".join([block async for block in answer.blocks()])
        return read_account(body)

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, trace: Trace, form: UploadForm | None
    ) -> AsyncIterator[Answer]:
        if self._aborted:
            raise StoppedError("stopped before it was sent")
        clock = IdleClock(self._idle, self.traffic)
        self._clocks.add(clock)
        response: aiohttp.ClientResponse | None = None
        try:
            async with clock.timeout:
                clock.start()
                body = partial(MultipartPayload, form, trace, clock) if form else lambda: None
                response = await self._follow(method, self._base / path, trace, body)
                clock.moved()
                trace.status = response.status
                yield self._answer(response, trace, clock)
                response.release()
        except TimeoutError as error:
            if not clock.timeout.expired():
                raise
            if clock.aborted:
                raise StoppedError("given up at the second signal, before its answer came") from error
            raise WireError(f"no byte moved for {self._idle:g} s") from error
        finally:
            clock.stop()
            self._clocks.discard(clock)
            if response is not None:
                response.close()  # does nothing after a release; else the connection cannot be used again

    def _answer(self, response: aiohttp.ClientResponse, trace: Trace, clock: IdleClock) -> Answer:
        if read_retry_after(response.headers) == MAX_RETRY_AFTER:
            self._tell(WireFact.LONG_WAIT)
        return Answer(response, trace, clock, self._credentials.redacted)

    async def _follow(
        self, method: str, url: URL, trace: Trace, body: Callable[[], MultipartPayload | None]
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
            url, trace.possibly_complete, trace.reused = target, False, False
        return await self._send(method, url, trace, body())

    async def _send(
        self, method: str, url: URL, trace: Trace, body: MultipartPayload | None
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("use WireSession as a context manager")
        try:
            return await self._session.request(
                method,
                url,
                data=body,
                allow_redirects=False,
                trace_request_ctx=trace,
                proxy_headers=self._proxy_headers and dict(self._proxy_headers),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if trace.source_changed:
                raise SourceChangedError(trace.unreadable) from error
            if trace.reused and isinstance(error, aiohttp.ClientConnectionError):
                self._kept_one_died()
            raise WireError(words_for(error, self._proxy)) from error

    def _tell(self, fact: WireFact) -> None:
        if fact not in self._facts:
            self._facts.add(fact)
            self.on_fact(fact)

    def _kept_one_died(self) -> None:
        """A kept connection died before it brought a byte of an answer; this other end may always close them."""
        self._kept_deaths += 1
        if self._kept_deaths == _KEPT_DEATHS and self._session is not None:
            # What is in flight ends on the old one; nothing new finds a kept connection.
            self._retired, self._session = self._session, self._open(keeping=False)
            self._tell(WireFact.NO_KEEPING)


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


def _proxy_headers(proxy: Proxy | None) -> dict[str, str] | None:
    """The user of a proxy, from its address or else from netrc, as a header for the proxy alone."""
    if proxy is None:
        return None
    user, password = proxy.user, proxy.password
    known = aiohttp.helpers.netrc_from_env()
    if not user and known is not None and (found := known.authenticators(URL(proxy.address).host or "")):
        user, password = found[0], found[2] or ""
    if not user:
        return None
    return {"Proxy-Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def _tracing_reuse() -> aiohttp.TraceConfig:
    """Notes in the `Trace` of an exchange whether its connection had been kept."""

    async def reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _: object) -> None:
        context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(reused)
    return config


def _same_origin_target(url: URL, response: aiohttp.ClientResponse) -> URL | None:
    if response.status not in {307, 308} or "Location" not in response.headers:
        return None
    try:
        target = url.join(URL(response.headers["Location"]))
    except ValueError:
        return None
    return target if target.origin() == url.origin() else None
