"""What a variant is made like: a recipe, as data. Its words are those of `reading`, its pixels those of the rooms beside.

Equal recipes make equal files: `identity` is what the index of an output folder remembers of one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.contract.params import Color, Length, Margin, Params, Size, VerticalAlignment

if TYPE_CHECKING:
    from pixian_batch.policy.template import Template

_BLUR: Final = Length(Decimal(2), "%")
_NO_OFFSET: Final = Length(Decimal(0), "px")
_BLACK: Final = Color(0, 0, 0)
_PARAMS: Final = Params()
_VERSION: Final = 1
"""Of what the recipes' words mean in pixels: when that changes, all variants are made anew."""


class Format(StrEnum):
    """The kind of file that a variant is."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def suffix(self) -> str:
        """Without a dot."""
        return "jpg" if self is Format.JPEG else self.value

    @property
    def is_lossy(self) -> bool:
        """Whether it has a quality."""
        return self is not Format.PNG


class ColorProfile(StrEnum):
    """What becomes of the colours: converted to sRGB, or left in the space they are in."""

    SRGB = "srgb"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Gradient:
    """From one colour to another. angle: 180 is downwards, 90 to the right, as in CSS; None is from the middle out."""

    start: Color
    end: Color
    angle: int | None = 180


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A picture that fills the canvas, cut at the longer side. digest: of its bytes."""

    path: str
    digest: str


Ground: TypeAlias = "Color | Gradient | Backdrop"


@dataclass(frozen=True, slots=True)
class Shadow:
    """A soft shadow where the object stands. strength: 0 to 1; blur and offset (downwards): % of its longer side, or px."""

    strength: float = 0.4
    blur: Length = _BLUR
    offset: Length = _NO_OFFSET
    color: Color = _BLACK


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the object goes: the API's own words, and what it has none for."""

    params: Params = _PARAMS
    enlarge: bool = True
    pad: bool = True

    @property
    def crops(self) -> bool:
        """Whether it is seen from the object's box on: what is around that in the result does not matter."""
        return self.params.crop_to_foreground


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the pixels become a file. max_bytes: the best quality down to `least` that fits is taken."""

    format: Format = Format.PNG
    quality: int = 90
    least: int = 40
    max_bytes: int | None = None
    color_profile: ColorProfile = ColorProfile.SRGB
    dpi: int | None = None
    keeps_metadata: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecipe:
    """One kind of variant. template: of the files' names, where `{recipe}` is said already."""

    name: str
    template: Template
    description: str = ""
    fit: Fit = Fit()
    ground: Ground | None = None
    shadow: Shadow | None = None
    despill: bool = False
    encoding: Encoding = Encoding()

    @property
    def identity(self) -> str:
        """What its files depend on: everything but how it, and they, are called."""
        made_by = {
            item.name: repr(getattr(self, item.name))
            for item in fields(self)
            if item.name not in {"name", "template", "description"}
        }
        return json.dumps([_VERSION, made_by], sort_keys=True)

    @property
    def target(self) -> Size | None:
        """The size of the canvas, where it does not follow from the picture."""
        return self.fit.params.target_size

    @property
    def alignment(self) -> VerticalAlignment:
        """Where the object stands in spare height."""
        return self.fit.params.vertical_alignment

    @property
    def margin(self) -> Margin:
        """Around the object."""
        return self.fit.params.margin
