"""What is known of one image file that is checked: its file, its form, its pixels. Pure data, and can be pickled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixian_batch.contract.params import Color, Size
    from pixian_batch.imaging.ground import GroundMeasures


class ColorSpace(StrEnum):
    """What an image's numbers mean. Without a profile they are sRGB, as every browser takes them."""

    SRGB = "srgb"
    GREY = "grey"
    CMYK = "cmyk"
    OTHER = "other"
    """RGB with a profile of another space: shown without colour management, its colours are wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """One readable image. size: upright, in pixels; grounds: what was measured, by the colour that was asked for."""

    format: str
    """By its bytes: `jpeg`, `png`, `gif`, `tiff`, `bmp`, `webp`, `avif` or `heic`."""
    suffix: str
    """Of its name, in lower case, with its dot."""
    suffix_fits: bool
    bytes: int
    size: Size
    pictures: int = 1
    """How many are in the file: frames of an animation, pages."""
    colors: ColorSpace = ColorSpace.SRGB
    color_name: str = ""
    """What its colour profile calls itself."""
    transparent: float = 0.0
    """Of its pixels, not wholly opaque."""
    grounds: tuple[tuple[Color | None, GroundMeasures], ...] = ()

    def ground(self, color: Color | None) -> GroundMeasures:
        """The measures against this colour. Raises KeyError for one that was not asked for."""
        return dict(self.grounds)[color]


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file of which nothing can be said. reason: why; hint: what to do."""

    reason: str
    hint: str = ""
