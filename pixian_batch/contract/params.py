"""Every request parameter of the API: its type, its grammar, its wire name. Pure.

The command line, the library and the emulator all read and write parameters through `FIELDS`, so
they cannot drift apart. Source of the semantics: the vendor's API page (names seen in public clients).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_INPUT_PIXELS: Final = 32_000_000
"""Width x height of the largest input the service reads."""
MAX_BASE64_CHARS: Final = 1_000_000
"""The vendor says "at most 1 MB" of base64 text; ours is the smaller reading of it."""
MIN_MAX_PIXELS: Final = 100
DEFAULT_MAX_PIXELS: Final = 25_000_000
DEFAULT_JPEG_QUALITY: Final = 75
MAX_SIDE: Final = 32_000
"""Ours: the longest side of a target size; the vendor names none."""


class OutputFormat(StrEnum):
    """`auto` is PNG when the result is transparent, JPEG when a background colour is given."""

    AUTO = "auto"
    PNG = "png"
    JPEG = "jpeg"
    DELTA_PNG = "delta_png"


class VerticalAlignment(StrEnum):
    """Where the result stands in the spare height of a target size."""

    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class Color:
    """An sRGB colour, each channel 0..255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02X}{self.green:02X}{self.blue:02X}"


@dataclass(frozen=True, slots=True)
class Length:
    """A margin's length: `px`, or `%` of the width (left, right) or height (top, bottom)."""

    value: Decimal
    unit: Literal["px", "%"]

    def __str__(self) -> str:
        return f"{self.value.normalize():f}{self.unit}"

    def in_pixels(self, side: int) -> float:
        """This length in pixels along a side of `side` pixels."""
        return float(self.value) if self.unit == "px" else float(self.value) * side / 100


ZERO_LENGTH: Final = Length(Decimal(0), "px")


@dataclass(frozen=True, slots=True)
class Margin:
    """Four margins in CSS order; the default is none."""

    top: Length = ZERO_LENGTH
    right: Length = ZERO_LENGTH
    bottom: Length = ZERO_LENGTH
    left: Length = ZERO_LENGTH

    def __str__(self) -> str:
        sides = [str(self.top), str(self.right), str(self.bottom), str(self.left)]
        if sides[1] == sides[3]:
            sides.pop()
            if sides[0] == sides[2]:
                sides.pop()
                if sides[0] == sides[1]:
                    sides.pop()
        return " ".join(sides)


NO_MARGIN: Final = Margin()


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} {self.height}"

    @property
    def pixels(self) -> int:
        """The area."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Params:
    """One request's parameters. The defaults are the service's own and are never sent."""

    test: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    background_color: Color | None = None
    crop_to_foreground: bool = False
    margin: Margin = NO_MARGIN
    target_size: Size | None = None
    vertical_alignment: VerticalAlignment = VerticalAlignment.MIDDLE
    output_format: OutputFormat = OutputFormat.AUTO
    jpeg_quality: int = DEFAULT_JPEG_QUALITY

    @property
    def result_format(self) -> Literal[OutputFormat.PNG, OutputFormat.JPEG, OutputFormat.DELTA_PNG]:
        """The format the result will have, `auto` decided."""
        if self.output_format is not OutputFormat.AUTO:
            return self.output_format
        return OutputFormat.JPEG if self.background_color else OutputFormat.PNG


class ParamError(ValueError):
    """A parameter that the service would refuse: which, what was given, why, and a right example."""

    def __init__(self, name: str, value: str, reason: str, example: str) -> None:
        self.name = name
        self.value = value
        self.reason = reason
        self.example = example
        super().__init__(f"{name}: {value!r} {reason}; for example {example}")


class _ReaderError(ValueError):
    """A reader's reason, before the field's name is known."""


_COLOR = re.compile(r"#([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})", re.ASCII)
_LENGTH = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(px|%)", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,6})(?: +|x)([0-9]{1,6})", re.ASCII)
_INTEGER = re.compile(r"[0-9]{1,9}", re.ASCII)


def _read_bool(text: str) -> bool:
    # Public clients written in Python send True and False.
    if text.lower() not in {"true", "false"}:
        raise _ReaderError("is neither true nor false")
    return text.lower() == "true"


def _read_integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise _ReaderError("is not a whole number")
        if not low <= (number := int(text)) <= high:
            raise _ReaderError(f"is outside {low}..{high}")
        return number

    return read


def _read_color(text: str) -> Color:
    match = _COLOR.fullmatch(text)
    if match:
        red, green, blue = (int(part, 16) for part in match.groups())
        return Color(red, green, blue)
    bare = re.fullmatch(r"[0-9A-Fa-f]{6}", text)
    raise _ReaderError("lacks its #" if bare else "is not a colour of the form #RRGGBB")


def _read_length(text: str) -> Length:
    match = _LENGTH.fullmatch(text)
    if not match:
        unit = " (it needs a unit, px or %)" if re.fullmatch(r"[0-9.]+", text) else ""
        raise _ReaderError(f"has a part {text!r} that is no length{unit}")
    return Length(Decimal(match[1]), "px" if match[2] == "px" else "%")


def _read_margin(text: str) -> Margin:
    match [_read_length(part) for part in text.split()]:
        case [every]:
            return Margin(every, every, every, every)
        case [vertical, horizontal]:
            return Margin(vertical, horizontal, vertical, horizontal)
        case [top, horizontal, bottom]:
            return Margin(top, horizontal, bottom, horizontal)
        case [top, right, bottom, left]:
            return Margin(top, right, bottom, left)
        case parts:
            raise _ReaderError(f"has {len(parts)} values where 1 to 4 are allowed")


def _read_size(text: str) -> Size:
    match = _SIZE.fullmatch(text)
    if not match:
        raise _ReaderError("is not a width and a height in pixels")
    size = Size(int(match[1]), int(match[2]))
    if not (1 <= size.width <= MAX_SIDE and 1 <= size.height <= MAX_SIDE):
        raise _ReaderError(f"has a side outside 1..{MAX_SIDE}")
    if size.pixels > MAX_INPUT_PIXELS:
        raise _ReaderError(f"is more than {MAX_INPUT_PIXELS:,} pixels")
    return size


def _read_choice(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise _ReaderError(f"is none of {', '.join(kind)}") from None

    return read


def _write(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter: its attribute in `Params`, its name on the wire, its grammar, a right example."""

    attribute: str
    wire: str
    reader: Callable[[str], object]
    example: str

    @property
    def option(self) -> str:
        """The command-line option of this parameter."""
        return "--" + self.attribute.replace("_", "-")

    def read(self, text: str, *, name: str | None = None) -> object:
        """Read `text`; raises `ParamError` under `name` (the wire name unless told)."""
        try:
            return self.reader(text)
        except _ReaderError as refused:
            raise ParamError(name or self.wire, text, str(refused), self.example) from None


FIELDS: Final = (
    Field("test", "test", _read_bool, "true"),
    Field("max_pixels", "max_pixels", _read_integer(MIN_MAX_PIXELS, DEFAULT_MAX_PIXELS), "4000000"),
    Field("background_color", "background.color", _read_color, "#FFFFFF"),
    Field("crop_to_foreground", "result.crop_to_foreground", _read_bool, "true"),
    Field("margin", "result.margin", _read_margin, "10px or 5% 10px"),
    Field("target_size", "result.target_size", _read_size, "1200 800"),
    Field("vertical_alignment", "result.vertical_alignment", _read_choice(VerticalAlignment), "bottom"),
    Field("output_format", "output.format", _read_choice(OutputFormat), "png"),
    Field("jpeg_quality", "output.jpeg_quality", _read_integer(1, 100), "85"),
)
BY_WIRE: Final = {field.wire: field for field in FIELDS}
BY_ATTRIBUTE: Final = {field.attribute: field for field in FIELDS}
_DEFAULTS: Final = Params()


def params_from_text(texts: Iterable[tuple[str, str]], *, by_option: bool = False) -> Params:
    """Parameters from (attribute, text) pairs; raises `ParamError` at the first that is wrong.

    With `by_option` the error names the command-line option, else the wire name.
    """
    values: dict[str, Any] = {}  # a field's reader gives its type
    for attribute, text in texts:
        field = BY_ATTRIBUTE[attribute]
        values[attribute] = field.read(text.strip(), name=field.option if by_option else None)
    return Params(**values)


def params_to_wire(params: Params) -> list[tuple[str, str]]:
    """The form fields to send: every parameter that differs from the service's default."""
    return [
        (field.wire, _write(getattr(params, field.attribute)))
        for field in FIELDS
        if getattr(params, field.attribute) != getattr(_DEFAULTS, field.attribute)
    ]


def contradictions(params: Params) -> list[str]:
    """Combinations that make no sense, each as one sentence; empty when all is well."""
    problems: list[str] = []
    if params.output_format is OutputFormat.DELTA_PNG:
        problems += [
            f"delta_png ignores {field.option}: leave one of them out"
            for field in map(BY_ATTRIBUTE.__getitem__, _IGNORED_BY_DELTA)
            if getattr(params, field.attribute) != getattr(_DEFAULTS, field.attribute)
        ]
    elif params.vertical_alignment is not VerticalAlignment.MIDDLE and params.target_size is None:
        problems.append("--vertical-alignment needs --target-size: without it there is no spare room")
    if params.jpeg_quality != DEFAULT_JPEG_QUALITY and params.result_format is not OutputFormat.JPEG:
        problems.append(f"--jpeg-quality has no effect on {params.result_format}: add --output-format jpeg")
    return problems


_IGNORED_BY_DELTA: Final = (
    "background_color",
    "crop_to_foreground",
    "margin",
    "target_size",
    "vertical_alignment",
)


def full_picture(params: Params) -> Params:
    """Of the same cut-out the whole picture, transparent and without loss: crop, size, ground and format are drawn on it."""
    return Params(test=params.test, max_pixels=params.max_pixels, output_format=OutputFormat.PNG)


def canonical(params: Params) -> str:
    """One string for all parameters that give the same result: half of the ledger's key.

    What cannot change the result is left out (a JPEG quality on a PNG), and `auto` is decided, so
    that asking for the same thing in other words is not new work.
    """
    decided = replace(params, output_format=OutputFormat(params.result_format))
    if decided.output_format is not OutputFormat.JPEG:
        decided = replace(decided, jpeg_quality=DEFAULT_JPEG_QUALITY)
    if decided.output_format is OutputFormat.DELTA_PNG:
        decided = replace(decided, **{name: getattr(_DEFAULTS, name) for name in _IGNORED_BY_DELTA})
    decided = replace(decided, margin=_without_zero_units(decided.margin))
    if decided.target_size is None:
        decided = replace(decided, vertical_alignment=VerticalAlignment.MIDDLE)
    return ";".join(f"{name}={value}" for name, value in params_to_wire(decided))


def _without_zero_units(margin: Margin) -> Margin:
    sides = (margin.top, margin.right, margin.bottom, margin.left)
    return Margin(*(side if side.value else ZERO_LENGTH for side in sides))  # 0% is 0px
