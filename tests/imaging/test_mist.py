"""Mist is what is half transparent and wider than an edge."""

from __future__ import annotations

import numpy as np
import pytest

from pixian_batch.imaging.mist import mist


@pytest.mark.parametrize("side", [60, 400, 900, 2500])
def test_a_patch_counts_with_its_area(side: int) -> None:
    matte = np.zeros((side, side), np.uint8)
    matte[: side // 2, : side // 2] = 128
    assert mist(matte) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("side", [400, 2500])
def test_edges_and_hairs_do_not_count(side: int) -> None:
    rows, columns = np.mgrid[:side, :side]
    away = np.hypot(rows - side / 2, columns - side / 2) / side
    soft = np.clip((0.3 - away) / 0.02 + 0.5, 0, 1)
    hairs = np.where((rows * 80 // side % 4 == 0) & (away < 0.45), 0.5, 0)
    assert mist((np.maximum(soft, hairs) * 255).astype(np.uint8)) < 0.005


@pytest.mark.parametrize("alpha", [0, 25, 230, 255])
def test_what_is_nearly_nothing_or_nearly_all_is_decided(alpha: int) -> None:
    assert mist(np.full((300, 200), alpha, np.uint8)) == 0


def test_a_single_row_is_measured_too() -> None:
    assert mist(np.full((1, 500), 128, np.uint8)) == 1
    assert mist(np.full((1, 1), 0, np.uint8)) == 0
