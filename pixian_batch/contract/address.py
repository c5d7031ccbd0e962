"""Where the API is, and which addresses credentials may be sent to. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

DEFAULT_API_URL: Final = "https://api.pixian.ai/api/v2"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def check_api_url(url: str) -> str:
    """The URL, if credentials may go there: https, or http to this machine. Raises ValueError."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError(
            "credentials do not belong in a URL: set PIXIAN_API_ID and PIXIAN_API_SECRET; "
            f"for example {DEFAULT_API_URL}"
        )
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return url
    raise ValueError(f"{url!r} is neither https://... nor http://127.0.0.1:...: secrets need https")


def without_query(url: str) -> str:
    """The address alone: what stands behind `?` or `#` may be somebody's key."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
