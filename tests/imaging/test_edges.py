from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from support.image_samples import photo

from pixian_batch.imaging.edges import TILE, Edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRONT, BACK = np.array([180, 60, 30]), np.array([90, 200, 240])


def opaque(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def cleaned(rgb: NDArray[np.uint8], matte: NDArray[np.uint8], *, step: int = 10**6) -> NDArray[np.uint8]:
    """The picture with clean edges, `step` rows at a time."""
    edges, pixels = Edges(rgb, matte), opaque(rgb)
    for top in range(0, len(rgb), step):
        edges.clean(pixels[top : top + step], top=top)
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3]


def nearby(rgb: NDArray[np.uint8], weight: NDArray[np.uint8], reach: int, block: int) -> NDArray[np.float64]:
    """Weighted mean colours around every pixel, and the mean weights, of the picture as a whole."""
    image = Image.fromarray(np.dstack([rgb, weight])).convert("RGBa").reduce(block)
    means = image.filter(ImageFilter.BoxBlur(reach / block))
    box = 0, 0, min(rgb.shape[1] / block, means.width), min(rgb.shape[0] / block, means.height)
    values = np.asarray(means.resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.BILINEAR, box=box), float)
    values[..., :3] *= 255 / np.maximum(values[..., 3:], 1)
    return values


def by_the_book(rgb: NDArray[np.uint8], matte: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Blur fusion as the module's head says it, without tiles."""
    reach = int(min(24, max(3, max(matte.shape) / 150)))
    block = 1 if reach < 12 else 2 if reach < 24 else 4
    a = matte[..., np.newaxis] / 255
    front, back = (
        nearby(rgb, (own.astype(int) ** 2 // 255).astype(np.uint8), reach, block)
        for own in (matte, 255 - matte)
    )
    colours = front[..., :3] + a * (rgb - a * front[..., :3] - (1 - a) * back[..., :3])
    known = (front[..., 3:] >= 6) & (back[..., 3:] >= 6) & (a > 0) & (a < 1)
    return np.where(known, np.clip(colours, 0, 255), rgb)


def test_a_mixture_gives_back_the_foregrounds_colour(subtests: pytest.Subtests) -> None:
    for width in [80, 400, 2000, 3700]:
        with subtests.test(width=width):
            share = np.clip((np.arange(width) - width / 2) / 4 + 0.5, 0, 1)[np.newaxis, :, np.newaxis]
            share = np.repeat(share, 60, axis=0)
            mixed = (share * FRONT + (1 - share) * BACK).round().astype(np.uint8)
            matte = (share[..., 0] * 255).round().astype(np.uint8)
            soft = (matte > 0) & (matte < 255)
            clean = cleaned(mixed, matte)
            before, after = (np.abs(pixels[soft] - FRONT).mean() for pixels in (mixed, clean))
            assert before > 60
            assert after < before / 3
            assert (clean[~soft] == mixed[~soft]).all()


@pytest.mark.parametrize("shape", [(200, 170), (140, 1900), (150, 3601)], ids=["1", "2", "4"])
def test_tiles_and_bands_give_what_the_whole_picture_gives(shape: tuple[int, int]) -> None:
    """For each side of a block of pixels; and wherever the tiles' borders are."""
    rgb, random = photo(shape[1], shape[0]), np.random.default_rng(4)
    matte = np.clip(random.integers(-900, 1100, shape), 0, 255).astype(np.uint8)
    matte[:, shape[1] // 2 :] = 255 * (np.arange(shape[1] - shape[1] // 2) % 300 > 150)
    clean = cleaned(rgb, matte)
    assert np.abs(clean - by_the_book(rgb, matte)).max() <= 1
    assert (cleaned(rgb, matte, step=TILE) == clean).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 140), st.integers(1, 140), st.integers(0, 2**32 - 1))
def test_any_matte_is_answered_and_sure_pixels_stay(width: int, height: int, seed: int) -> None:
    rgb, random = photo(width, height), np.random.default_rng(seed)
    matte = np.clip(random.integers(-200, 460, (height, width)), 0, 255).astype(np.uint8)
    sure = (matte == 0) | (matte == 255)
    assert (cleaned(rgb, matte)[sure] == rgb[sure]).all()


def test_without_soft_edges_nothing_changes() -> None:
    rgb = photo(300, 200)
    matte = np.where(rgb[..., 0] > 100, 255, 0).astype(np.uint8)
    assert (cleaned(rgb, matte) == rgb).all()
