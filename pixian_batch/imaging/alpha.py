"""How much of a PNG is visible, from a sample of its pixels. Decides nothing.

Decoding is what it costs (some 0.03 s of CPU for a megapixel): a PNG cannot be decoded in part, each row is told by the
one above it. So every so many pixels are looked at, and no more than one decoded picture is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from PIL import Image, ImageChops

from pixian_batch.contract.kinds import Kind
from pixian_batch.imaging.errors import only_unreadable
from pixian_batch.imaging.opening import open_lazily, quiet

if TYPE_CHECKING:
    from pixian_batch.contract.headers import Box

MOST_PIXELS: Final = 64_000_000
"""A larger result is not looked at: decoded it would take more than a quarter of a gigabyte."""
_SAMPLES: Final = 600
"""Samples a side, at most."""


@dataclass(frozen=True, slots=True)
class AlphaCounts:
    """How many samples there are of each alpha, 0 to 255: in the whole picture, and within a box of it."""

    whole: list[int]
    inside: list[int] | None


def count_alpha(stream: BinaryIO, box: Box | None = None, *, delta: bool = False) -> AlphaCounts | None:
    """Sample the PNG in `stream`; None where it has no alpha, or too many pixels.

    delta: it is a Delta PNG, in which what is opaque has its mark. Raises `UnreadableImageError`.
    """
    with only_unreadable():
        with quiet():
            image = open_lazily(stream, Kind.PNG)
        if image.width * image.height > MOST_PIXELS or not image.has_transparency_data:
            return None
        image.load()
        sides = image.size
        few = (min(_SAMPLES, sides[0]), min(_SAMPLES, sides[1]))
        sample = image.resize(few, Image.Resampling.NEAREST).convert("RGBA")
    return _counted(rebuilt_alpha(sample) if delta else sample.getchannel("A"), sides, box)


def count_decoded(alpha: Image.Image, box: Box | None = None) -> AlphaCounts:
    """As `count_alpha`, of an alpha (mode L) that is decoded already: the same samples, the same counts."""
    few = (min(_SAMPLES, alpha.width), min(_SAMPLES, alpha.height))
    return _counted(alpha.resize(few, Image.Resampling.NEAREST), alpha.size, box)


def _counted(sample: Image.Image, sides: tuple[int, int], box: Box | None) -> AlphaCounts:
    inside = _inside(sample, sides, box)
    return AlphaCounts(sample.histogram(), inside.histogram() if inside is not None else None)


def rebuilt_alpha(sample: Image.Image) -> Image.Image:
    """The alpha of what a delta stands for: solid where it is clear and its red is full."""
    red, alpha = sample.getchannel("R"), sample.getchannel("A")
    solid = ImageChops.darker(
        red.point([0] * 255 + [255]),
        alpha.point([255] + [0] * 255),
    )
    return ImageChops.lighter(alpha, solid)


def _inside(alpha: Image.Image, sides: tuple[int, int], box: Box | None) -> Image.Image | None:
    """The samples within `box`; None where it does not lie in the picture, or holds none."""
    if box is None or box.left + box.width > sides[0] or box.top + box.height > sides[1]:
        return None
    across, down = alpha.width / sides[0], alpha.height / sides[1]
    # Only samples that lie wholly inside: at its edge they may show what is beside it.
    left, top = -int(-box.left * across // 1), -int(-box.top * down // 1)
    right, bottom = int((box.left + box.width) * across), int((box.top + box.height) * down)
    return alpha.crop((left, top, right, bottom)) if right > left and bottom > top else None
