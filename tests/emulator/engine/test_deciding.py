"""Regions in which the network is unsure: which are decided, how, and which are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixian_batch.emulator.engine import deciding
from pixian_batch.emulator.engine.deciding import decided
from pixian_batch.imaging.mist import mist

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float32]

SAMPLES = Path(__file__).parents[3] / "docs" / "samples"
SIDE = 320
RED, BLUE = (200, 60, 40), (40, 70, 190)


def scene() -> tuple[Map, NDArray[np.uint8]]:
    """A red square before a blue wall, and a network that is sure of both."""
    sure = np.zeros((SIDE, SIDE), np.float32)
    sure[60:260, 60:260] = 1
    picture = np.where(sure[..., np.newaxis] > 0, RED, BLUE).astype(np.uint8)
    noise = np.random.default_rng(1).integers(-9, 10, picture.shape)
    return sure, np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("doubt", [0.3, 0.5, 0.7])
@pytest.mark.parametrize(("place", "wanted"), [(slice(120, 200), 1), (slice(5, 55), 0)], ids=["in", "out"])
def test_an_unsure_patch_becomes_what_it_looks_like(doubt: float, place: slice, wanted: int) -> None:
    coarse, picture = scene()
    coarse[place, 100:220] = doubt
    found = decided(coarse, Image.fromarray(picture))[place, 100:220][2:-2, 2:-2]
    assert np.abs(found - wanted).max() < 0.1


def test_an_unsure_patch_across_an_edge_is_cut_along_it() -> None:
    coarse, picture = scene()
    truth = coarse.copy()
    coarse[100:200, 200:310] = 0.5
    found = decided(coarse, Image.fromarray(picture))
    wrong = np.abs(found - truth) > 0.1
    assert wrong[:, np.r_[0:252, 268:320]].mean() < 0.006, "but for its rim"


def test_soft_edges_are_left_as_they_are() -> None:
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2))
    coarse = np.clip((90 - away) / 10 + 0.5, 0, 1).astype(np.float32)
    assert decided(coarse, Image.fromarray(scene()[1])) is coarse


def test_where_nothing_is_sure_and_nothing_to_be_seen_nothing_is_decided() -> None:
    coarse = np.full((SIDE, SIDE), 0.02, np.float32)
    coarse[80:240, 80:240] = np.random.default_rng(2).uniform(0.35, 0.6, (160, 160))
    grey = np.random.default_rng(3).integers(90, 110, (SIDE, SIDE, 3), np.uint8)
    assert np.abs(decided(coarse, Image.fromarray(grey)) - coarse).max() < 1e-6


@pytest.mark.parametrize("shape", [(40, 40), (1024, 1024), (200, 340)])
def test_maps_of_all_sizes_are_decided(shape: tuple[int, int]) -> None:
    coarse, picture = scene()
    coarse[120:200, 100:220] = 0.5
    sized = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BOX))
    found = decided(sized, Image.fromarray(picture))
    assert found.shape == shape
    assert found[shape[0] // 2, shape[1] // 2] > 0.9


def test_the_walk_is_the_solution_of_its_equations() -> None:
    random = np.random.default_rng(4)
    colours = random.uniform(0, 255, (7, 9, 3)).astype(np.float32)
    wanted, stubborn = random.uniform(0.02, 1, (2, 7, 9)).astype(np.float32)
    holds = deciding._Holds.between(colours)
    own = np.diag((stubborn + holds.shares(np.ones_like(wanted))).ravel())
    others = np.stack(
        [holds.shares(one.reshape(7, 9)).ravel() for one in np.eye(63, dtype=np.float32)], axis=1
    )
    exact = np.linalg.solve(own - others, (stubborn * wanted).ravel())
    assert np.abs(deciding._walked(holds, wanted, stubborn).ravel() - exact).max() < 5e-3


@given(st.integers(0, 2**32), st.floats(0.2, 0.8))
def test_regions_are_those_that_a_flood_fills(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((9, 12)) < share
    numbers = deciding._regions(mask)
    assert ((numbers > 0) == mask).all()
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    seen = set()
    while left:
        region = flooded(left, left.pop())
        (number,) = {int(numbers[cell]) for cell in region}
        assert number not in seen
        seen.add(number)
        left -= region


def flooded(cells: set[tuple[int, int]], start: tuple[int, int]) -> set[tuple[int, int]]:
    region, edge = {start}, [start]
    while edge:
        row, column = edge.pop()
        near = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)} & cells - region
        region |= near
        edge += near
    return region


def test_the_cat_of_the_samples_has_no_mist() -> None:
    pytest.importorskip("onnxruntime", reason="the engine's runtime is an extra")
    from concurrent.futures import ThreadPoolExecutor

    from pixian_batch.emulator.engine import load_engine

    with Image.open(SAMPLES / "cat.png") as image, ThreadPoolExecutor(1) as pool:
        rgb = np.asarray(image.convert("RGB"))
        alpha = pool.submit(load_engine, threads=1).result().matte(rgb)
    assert mist(alpha) < 0.03  # 0.12 before wide unsure regions were decided
    rows, columns = alpha.shape
    face = alpha[rows // 4 : rows * 3 // 4, columns * 2 // 5 : columns * 3 // 5]
    assert (face == 255).mean() > 0.99, "it is whole"
    half = (alpha > 25) & (alpha < 230)
    assert 0.01 < half.mean() < 0.08, "its fur is soft"
