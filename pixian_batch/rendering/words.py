"""Every key of a recipe file: its values' grammar, and a right example. What the API has a word for, is read as the API reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.contract.params import BY_ATTRIBUTE, Color, Length, Margin, ParamError
from pixian_batch.policy.byte_size import read_byte_size
from pixian_batch.rendering.recipe import ColorProfile, Format, Gradient, Shadow

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%", re.ASCII)
_LEAST_BYTES: Final = 1000
_MOST_DPI: Final = 9999
_AROUND: Final = 360


class WordError(ValueError):
    """A value that a key cannot have: why, and a right example."""

    def __init__(self, reason: str, example: str = "") -> None:
        super().__init__(reason)
        self.example = example


@dataclass(frozen=True, slots=True)
class Word:
    """A key: how its value is read, and a right example, as TOML."""

    read: Callable[[Any], Any]
    example: str


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise WordError("is not a text in quotes")
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WordError("is neither true nor false")
    return value


def _number(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise WordError(f"is not a whole number from {low} to {high}")
        return value

    return read


def _api(attribute: str) -> Callable[[Any], Any]:
    """As the API's parameter of this name."""

    def read(value: Any) -> Any:
        field = BY_ATTRIBUTE[attribute]
        try:
            return field.read(_text(value).strip())
        except ParamError as error:
            raise WordError(error.reason) from error

    return read


def _one_of(kind: type[StrEnum]) -> Callable[[Any], StrEnum]:
    def read(value: Any) -> StrEnum:
        if not isinstance(value, str) or value not in list(kind):
            raise WordError(f"is none of {', '.join(kind)}")
        return kind(value)

    return read


def read_share(value: Any) -> Decimal:
    """The number of `85%`: more than 0, at most 100."""
    match = _PERCENT.fullmatch(_text(value).strip())
    if match is None or not 0 < Decimal(match[1]) <= 100:
        raise WordError("is not a share of the canvas's side, in %")
    return Decimal(match[1])


def inset(share: Decimal) -> Margin:
    """The margin that leaves this share (in %) of a target in each direction."""
    side = Length((100 - share) / 2, "%")
    return Margin(side, side, side, side)


def _byte_size(value: Any) -> int:
    text = _text(value)
    try:
        size = read_byte_size(text)
    except ValueError:
        size = 0
    if size < _LEAST_BYTES:
        raise WordError(f"is not a size of at least {_LEAST_BYTES:,} bytes")
    return size


def _length(value: Any) -> Length:
    margin: Margin = _api("margin")(value)
    if len(_text(value).split()) != 1:
        raise WordError("is more than one length")
    return margin.top


def _gradient(value: Any) -> Gradient:
    match value:
        case [start, end]:
            return Gradient(_color(start), _color(end))
        case {"from": start, "to": end, **rest} if set(rest) <= {"angle"}:
            return Gradient(_color(start), _color(end), _angle(rest.get("angle", 180)))
    raise WordError("is neither two colours nor a table of from, to and angle")


def _color(value: Any) -> Color:
    color: Color = _api("background_color")(value)
    return color


def _angle(value: Any) -> int | None:
    if value == "radial":
        return None
    return _number(0, _AROUND)(value) % _AROUND


def _shadow(value: Any) -> Shadow | None:
    if isinstance(value, bool):
        return Shadow() if value else None
    if not isinstance(value, dict):
        raise WordError("is neither true nor a table of strength, blur, offset and color")
    if odd := set(value) - set(_SHADOW):
        raise WordError(f"has no {min(odd)!r}: there are {', '.join(_SHADOW)}")
    return Shadow(**{key: _SHADOW[key](given) for key, given in value.items()})


def _strength(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 < value <= 1:
        raise WordError("has a strength that is not above 0 and at most 1")
    return float(value)


_SHADOW: Final[dict[str, Callable[[Any], Any]]] = {
    "strength": _strength,
    "blur": _length,
    "offset": _length,
    "color": _color,
}

WORDS: Final = {
    "based_on": Word(_text, 'based_on = "amazon-main"'),
    "description": Word(_text, 'description = "for the shop\'s front page"'),
    "crop_to_foreground": Word(_switch, "crop_to_foreground = true"),
    "fill": Word(read_share, 'fill = "85%"'),
    "margin": Word(_api("margin"), 'margin = "5% 10px"'),
    "target_size": Word(_api("target_size"), 'target_size = "2000 2000"'),
    "vertical_alignment": Word(_api("vertical_alignment"), 'vertical_alignment = "bottom"'),
    "enlarge": Word(_switch, "enlarge = false"),
    "pad": Word(_switch, "pad = false"),
    "background_color": Word(_color, 'background_color = "#FFFFFF"'),
    "background_gradient": Word(_gradient, 'background_gradient = ["#FFFFFF", "#DDDDDD"]'),
    "background_image": Word(_text, 'background_image = "wall.jpg"'),
    "shadow": Word(_shadow, 'shadow = { strength = 0.4, blur = "2%" }'),
    "despill": Word(_switch, "despill = true"),
    "output_format": Word(_one_of(Format), 'output_format = "jpeg"'),
    "quality": Word(_number(1, 100), "quality = 90"),
    "max_bytes": Word(_byte_size, 'max_bytes = "500KB"'),
    "min_quality": Word(_number(1, 100), "min_quality = 50"),
    "color_profile": Word(_one_of(ColorProfile), 'color_profile = "srgb"'),
    "dpi": Word(_number(1, _MOST_DPI), "dpi = 300"),
    "keep_metadata": Word(_switch, "keep_metadata = true"),
    "name": Word(_text, 'name = "{folder}/{stem}_{recipe}.{ext}"'),
}
