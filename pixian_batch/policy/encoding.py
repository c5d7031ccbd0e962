"""Bytes of a text that somebody has saved on whatever system: UTF-8, with a mark at its start or without. Pure."""

from __future__ import annotations

import re
from typing import Final

_MARK: Final = b"\xef\xbb\xbf"
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_WIDE_ENDS: Final = (b"\r\0\n\0", b"\0\r\0\n")
_ENOUGH: Final = 8
_LOOKED_AT: Final = 512
UTF16: Final = "is UTF-16"
SAVE_AS_UTF8: Final = "save it as UTF-8"


def toml_trouble(error: ValueError) -> str:
    """Where a text stops being TOML, in our words: the parser's are for programmers."""
    place = re.search(r"\(at (line \d+, column \d+)\)", str(error))
    return f"it is not TOML at {place[1]}" if place else "it is not TOML at its end: something is not closed"


class Utf16Error(ValueError):
    """A text that is UTF-16: its text says so, `SAVE_AS_UTF8` what to do."""

    def __init__(self) -> None:
        super().__init__(UTF16)


def without_mark(data: bytes) -> bytes:
    """The beginning of a text, or all of it, without the byte order mark that Windows puts there."""
    return data.removeprefix(_MARK)


def is_utf16(data: bytes) -> bool:
    """Whether a text that begins with `data` is UTF-16, with a mark or without."""
    if data.startswith(_WIDE_MARKS) or any(end in data for end in _WIDE_ENDS):
        return True
    start = data[: min(_LOOKED_AT, len(data) // 2 * 2)]
    halves = start[::2], start[1::2]
    return len(start) >= _ENOUGH and any(not any(one) and all(other) for one, other in (halves, halves[::-1]))


def text_of(data: bytes, *, errors: str = "strict") -> str:
    """A whole text. Raises `Utf16Error`, and UnicodeDecodeError for what is no UTF-8."""
    if is_utf16(data):
        raise Utf16Error
    return without_mark(data).decode("utf-8", errors)
