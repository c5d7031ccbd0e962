"""Taking a multipart/form-data body apart while it arrives. Pure: bytes in, events out.

Memory: at most one fed block, one boundary and `MAX_HEADER_BYTES` are held, whatever the body says.
Written for the emulator because aiohttp's reader trusts lengths inside the body and nests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_HEADER_BYTES: Final = 8 * 1024
_MAX_BOUNDARY: Final = 70
_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]*)"|([^\s;"]+))""", re.IGNORECASE)


class MultipartError(ValueError):
    """A body that is no well-formed multipart; the text says why."""


@dataclass(frozen=True, slots=True)
class PartBegin:
    """A part's headers, names in lower case."""

    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """Some bytes of the part that began last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part that began last is whole."""


Event = PartBegin | PartData | PartEnd


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names; raises `MultipartError`."""
    match = _BOUNDARY.search(content_type.partition(";")[2])
    boundary = (match[1] or match[2] or "") if match else ""
    if not boundary:
        raise MultipartError("the Content-Type names no boundary (let your HTTP client set this header)")
    if len(boundary) > _MAX_BOUNDARY or not boundary.isascii():
        raise MultipartError("the boundary is longer than 70 characters or not ASCII")
    return boundary.encode()


class _State(Enum):
    PREAMBLE = auto()
    BOUNDARY = auto()
    HEADERS = auto()
    DATA = auto()
    EPILOGUE = auto()


class MultipartParser:
    """Feed it blocks with `feed`, and call `close` when the body has ended."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # The first boundary may stand at the very beginning, so a line end is lent to it.
        self._buffer = bytearray(b"\r\n")
        self._state = _State.PREAMBLE

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes; raises `MultipartError`."""
        self._buffer += data
        while True:
            before = self._state, len(self._buffer)
            yield from self._step()
            if (self._state, len(self._buffer)) == before:
                return

    def close(self) -> None:
        """The body has ended; raises `MultipartError` if its last boundary never came."""
        if self._state is _State.PREAMBLE:
            raise MultipartError("the boundary that the Content-Type names is not in the body")
        if self._state is not _State.EPILOGUE:
            raise MultipartError("it ends before its last boundary")

    def _step(self) -> Iterator[Event]:
        match self._state:
            case _State.PREAMBLE:
                self._skip_preamble()
            case _State.BOUNDARY:
                self._read_boundary_line()
            case _State.HEADERS:
                headers = self._read_headers()
                if headers is not None:
                    yield PartBegin(headers)
            case _State.DATA:
                yield from self._read_data()
            case _State.EPILOGUE:
                self._buffer.clear()

    def _read_data(self) -> Iterator[Event]:
        data = self._take_until_delimiter()
        if data is None:
            # The last bytes may be the beginning of the delimiter: they stay.
            keep = len(self._delimiter) - 1
            if len(self._buffer) > keep:
                data = bytes(self._buffer[:-keep])
                del self._buffer[:-keep]
                yield PartData(data)
            return
        self._state = _State.BOUNDARY
        if data:
            yield PartData(data)
        yield PartEnd()

    def _skip_preamble(self) -> None:
        if self._take_until_delimiter() is not None:
            self._state = _State.BOUNDARY
        else:
            del self._buffer[: 1 - len(self._delimiter)]

    def _take_until_delimiter(self) -> bytes | None:
        """The bytes before the next delimiter, which is dropped too; None when it is not there yet."""
        found = self._buffer.find(self._delimiter)
        if found < 0:
            return None
        data = bytes(self._buffer[:found])
        del self._buffer[: found + len(self._delimiter)]
        return data

    def _read_boundary_line(self) -> None:
        if self._buffer.startswith(b"--"):
            self._state = _State.EPILOGUE
            return
        end = self._buffer.find(b"\r\n")
        if end < 0 and len(self._buffer) <= MAX_HEADER_BYTES:
            return
        if end < 0 or self._buffer[:end].strip(b" \t"):
            raise MultipartError("a boundary is followed by something else than a line end")
        # The line end stays: with the one after the last header it marks the end of the headers.
        del self._buffer[:end]
        self._state = _State.HEADERS

    def _read_headers(self) -> dict[str, str] | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) <= MAX_HEADER_BYTES:
            return None
        if not 0 <= end <= MAX_HEADER_BYTES:
            raise MultipartError(f"a part has more than {MAX_HEADER_BYTES} bytes of headers")
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        self._state = _State.DATA
        return dict(_header(line) for line in lines if line)


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    if not colon or not name.strip():
        raise MultipartError("a part has a header without a colon")
    # Browsers and curl send file names as UTF-8 here; anything else is kept readable.
    return name.strip().decode("latin-1").lower(), value.strip().decode("utf-8", "replace")


_PARAM = re.compile(r""";\s*([A-Za-z0-9*_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))""")


def disposition(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The `name` and `filename` of a part; None for what is not said."""
    text = headers.get("content-disposition", "")
    if text.partition(";")[0].strip().lower() != "form-data":
        return None, None
    said = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in _PARAM.findall(text)
    }
    return said.get("name"), said.get("filename", said.get("filename*"))
