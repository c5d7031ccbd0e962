"""The seven result headers as typed values, read leniently and written exactly. Pure.

A missing or broken header never loses an image that was paid for: what can be read is read, and the
rest becomes a warning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from pixian_batch.contract.params import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CREDITS_CHARGED: Final = "X-Credits-Charged"
CREDITS_CALCULATED: Final = "X-Credits-Calculated"
INPUT_ORIENTATION: Final = "X-Input-Orientation"
INPUT_SIZE: Final = "X-Input-Size"
RESULT_SIZE: Final = "X-Result-Size"
INPUT_FOREGROUND: Final = "X-Input-Foreground"
RESULT_FOREGROUND: Final = "X-Result-Foreground"

MAX_RETRY_AFTER: Final = 3600.0
"""Seconds that are waited at most because a `Retry-After` says so: by then it is worth a question."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels: the order is the header's, top and left first."""

    top: int
    left: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.top} {self.left} {self.width} {self.height}"


@dataclass(frozen=True, slots=True)
class ResultHeaders:
    """What the service says about a result; None where it said nothing readable."""

    credits_charged: Decimal | None = None
    credits_calculated: Decimal | None = None
    input_orientation: int | None = None
    input_size: Size | None = None
    result_size: Size | None = None
    input_foreground: Box | None = None
    result_foreground: Box | None = None
    warnings: tuple[str, ...] = ()


# A service that keeps doubles prints up to 17 digits and some zeros: 0.30000000000000004.
_DECIMAL = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,24})?", re.ASCII)
_JOINED = re.compile(r", +")
_INTEGERS = re.compile(r"[0-9]{1,9}(?: +[0-9]{1,9})*", re.ASCII)


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def _integers(text: str, count: int) -> list[int] | None:
    numbers = [int(part) for part in text.split()] if _INTEGERS.fullmatch(text) else []
    return numbers if len(numbers) == count else None


def _orientation(text: str) -> int | None:
    [number] = _integers(text, 1) or [0]
    return number if 1 <= number <= 8 else None


def _size(text: str) -> Size | None:
    numbers = _integers(text, 2)
    return Size(*numbers) if numbers and min(numbers) > 0 else None


def _box(text: str) -> Box | None:
    numbers = _integers(text, 4)
    return Box(*numbers) if numbers else None


_T = TypeVar("_T")


class _HeaderReader:
    """Reads headers one by one and keeps the warnings."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers: dict[str, list[str]] = {}
        for name, value in headers.items():
            self._headers.setdefault(name.lower(), []).append(value.strip())
        self.warnings: list[str] = []

    def read(self, name: str, reader: Callable[[str], _T | None], *, expected: bool = True) -> _T | None:
        texts = self._headers.get(name.lower(), [])
        if not texts and expected:
            self.warnings.append(f"the answer has no {name} header")
        # Somebody on the way may have joined what was said twice.
        texts = [part for text in texts for part in _JOINED.split(text)]
        if len(texts) > 1:
            self.warnings.append(f"the answer has {len(texts)} {name} headers: {', '.join(texts)[:80]!r}")
        values = [value for value in map(reader, texts) if value is not None]
        if texts and not values:
            self.warnings.append(f"the answer's {name} header is unreadable: {', '.join(texts)[:80]!r}")
        # Of two prices the higher one: a budget must hold whichever is true.
        amounts = [value for value in values if isinstance(value, Decimal)]
        return max(amounts) if amounts else values[0] if values else None


def read_result_headers(headers: Mapping[str, str], *, test: bool = False) -> ResultHeaders:
    """The result headers of a 2xx answer; `test` says whether a calculated price is expected."""
    reader = _HeaderReader(headers)
    return ResultHeaders(
        credits_charged=reader.read(CREDITS_CHARGED, _decimal),
        credits_calculated=reader.read(CREDITS_CALCULATED, _decimal, expected=test),
        input_orientation=reader.read(INPUT_ORIENTATION, _orientation),
        input_size=reader.read(INPUT_SIZE, _size),
        result_size=reader.read(RESULT_SIZE, _size),
        input_foreground=reader.read(INPUT_FOREGROUND, _box),
        result_foreground=reader.read(RESULT_FOREGROUND, _box),
        warnings=tuple(reader.warnings),
    )


def write_result_headers(result: ResultHeaders) -> dict[str, str]:
    """The headers that say `result`; what is None is left out."""
    texts = {
        CREDITS_CHARGED: _plain(result.credits_charged),
        CREDITS_CALCULATED: _plain(result.credits_calculated),
        INPUT_ORIENTATION: result.input_orientation,
        INPUT_SIZE: result.input_size,
        RESULT_SIZE: result.result_size,
        INPUT_FOREGROUND: result.input_foreground,
        RESULT_FOREGROUND: result.result_foreground,
    }
    return {name: str(value) for name, value in texts.items() if value is not None}


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After` header, `MAX_RETRY_AFTER` at most; None when absent or not whole seconds."""
    for name, value in headers.items():
        if name.lower() == "retry-after" and re.fullmatch(r"[0-9]{1,20}", value.strip(), re.ASCII):
            return min(float(value), MAX_RETRY_AFTER)
    return None
