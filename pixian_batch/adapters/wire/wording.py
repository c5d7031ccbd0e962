"""What broke, in our words: aiohttp's own are for programmers, and stay in the exception's `__cause__`."""

from __future__ import annotations

import os
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import http_exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.adapters.wire.proxy import Proxy


def words_for(error: BaseException, proxy: Proxy | None = None) -> str:
    """One clause about an exception of aiohttp's or the system's; `proxy`: the one on the way."""
    if proxy is not None and isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy {proxy} does not answer: {_of_system(error.os_error)}"
    if proxy is not None and isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused_by(proxy, error.status)
    way = f", by way of the proxy {proxy}" if proxy is not None else ""
    return f"{_words(error)}{way}"


def _words(error: BaseException) -> str:
    for kind, words in _WORDS:
        found = next((cause for cause in _causes(error) if isinstance(cause, kind)), None)
        if found is not None:
            return words(found)
    return f"the connection broke ({type(error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_system(error: BaseException) -> str:
    """The system's word for an error, without numbers in brackets."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return str(getattr(error, "strerror", None) or "") or type(error).__name__


def _refused_by(proxy: Proxy, status: int) -> str:
    """What a proxy answered in place of a connection. Its own text may be a page, and is not shown."""
    if status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        known = {code.value: f" {code.phrase}" for code in HTTPStatus}
        return f"the proxy {proxy} lets nothing through: {status}{known.get(status, '')}"
    if proxy.user:
        return f"the proxy {proxy} does not accept the user name and the password (407)"
    return f"the proxy {proxy} asks for a user name and a password (407): http://USER:PASSWORD@HOST:PORT"


def _host(error: BaseException) -> str:
    return f"{getattr(error, 'host', None) or 'the service'}"


def _not_trusted(error: BaseException) -> str:
    cause = getattr(error, "certificate_error", error)
    return f"the certificate is not trusted: {getattr(cause, 'verify_message', '') or 'it is not valid'}"


def _no_answer(error: BaseException) -> str:
    found = getattr(error, "os_error", error)
    port = getattr(error, "port", None)
    return f"{_host(error)}{f':{port}' if port else ''} does not answer: {_of_system(found)}"


_NO_HTTP: Final = "what came is no answer in HTTP"
_WORDS: Final[tuple[tuple[type[BaseException], Callable[[BaseException], str]], ...]] = (
    (ssl.SSLCertVerificationError, _not_trusted),
    (aiohttp.ClientConnectorDNSError, lambda error: f"the name {_host(error)} is not known"),
    (
        ssl.SSLError,
        lambda error: f"no TLS connection: {str(getattr(error, 'reason', '') or 'broken').lower()}",
    ),
    (aiohttp.ServerTimeoutError, lambda _: "no connection came about in 30 s"),
    (aiohttp.ClientConnectorError, _no_answer),
    (http_exceptions.LineTooLong, lambda _: "the head of the answer is too long"),
    (http_exceptions.ContentLengthError, lambda _: "fewer bytes came than were announced"),
    (aiohttp.ClientPayloadError, lambda _: "its parts are not of the lengths they announce"),
    (http_exceptions.BadStatusLine, lambda _: f"{_NO_HTTP}: its first line is unreadable"),
    (http_exceptions.BadHttpMessage, lambda _: f"{_NO_HTTP}: it is malformed"),
    (aiohttp.ClientResponseError, lambda _: f"{_NO_HTTP}: it is malformed"),
    (aiohttp.ServerDisconnectedError, lambda _: "the connection was closed from the other end"),
    (OSError, lambda error: f"the connection broke: {_of_system(error)}"),
)
"""In this order: the more exact one first, wherever it stands in the chain of causes."""
