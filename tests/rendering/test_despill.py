"""Despill, measured: composites of known colours on black, white and green grounds, cut out with their true alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pixian_batch.emulator.engine.plain import PlainEngine
from pixian_batch.rendering.despill import despilled

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUNDS = {"black": (0, 0, 0), "white": (255, 255, 255), "green": (0, 200, 0)}


def object_of(kind: str) -> NDArray[np.uint8]:
    """Colours of an object, 160 x 200: even, shaded, or with a fine texture."""
    rows, columns = np.mgrid[:160, :200].astype(np.float32)
    colours = np.empty((160, 200, 3), np.float32)
    colours[:] = (180, 90, 60)
    if kind == "shaded":
        colours *= (0.5 + columns / 250)[..., np.newaxis]
    if kind == "textured":
        colours += 25 * np.sin(rows * 1.3)[..., np.newaxis] * np.sin(columns * 1.1)[..., np.newaxis]
    return np.clip(colours, 0, 255).astype(np.uint8)


def soft_matte() -> NDArray[np.uint8]:
    """An ellipse with an edge of about 6 pixels."""
    rgb = np.zeros((160, 200, 3), np.uint8)
    return PlainEngine().matte(rgb)


def fringe(pixels: NDArray[np.uint8], true: NDArray[np.uint8]) -> float:
    """Mean error of the edge's colours as they are seen on any ground: weighted by alpha, in levels of 255."""
    alpha = pixels[..., 3].astype(np.float32)
    edge = (alpha > 0) & (alpha < 255)
    error = np.abs(pixels[..., :3].astype(np.float32) - true).mean(axis=2)
    return float((error * alpha)[edge].sum() / alpha[edge].sum())


@pytest.mark.parametrize("kind", ["even", "shaded", "textured"])
def test_the_fringe_of_every_ground_goes(kind: str) -> None:
    true, alpha = object_of(kind), soft_matte()
    share = alpha[..., np.newaxis].astype(np.float32) / 255
    for name, ground in GROUNDS.items():
        mixed = share * true + (1 - share) * np.array(ground, np.float32)
        pixels = np.dstack([np.rint(mixed).astype(np.uint8), alpha])
        before, after = fringe(pixels, true), fringe(despilled(pixels), true)
        assert before > 10, name
        assert after < before * (0.35 if kind == "textured" else 0.12), name


@pytest.mark.parametrize("kind", ["even", "shaded", "textured"])
def test_a_clean_edge_stays_clean(kind: str) -> None:
    true, alpha = object_of(kind), soft_matte()
    pixels = np.dstack([true, alpha])
    assert fringe(despilled(pixels), true) < 2.5


def test_what_is_opaque_or_clear_is_never_touched() -> None:
    pixels = np.dstack([np.random.default_rng(1).integers(0, 256, (160, 200, 3), np.uint8), soft_matte()])
    changed = (despilled(pixels) != pixels).any(axis=2)
    assert changed.any()
    assert set(np.unique(pixels[..., 3][changed])) <= set(range(1, 255))
    for shape in ((1, 1, 4), (1, 500, 4), (300, 2, 4)):
        few = np.full(shape, 128, np.uint8)
        assert np.array_equal(despilled(few), few), "nothing opaque is near: nothing is known"
