"""From a coarse map to a fine edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pixian_batch.emulator.engine import refine as module
from pixian_batch.emulator.engine.refine import reduced, refine

if TYPE_CHECKING:
    from numpy.typing import NDArray


def disc(height: int, width: int, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:height, :width]
    inside: NDArray[np.bool_] = np.hypot(rows - height / 2, columns - width / 2) < radius
    return inside


def painted(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(mask[..., np.newaxis], (200, 90, 40), (60, 110, 160)).astype(np.uint8)


def averaged(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """The mean over a window that is cut at the borders, as plainly as it can be said."""
    means = np.empty_like(values)
    for row, column in np.ndindex(*values.shape):
        means[row, column] = values[
            max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1
        ].mean()
    return means


def soft(mask: NDArray[np.bool_], radius: int) -> NDArray[np.float32]:
    return averaged(averaged(mask.astype(np.float64), radius), radius).astype(np.float32)


def by_the_book(
    rgb: NDArray[np.uint8], small: Image.Image, coarse: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The fast guided filter of He and Sun on the whole picture, in double precision, without tiles."""
    size = small.size
    guide = np.asarray(small, np.float64) / 255
    matte = np.clip(np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)), 0, 1)
    radius = max(2, round(2.5 * max(size) / 320))

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return averaged(values, radius)

    colours = [guide[..., channel] for channel in range(3)]
    means = np.stack([mean(colour) for colour in colours], -1)
    flat = mean(matte.astype(np.float64))
    covariance = np.empty((*matte.shape, 3, 3))
    for i, j in np.ndindex(3, 3):
        covariance[..., i, j] = mean(colours[i] * colours[j]) - means[..., i] * means[..., j]
    covariance += 3e-4 * np.eye(3)
    common = np.stack([mean(colour * matte) - means[..., i] * flat for i, colour in enumerate(colours)], -1)
    slope = np.linalg.solve(covariance, common[..., np.newaxis])[..., 0]
    planes = [mean(plane) for plane in (*np.moveaxis(slope, -1, 0), flat - (slope * means).sum(-1))]
    full = rgb.shape[1], rgb.shape[0]
    large = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize(full, Image.Resampling.BILINEAR))
        for plane in planes
    ]
    value = (np.stack(large[:3], -1) * (rgb / 255)).sum(-1) + large[3]
    return np.asarray(np.clip((value - 0.15) / 0.7, 0, 1) * 255, np.float64)


@pytest.mark.parametrize("size", [(300, 400), (900, 1200)])
def test_a_soft_matte_snaps_to_the_pictures_edge(size: tuple[int, int]) -> None:
    mask = disc(*size, min(size) * 0.3)
    rgb = painted(mask)
    coarse = soft(disc(240, 320, 240 * 0.3), 2)
    unrefined = Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    alpha = refine(rgb, reduced(rgb), coarse) / 255
    assert np.abs(alpha - mask).mean() < np.abs(np.asarray(unrefined) - mask).mean() / 2


def test_inside_is_solid_and_outside_is_empty() -> None:
    mask = disc(500, 700, 150)
    alpha = refine(painted(mask), reduced(painted(mask)), soft(disc(229, 320, 150 * 320 / 700), 3))
    assert (alpha[disc(500, 700, 140)] == 255).all()
    assert (alpha[~disc(500, 700, 160)] == 0).all()


def test_faint_and_nearly_full_maps_become_empty_and_full() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert (refine(rgb, reduced(rgb), np.full((320, 320), 0.06, np.float32)) == 0).all()
    assert (refine(rgb, reduced(rgb), np.full((320, 320), 0.95, np.float32)) == 255).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (700, 2), (3, 3), (129, 257)])
def test_any_shape_is_refined(shape: tuple[int, int]) -> None:
    rgb = np.zeros((*shape, 3), np.uint8)
    assert refine(rgb, reduced(rgb), np.ones((320, 320), np.float32)).shape == shape


@pytest.mark.parametrize("shape", [(150, 290), (61, 40)], ids=["tiles", "one tile"])
def test_tiles_give_what_the_filter_gives_on_the_whole_picture(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    """Nothing here is flat, so every pixel comes out of the filter; float32 and rounding leave 1 of 255."""
    monkeypatch.setattr(module, "_GUIDE_PIXELS", 60 * 60)
    random = np.random.default_rng(5)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    shade = 120 + 60 * np.sin(rows / 9) * np.cos(columns / 13)
    rgb = (shade[..., np.newaxis] + random.integers(0, 40, (*shape, 3))).astype(np.uint8)
    coarse = random.random((320, 320)).astype(np.float32)
    wanted = by_the_book(rgb, reduced(rgb), coarse)
    assert np.abs(refine(rgb, reduced(rgb), coarse) - wanted).max() <= 1


def test_flat_tiles_are_those_that_the_filter_would_leave_flat() -> None:
    mask = disc(700, 900, 120)
    rgb = painted(mask)
    coarse = soft(disc(249, 320, 120 * 320 / 900), 2)
    alpha = refine(rgb, reduced(rgb), coarse)
    assert set(np.unique(alpha[:128, :128])) == {0}
    assert alpha[350, 450] == 255


def test_products_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    planes, left, right = (random.random(shape, np.float32) for shape in ((3, 20, 30), (50, 20), (40, 30)))
    wanted = left @ planes @ right.T
    monkeypatch.setattr(module, "_ONE_THREAD", 5000)
    assert np.allclose(module._product(left, module._product_right(planes, right)), wanted, rtol=1e-5)


def test_reducing_in_bands_keeps_the_picture() -> None:
    rows, columns = np.mgrid[:2003, :1501]
    rgb = np.stack([rows * 255 // 2003, columns * 255 // 1501, rows * 0 + 77], -1).astype(np.uint8)
    small = np.asarray(reduced(rgb)).astype(int)
    assert 0.9 < small.shape[0] * small.shape[1] / 640**2 < 1.1
    ramp = np.linspace(0, 255, small.shape[0])
    assert np.abs(small[:, 5, 0] - ramp).max() < 3
    assert np.abs(small[..., 2] - 77).max() <= 1
