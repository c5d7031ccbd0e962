"""Made-up product pictures: a red ball with a blue label on a ground, with whatever a marketplace would find wrong."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WHITE = (255, 255, 255)
RED = (180, 60, 40)


def product(
    size: tuple[int, int] = (400, 400),
    *,
    ground: tuple[int, int, int] = WHITE,
    fill: float = 0.9,
    color: tuple[int, int, int] = RED,
    shadow: float = 0.0,
) -> Image.Image:
    """A ball that fills this much of the longer side. shadow: how dark its soft shadow is, 0..1."""
    picture = Image.new("RGB", size, ground)
    middle, radius = (size[0] / 2, size[1] / 2), max(size) * fill / 2
    left, top, right, bottom = (
        middle[0] - radius,
        middle[1] - radius,
        middle[0] + radius - 1,
        middle[1] + radius - 1,
    )
    if shadow:
        mask = Image.new("L", size, 0)
        ImageDraw.Draw(mask).ellipse(
            (left, bottom - radius / 2, right, bottom + radius / 4), fill=int(255 * shadow)
        )
        picture.paste((60, 60, 60), mask=mask.filter(ImageFilter.GaussianBlur(max(size) / 40)))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((left, top, right, bottom), fill=color)
    draw.rectangle((middle[0] - radius / 3, middle[1] - radius / 3, middle[0], middle[1]), fill=(40, 80, 160))
    return picture


def cut_off(side: int = 400) -> Image.Image:
    """A ball of which a photo's frame has cut a third off, with a margin around it all the same."""
    whole = product((side, side), fill=1)
    kept = whole.crop((0, 0, side, side * 2 // 3))
    picture = Image.new("RGB", (side * 5 // 4, side * 5 // 4), WHITE)
    picture.paste(kept, (side // 8, side // 5))
    return picture


def pixels(picture: Image.Image) -> NDArray[np.uint8]:
    return np.array(picture.convert("RGB"))


def as_jpeg(picture: Image.Image, quality: int, subsampling: int = 2) -> NDArray[np.uint8]:
    """Its pixels after a JPEG. subsampling: 2 is the usual 4:2:0."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, subsampling=subsampling)
    return pixels(Image.open(out))


def put_picture(path: Path, picture: Image.Image, **options: Any) -> str:
    """Save it by the name's extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return str(path)
