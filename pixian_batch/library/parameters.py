"""Keyword arguments -> `Params`, by the same grammar as the command line. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from pixian_batch.contract.params import (
    BY_ATTRIBUTE,
    FIELDS,
    Color,
    Margin,
    OutputFormat,
    Params,
    Size,
    VerticalAlignment,
    contradictions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Parameters(TypedDict, total=False):
    """The API's parameters as keyword arguments; what is left out is the service's default.

    test: free, watermarked results. max_pixels: 100 to 25,000,000; larger images are shrunk first.
    background_color: `"#RRGGBB"`, (red, green, blue) or `Color`. margin: 1 to 4 CSS lengths in one text,
    `"10px"` or `"5% 10px"`, or `Margin`. target_size: (width, height), `"1200x800"` or `Size`.
    jpeg_quality: 1 to 100, for JPEG results only.
    """

    test: bool
    max_pixels: int
    background_color: str | tuple[int, int, int] | Color | None
    crop_to_foreground: bool
    margin: str | Margin
    target_size: str | tuple[int, int] | Size | None
    vertical_alignment: Literal["top", "middle", "bottom"] | VerticalAlignment
    output_format: Literal["auto", "png", "jpeg", "delta_png"] | OutputFormat
    jpeg_quality: int


def read_parameters(base: Params | None, given: Mapping[str, Any]) -> Params:
    """`base` (the defaults when None) with `given` laid over it.

    Raises `ParamError` (a ValueError) for a value the service would refuse, ValueError for parameters that
    contradict each other, TypeError for a name that is no parameter.
    """
    params = base or Params()
    for name, value in given.items():
        if name not in BY_ATTRIBUTE:
            raise TypeError(f"{name!r} is no parameter; there are {', '.join(BY_ATTRIBUTE)}")
        params = replace(params, **{name: _read(name, value)})
    for field in FIELDS:  # `Params` itself checks nothing
        value = getattr(params, field.attribute)
        if value != getattr(Params(), field.attribute):
            _read(field.attribute, value)
    if problems := contradictions(params):
        raise ValueError(as_arguments("; ".join(problems)))
    return params


def as_arguments(message: str) -> str:
    """A message about command-line options, about keyword arguments instead."""
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda option: option[1].replace("-", "_"), message)


def _read(name: str, value: Any) -> Any:
    if value is None:
        return getattr(Params(), name)
    return BY_ATTRIBUTE[name].read(_text(name, value), name=name)


def _text(name: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case (int(), int(), int()) if name == "background_color":
            return str(Color(*value))
        case (int(), int()) if name == "target_size":
            return f"{value[0]} {value[1]}"
        case _:
            return str(value)
