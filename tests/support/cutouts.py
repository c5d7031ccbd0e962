"""Cut-outs that the tests make themselves, and recipes in a line."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from support.image_samples import photo

from pixian_batch.emulator.engine.plain import PlainEngine
from pixian_batch.imaging.metadata import Metadata
from pixian_batch.rendering.reading import read_file
from pixian_batch.rendering.variants import Master
from pixian_batch.rendering.work import _canvas

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pixian_batch.rendering.recipe import VariantRecipe
    from pixian_batch.rendering.variants import VariantFile


def cutout(width: int = 60, height: int = 40, *, seed: int = 1) -> NDArray[np.uint8]:
    """A soft ellipse of a noisy picture, black where nothing is."""
    rgb = photo(width, height, seed=seed)
    pixels = np.dstack([rgb, PlainEngine().matte(rgb)])
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def recipe(folder: Path, text: str, name: str = "one") -> VariantRecipe:
    """The recipe whose table has these lines."""
    path = os.path.join(folder, "r.toml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(f"[recipe.{name}]\n{text}\n")
    return read_file(path)[name]


def made(
    pixels: NDArray[np.uint8], how: VariantRecipe, *, icc: bytes | None = None, **more: Any
) -> VariantFile:
    return Master(Image.fromarray(pixels), icc, _canvas).make(how, more.get("metadata", Metadata()))


def opened(file: VariantFile) -> Image.Image:
    image = Image.open(io.BytesIO(file.body))
    image.load()
    return image


def seen(file: VariantFile) -> NDArray[np.uint8]:
    return np.asarray(opened(file))
