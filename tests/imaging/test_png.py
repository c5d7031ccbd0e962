from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.image_samples import decoded, photo, srgb_profile

from pixian_batch.imaging.png import write_png


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([0, 1, 3, 4]), st.integers(0, 2**32 - 1))
def test_pillow_reads_back_every_byte(width: int, height: int, channels: int, seed: int) -> None:
    shape = (height, width, channels) if channels else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    assert (decoded(write_png(pixels)).reshape(pixels.shape) == pixels).all()


def test_many_stripes_join_without_a_seam() -> None:
    pixels = photo(900, 700)
    assert (decoded(write_png(pixels)) == pixels).all()


def test_sixteen_bits_keep_both_bytes() -> None:
    pixels = np.random.default_rng(3).integers(0, 65536, (40, 50), dtype=np.uint16)
    assert (decoded(write_png(pixels)) == pixels).all()


def test_a_slice_of_a_larger_picture_is_written_as_seen() -> None:
    view = photo(60, 50)[5:40:2, 3:50]
    assert (decoded(write_png(view)) == view).all()


def test_the_profile_is_embedded() -> None:
    profile = srgb_profile()
    with Image.open(io.BytesIO(write_png(photo(), icc=profile))) as image:
        assert image.info["icc_profile"] == profile


def test_without_isal_zlib_writes_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    pixels = photo(200, 150)
    assert (decoded(write_png(pixels)) == pixels).all()


def test_what_png_cannot_hold_is_refused(subtests: pytest.Subtests) -> None:
    cases: list[np.ndarray] = [
        np.zeros((2, 2, 2), np.uint8),
        np.zeros((2, 2), np.float32),
        np.zeros((0, 2, 3), np.uint8),
        np.zeros(4, np.uint8),
    ]
    for pixels in cases:
        with subtests.test(pixels=pixels), pytest.raises(ValueError, match="no PNG"):
            write_png(pixels)
