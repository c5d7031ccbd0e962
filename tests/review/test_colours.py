"""Fringes and grounds: made-up edges of known colours."""

from __future__ import annotations

import numpy as np
import pytest
from support import mattes

from pixian_batch.review.colours import SAMPLES, fringe, left_behind, sampled, sharp_ground

BLACK, GREY, WHITE = (0, 0, 0), (128, 128, 128), (255, 255, 255)
SOFT = mattes.disc(100, soft=12)


def test_a_clean_edge_has_no_fringe() -> None:
    found = fringe(mattes.cut_out(SOFT), SOFT, np.full((*mattes.SHAPE, 3), 255, np.uint8))
    assert found.lighter == pytest.approx(0, abs=0.001)
    assert found.ground == pytest.approx(0, abs=0.001)


def test_a_fringe_is_lighter_or_darker_than_what_it_belongs_to() -> None:
    for edge, lighter in ((WHITE, 127 / 255), (BLACK, -128 / 255)):
        found = fringe(mattes.cut_out(SOFT, colour=GREY, edge=edge), SOFT)
        assert found.lighter == pytest.approx(lighter, abs=0.03)  # the outermost kept pixels are of the edge
        assert found.ground is None, "nobody can tell without the photo"


def test_what_is_left_of_the_ground_is_its_share_in_the_edge() -> None:
    white = np.full((150, 200, 3), 255, np.uint8)  # a photo of any size
    for left in (0.0, 0.25, 0.5, 1.0):
        edge = tuple(round(part + left * (255 - part)) for part in (200, 90, 30))
        found = fringe(mattes.cut_out(SOFT, edge=(edge[0], edge[1], edge[2])), SOFT, white)
        assert found.ground == pytest.approx(left, abs=0.02)


def test_without_contrast_nobody_can_tell() -> None:
    photo = np.full((300, 400, 3), (205, 95, 35), np.uint8)
    assert fringe(mattes.cut_out(SOFT), SOFT, photo).ground is None
    for matte in (mattes.plain(0), mattes.plain(255), mattes.plain(128)):
        found = fringe(mattes.cut_out(matte), matte, photo)
        assert (found.lighter, found.ground) == (None, None)


def test_samples_are_pixels_of_the_full_resolution() -> None:
    pixels = np.arange(1300 * 700, dtype=np.uint32).reshape(700, 1300)
    few = sampled(pixels.astype(np.uint8))
    assert max(few.shape) <= SAMPLES
    assert np.array_equal(few, pixels[::3, ::3].astype(np.uint8))


def test_a_sharp_ground_is_told_from_a_plain_one() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 400)).astype(np.uint8)
    matte = mattes.disc(100)
    plain = np.where(matte > 0, noise, np.uint8(200))
    assert sharp_ground(noise, matte) == pytest.approx(1, abs=0.05)
    assert sharp_ground(plain, matte) == pytest.approx(0, abs=0.01)
    assert sharp_ground(noise, mattes.plain(255)) is None
    assert sharp_ground(noise, mattes.plain(0)) is None


def test_what_is_left_behind_on_a_plain_ground_is_told() -> None:
    photo = np.full((*mattes.SHAPE, 3), (230, 228, 225), np.uint8)
    photo[mattes.disc(50, middle=(150, 120)) > 0] = (200, 30, 30)
    kept = mattes.disc(50, middle=(150, 120))
    assert left_behind(photo, kept) == 0
    photo[280:290, 200:400] = (190, 188, 185)  # a shadow is none
    assert left_behind(photo, kept) == 0
    photo[mattes.disc(20, middle=(150, 220)) > 0] = (30, 60, 200)
    assert left_behind(photo, kept) == pytest.approx((20 / 50) ** 2, rel=0.1)
    photo[:, 250:] = (20, 20, 20)
    assert left_behind(photo, kept) is None, "no plain ground: nobody can tell"
    for matte in (mattes.plain(0), mattes.plain(255)):
        assert left_behind(photo, matte) is None
