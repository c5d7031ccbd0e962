"""Fetching `image.url`, only from where the operator allows it. Every address is checked, and the
connection goes to the very address that was checked, so a name that changes its mind gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from pixian_batch.contract.kinds import sniff
from pixian_batch.emulator import refusals
from pixian_batch.emulator.form import Upload

if TYPE_CHECKING:
    from pixian_batch.emulator.settings import EmulatorSettings

_MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
_BLOCK: Final = 64 * 1024
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class _NotAllowedError(OSError):
    """An address that must not be fetched from."""


def is_public(address: str) -> bool:
    """Whether `address` belongs to the open internet, also behind its IPv6 disguises."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        teredo = parsed.teredo[1] if parsed.teredo else None
        nat64 = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF) if parsed in _NAT64 else None
        inner = parsed.ipv4_mapped or parsed.sixtofour or teredo or nat64
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return parsed.is_global and not parsed.is_multicast


def is_allowed(host: str, port: int, patterns: tuple[str, ...]) -> bool:
    """Whether the operator named this host (`*.example.com`, `127.0.0.1`, `localhost:8000`)."""
    names = (host.lower(), f"{host.lower()}:{port}")
    return any(fnmatchcase(name, pattern.lower()) for name in names for pattern in patterns)


class _GuardedResolver(AbstractResolver):
    """Resolves names and drops every address that may not be fetched from."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self._settings = settings

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        allowed = is_allowed(host, port, self._settings.allow_fetch)
        if not allowed and not self._settings.fetch_public:
            raise _NotAllowedError(host)  # not even looked up
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results = [
            ResolveResult(
                hostname=host,
                host=str(where[0]),
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, proto, _, where in addresses
            if allowed or is_public(str(where[0]))
        ]
        if not results:
            raise _NotAllowedError(host)
        return results

    async def close(self) -> None:
        return


def read_url(text: str) -> URL:
    """The URL in `text`; raises `Refusal` (1024)."""
    try:
        url = URL(text.strip())
    except ValueError:
        raise refusals.bad_url("it is malformed") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise refusals.bad_url("it must be a complete http:// or https:// URL")
    if url.user is not None or url.password is not None:
        raise refusals.bad_url("it carries a user name or password")
    return url


class Fetcher:
    """Fetches images by URL. Close it."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def fetch(self, text: str) -> Upload:
        """The bytes behind a URL; raises `Refusal` (1020, 1021, 1022, 1024, 1012)."""
        url = read_url(text)
        try:
            async with asyncio.timeout(self._settings.fetch_timeout):
                return await self._follow(url)
        except TimeoutError:
            raise refusals.url_failed(f"no answer within {self._settings.fetch_timeout:g} s") from None
        except aiohttp.InvalidURL:
            raise refusals.bad_url("its host is neither a name nor a plain address") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, _NotAllowedError) or isinstance(error, _NotAllowedError):
                raise refusals.url_not_allowed(url.host or "") from None
            raise refusals.url_failed(type(error).__name__) from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_GuardedResolver(self._settings), use_dns_cache=False, force_close=True, limit=20
            )
            # No cookies, no proxies, no decompression: what comes is what was asked for, and bounded.
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _check_literal(self, url: URL) -> None:
        """The connector does not resolve numeric addresses, so they are checked here."""
        host = url.host or ""
        try:
            public = is_public(host)
        except ValueError:
            return  # a name: the resolver looks after it
        if not is_allowed(host, url.port or 0, self._settings.allow_fetch) and not (
            public and self._settings.fetch_public
        ):
            raise _NotAllowedError(host)

    async def _follow(self, url: URL) -> Upload:
        headers = {"User-Agent": "pixian-batch-emulator", "Accept-Encoding": "identity"}
        for _ in range(_MAX_REDIRECTS + 1):
            self._check_literal(url)
            async with self._opened().get(url, headers=headers, allow_redirects=False) as reply:
                if reply.status not in _REDIRECTS:
                    return await self._receive(reply)
                url = read_url(str(url.join(URL(reply.headers.get("Location", "")))))
        raise refusals.url_failed(f"more than {_MAX_REDIRECTS} redirects")

    async def _receive(self, reply: aiohttp.ClientResponse) -> Upload:
        if reply.status != _OK:
            raise refusals.url_not_ok(reply.status)
        content_type = reply.headers.get("Content-Type", "")
        if content_type.startswith("text/"):
            raise refusals.url_not_image(content_type)
        settings = self._settings
        upload = Upload(spool_bytes=settings.spool_bytes, max_bytes=settings.max_upload_bytes)
        try:
            async for block in reply.content.iter_chunked(_BLOCK):
                upload.write(block)
            _check_image(upload, content_type)
        except BaseException:
            upload.close()
            raise
        return upload


def _check_image(upload: Upload, content_type: str) -> None:
    if sniff(upload.head) is None:
        raise refusals.url_not_image(content_type)
