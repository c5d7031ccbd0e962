"""The proxy that the environment (or the system) names for the service, or why it cannot be used.

The one source of it: for the session, for the check before a run and for `doctor`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HINT: Final = "name one as http://HOST:PORT, or unset the variable"


class ProxyError(ValueError):
    """A proxy that we cannot go through; nothing was sent. The text names it without its password."""

    def __init__(self, text: str, *, hint: str = _HINT) -> None:
        super().__init__(text)
        self.hint = hint
        """What to do about it."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. address: `http://HOST:PORT`; source: where its name came from."""

    address: str
    source: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.address} (from {self.source})"


def is_loopback(host: str | None) -> bool:
    """Whether that is this machine, to which no proxy leads."""
    return host in _LOOPBACK


def find_proxy(api_url: str) -> Proxy | None:
    """The proxy on the way to the service, None where none is. Raises `ProxyError`."""
    service = urlsplit(api_url)
    named = getproxies().get(service.scheme, "").strip()
    if not named or is_loopback(service.hostname) or proxy_bypass(service.hostname or ""):
        return None
    return _read(named, _source(service.scheme, named))


def _source(scheme: str, named: str) -> str:
    for variable in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
        if os.environ.get(variable, "").strip() == named:
            return variable
    return "the system's settings"


def _read(named: str, source: str) -> Proxy:
    """As curl does: without a scheme it is http."""
    parts = urlsplit(named if "://" in named else f"http://{named}")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    try:
        port = parts.port or 80
    except ValueError:
        raise ProxyError(f"the proxy {shown} (from {source}) has no port that is a number") from None
    if parts.scheme != "http":
        raise ProxyError(f"the proxy {shown} (from {source}) cannot be used: only http:// proxies can")
    if not parts.hostname or any(sign.isspace() for sign in parts.netloc):
        raise ProxyError(f"the proxy {shown!r} (from {source}) names no host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Proxy(
        f"http://{host}:{port}", source, unquote(parts.username or ""), unquote(parts.password or "")
    )
