"""How the values of a profile's rules are written, and how they are told. Pure.

Whatever a file holds, a value is read or `RuleValueError` raised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.contract.params import Color
from pixian_batch.policy.byte_size import read_byte_size

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS: Final = ("jpeg", "png", "gif", "tiff", "bmp", "webp", "avif", "heic")
OFF_AT_MOST: Final = 0.0002
"""Of the ground, that may be off its colour unless a profile says otherwise: clean cut-outs measure 0, the faintest residue
that can be seen about 0.00025 (docs/how-to/check-for-marketplaces.md)."""
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", re.ASCII)
_ASPECT: Final = re.compile(r"([1-9][0-9]{0,4}):([1-9][0-9]{0,4})", re.ASCII)
_COLOR: Final = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", re.ASCII)
_MOST: Final = 10**9


class RuleValueError(ValueError):
    """A value that a rule cannot have: why; `example`: a right one, as TOML."""

    def __init__(self, reason: str, example: str) -> None:
        super().__init__(reason)
        self.example = example


@dataclass(frozen=True, slots=True)
class Background:
    """The colour of a ground, and how much of it may be off that colour (0..1)."""

    color: Color
    off: float = OFF_AT_MOST


# --- how values are written --------------------------------------------------------------------------


def read_number(value: Any) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise RuleValueError("is not a whole number", "1000")
    return value


def read_percent(value: Any) -> float:
    """0..1 of `"85%"`."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise RuleValueError("is not a share in %", '"85%"')
    return float(match[1]) / 100


def read_bytes(value: Any) -> int:
    """Bytes of `"10MB"`."""
    try:
        return read_byte_size(str(value))
    except ValueError:
        raise RuleValueError("is not a size in bytes", '"10MB"') from None


def read_aspect(value: Any) -> tuple[int, int]:
    """Width and height of `"4:3"`."""
    match = _ASPECT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise RuleValueError("is not width:height", '"4:3"')
    return int(match[1]), int(match[2])


def read_true(value: Any) -> bool:
    """A rule that can only be asked for."""
    if value is not True:
        raise RuleValueError("can only be true: leave the line out otherwise", "true")
    return True


def one_of(choices: tuple[str, ...]) -> Callable[[Any], tuple[str, ...]]:
    """Reads a list of these words."""

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(word in choices for word in value):
            raise RuleValueError(f"is not a list of {', '.join(choices)}", f'["{choices[0]}"]')
        return tuple(value)

    return read


def read_background(value: Any) -> Background:
    """`"#FFFFFF"`, or with what may be off: `{ color = "#FFFFFF", off = "0.1%" }`."""
    example = '"#FFFFFF", or { color = "#FFFFFF", off = "0.1%" }'
    if isinstance(value, dict) and value.keys() <= {"color", "off"} and "color" in value:
        off = read_percent(value["off"]) if "off" in value else OFF_AT_MOST
        return Background(read_background(value["color"]).color, off)
    match = _COLOR.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RuleValueError("is no colour", example)
    return Background(Color(*(int(part, 16) for part in match.groups())))


# --- numbers in words --------------------------------------------------------------------------------


def percent(share: float) -> str:
    """`85 %`, `0.02 %`, `under 0.001 %`: as many digits as tell something."""
    number = share * 100
    if 0 < number < 0.001:
        return "under 0.001 %"
    digits = 0 if number >= 99.95 or number == 0 else 1 if number >= 1 else 3
    text = f"{number:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def megabytes(size: int) -> str:
    """`9.8 MB`, `30 KB`."""
    if size >= 1_000_000:
        return f"{size / 1e6:.4g} MB"
    return f"{size / 1e3:.3g} KB" if size >= 1000 else f"{size} bytes"


def pixels(value: int) -> str:
    """`1,000 px`."""
    return f"{value:,} px"


def at_least(words: Callable[[Any], str]) -> Callable[[Any], str]:
    """The words for a least number."""
    return lambda value: f"at least {words(value)}"


def at_most(words: Callable[[Any], str]) -> Callable[[Any], str]:
    """The words for a most number."""
    return lambda value: f"at most {words(value)}"


def colon(aspect: tuple[int, int]) -> str:
    """`4:3`."""
    return f"{aspect[0]}:{aspect[1]}"


def listed(words: tuple[str, ...]) -> str:
    """`jpeg, png or gif`."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
