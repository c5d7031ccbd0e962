from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pixian_batch.emulator.engine.refine import _Box, reduced, refine

if TYPE_CHECKING:
    from numpy.typing import NDArray


def disc(height: int, width: int, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:height, :width]
    found: NDArray[np.bool_] = np.hypot(rows - height / 2, columns - width / 2) < radius
    return found


def painted(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(mask[..., np.newaxis], (200, 90, 40), (60, 110, 160)).astype(np.uint8)


def soft(mask: NDArray[np.bool_], radius: int) -> NDArray[np.float32]:
    return _Box(mask.shape, radius)(_Box(mask.shape, radius)(mask.astype(np.float32)))


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


@pytest.mark.parametrize("radius", [1, 2, 9])
def test_the_running_sums_are_the_mean_of_the_window(radius: int) -> None:
    values = np.random.default_rng(2).random((13, 17)).astype(np.float32)
    means = _Box(values.shape, radius)(values)
    for row, column in ((0, 0), (6, 8), (12, 16), (0, 9)):
        window = values[
            max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1
        ]
        assert means[row, column] == pytest.approx(window.mean(), abs=1e-5)


def test_reducing_in_bands_keeps_the_picture() -> None:
    rows, columns = np.mgrid[:2003, :1501]
    rgb = np.stack([rows * 255 // 2003, columns * 255 // 1501, rows * 0 + 77], -1).astype(np.uint8)
    small = np.asarray(reduced(rgb)).astype(int)
    assert 0.9 < small.shape[0] * small.shape[1] / 640**2 < 1.1
    ramp = np.linspace(0, 255, small.shape[0])
    assert np.abs(small[:, 5, 0] - ramp).max() < 3
    assert np.abs(small[..., 2] - 77).max() <= 1
