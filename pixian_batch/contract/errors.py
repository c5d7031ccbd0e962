"""The API's error object: reading it from any body, writing it, and what to do about it. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Final

MAX_ERROR_BYTES: Final = 64 * 1024
"""How much of an error body is worth reading."""
_SHOWN_CHARS: Final = 200
_MAX_CODE: Final = 2**63 - 1
"""SQLite's integers: an error that cannot be recorded would be worse than one without its code."""


class Code(IntEnum):
    """Error codes, as the same company's sister service uses them (unproven for Pixian)."""

    UNKNOWN_ID = 1001
    WRONG_SECRET = 1004
    NO_IMAGE = 1005
    UNREADABLE_IMAGE = 1006
    NO_PACK = 1008
    OUT_OF_CREDITS = 1011
    TOO_MANY_BYTES = 1012
    TOO_MANY_PIXELS = 1013
    SLOW_DOWN = 1015
    IMAGE_AS_TEXT = 1016
    BAD_PARAMETER = 1019
    URL_NOT_OK = 1020
    URL_NOT_IMAGE = 1021
    URL_FETCH_FAILED = 1022
    URL_INVALID = 1024
    OVERLOADED = -3


@dataclass(frozen=True, slots=True)
class ApiError:
    """What the service answered in place of an image."""

    status: int
    code: int | None
    message: str

    @property
    def hint(self) -> str:
        """What the user can do about it, in one sentence."""
        return hint(self.status, self.code)


def read_error(status: int, body: bytes) -> ApiError:
    """The error of an answer with `status`; survives HTML, an empty or a cut body."""
    try:
        error = json.loads(body)["error"]
        code, message = error.get("code"), error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ApiError(status, None, _shown(body.decode("utf-8", "replace")) or f"HTTP {status}, no message")
    return ApiError(status, _code(code), _shown(str(message or "")) or f"HTTP {status}")


def _code(value: object) -> int | None:
    """The code, if it is a whole number that a database can hold."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_CODE:
        return value
    return None


def write_error(error: ApiError) -> bytes:
    """The JSON error object."""
    return json.dumps({"error": asdict(error)}).encode()


def _shown(text: str) -> str:
    """`text` without tags, control characters and surplus white space, cut to a line."""
    text = re.sub(r"<(script|style).*?(</\1>|$)", " ", text, flags=re.DOTALL | re.IGNORECASE)
    text = re.sub(r"<[a-zA-Z/!?][^>]*(>|$)", " ", text)  # a tag, not the sign of "must be < 100"
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


_BY_CODE: Final[dict[int | None, str]] = {
    Code.UNREADABLE_IMAGE: "open the file in an image viewer; export it again as PNG or JPEG",
    Code.TOO_MANY_PIXELS: "scale the image down to at most 32 million pixels",
    Code.URL_NOT_OK: "check that the URL opens without a login",
    Code.URL_NOT_IMAGE: "check that the URL leads to the image itself, not to a page about it",
    Code.URL_FETCH_FAILED: "check that the URL can be reached from the internet",
    Code.URL_INVALID: "give a complete http or https URL",
}
_BY_STATUS: Final = {
    400: "read the message; the request or the image has to change",
    401: "check PIXIAN_API_ID and PIXIAN_API_SECRET",
    402: "buy credits or renew the pack, then run the same command again: it goes on where it stopped",
    403: "check that these credentials may use the API",
    404: "check --api-url",
    413: "make the file smaller",
    415: "convert the file to PNG or JPEG",
    429: "lower --concurrency-max",
}
_CLIENT_ERRORS: Final = range(400, 500)


def hint(status: int, code: int | None = None) -> str:
    """One sentence of advice for an error answer."""
    fallback = "the request has to change" if status in _CLIENT_ERRORS else "run the same command again later"
    return _BY_CODE.get(code) or _BY_STATUS.get(status, fallback)
