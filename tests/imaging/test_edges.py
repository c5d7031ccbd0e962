from __future__ import annotations

import numpy as np
import pytest
from imaging.samples import photo

from pixian_batch.imaging.edges import clean_edges

FRONT, BACK = np.array([180, 60, 30]), np.array([90, 200, 240])


@pytest.mark.parametrize("width", [80, 400])
def test_a_mixture_gives_back_the_foregrounds_colour(width: int) -> None:
    share = np.clip((np.arange(width) - width / 2) / 4 + 0.5, 0, 1)[np.newaxis, :, np.newaxis]
    share = np.repeat(share, 60, axis=0)
    seen = (share * FRONT + (1 - share) * BACK).round().astype(np.uint8)
    matte = (share[..., 0] * 255).round().astype(np.uint8)
    soft = (matte > 0) & (matte < 255)
    cleaned = clean_edges(seen, matte)
    before, after = (np.abs(pixels[soft] - FRONT).mean() for pixels in (seen, cleaned))
    assert before > 60
    assert after < before / 3
    assert (cleaned[~soft] == seen[~soft]).all()


def test_without_soft_edges_nothing_is_copied() -> None:
    rgb = photo(300, 200)
    matte = np.where(rgb[..., 0] > 100, 255, 0).astype(np.uint8)
    assert clean_edges(rgb, matte) is rgb


def test_the_input_is_not_changed_and_any_matte_is_answered() -> None:
    rgb = photo(150, 140)
    matte = photo(150, 140, seed=9)[..., 1]
    cleaned = clean_edges(rgb, matte)
    assert (rgb == photo(150, 140)).all()
    assert (cleaned[matte == 255] == rgb[matte == 255]).all()
    assert clean_edges(rgb[:1, :1], np.array([[7]], np.uint8)).shape == (1, 1, 3)
