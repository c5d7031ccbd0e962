"""Each measure of a matte's shape, on made-up mattes whose numbers can be told beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support import mattes

from pixian_batch.review.matte import Parts, Side, box, by_ground, edge_width, frame, outline, parts, small


def test_parts_are_islands_and_holes_without_dust() -> None:
    assert parts(mattes.plain(0)) == Parts(0, 0.0, 0, 0.0)
    assert parts(mattes.plain(255)) == Parts(1, 0.0, 0, 0.0)
    ring = parts(mattes.ring(100, 50))
    assert (ring.islands, ring.holes) == (1, 1)
    assert ring.hollow == pytest.approx(0.25, abs=0.01)
    many = np.zeros(mattes.SHAPE, np.uint8)
    for row in range(7):
        many[row * 40 : row * 40 + 20, 10:30] = 255
    many[0:40, 100:110] = 255  # as large as the others
    many[250, 300] = 255  # dust
    assert parts(many) == Parts(8, pytest.approx(7 / 8), 0, 0.0)  # type: ignore[arg-type]  # nearly equal
    assert parts(many // 10 * 1).islands == 0, "fainter than a tenth is cut away"


def test_pieces_that_touch_at_a_corner_are_one_and_a_bay_is_no_hole() -> None:
    assert parts(mattes.box(10, 10, 60, 60) | mattes.box(60, 60, 99, 99)).islands == 1
    bay = mattes.ring(100, 50)
    bay[145:155, 200:] = 0
    assert parts(bay).holes == 0


def test_a_small_copy_tears_nothing_thin() -> None:
    large = np.zeros((3000, 4000), np.uint8)
    large[100:900, 100:900] = large[2000:2900, 3000:3900] = 255
    for step in range(800, 3100):  # a cable of four pixels, from the one to the other
        large[step * 2 // 3 : step * 2 // 3 + 4, step] = 255
    little = small(large)
    assert max(little.shape) == 400
    assert parts(little).islands == 1
    assert small(mattes.plain(3)) is not None
    assert small(mattes.plain(3)).shape == mattes.SHAPE


def test_an_outline_is_compared_with_a_disc() -> None:
    assert outline(mattes.plain(0)) is None
    assert outline(mattes.plain(255)) == 0, "the frame cuts: no outline"
    assert outline(mattes.disc(100)) == pytest.approx(1, abs=0.02)
    comb = mattes.plain(0)
    comb[100:200, 100:300:4] = comb[150:155, 100:300] = 255
    assert (outline(comb) or 0) > 8


def test_an_edge_is_as_wide_as_it_was_made() -> None:
    for soft in (4, 12, 40):
        between = 0.8 * soft  # from a tenth to nine tenths
        assert edge_width(mattes.disc(100, soft=soft)) == pytest.approx(between / 400, rel=0.06)
    assert edge_width(mattes.box(10, 10, 90, 90)) == 0
    assert edge_width(mattes.plain(255)) is None
    assert edge_width(mattes.plain(0)) is None


def test_the_frame_is_touched_on_the_sides_where_it_is() -> None:
    assert frame(mattes.disc(100)) == {}
    assert frame(mattes.plain(255)) == dict.fromkeys(Side, 1.0)
    assert frame(mattes.box(100, 0, 250, 200)) == {Side.LEFT: 0.5}
    assert frame(mattes.box(150, 0, 300, 200)) == {Side.BOTTOM: 0.5, Side.LEFT: 0.5}
    assert frame(mattes.box(0, 100, 50, 200)) == {Side.TOP: 0.25}
    assert frame(mattes.box(100, 300, 130, 400)) == {Side.RIGHT: 0.1}
    assert frame(mattes.box(100, 300, 102, 400)) == {}, "a hair is not the subject"


def test_the_box_is_told_in_parts_of_the_picture() -> None:
    assert box(mattes.box(75, 100, 150, 300)) == (0.25, 0.25, 0.75, 0.5)
    assert box(mattes.plain(25)) is None


def test_a_matte_is_guessed_by_the_ground() -> None:
    picture = np.full((4, 6, 3), 255, np.uint8)
    picture[1] = (250, 249, 246)  # a JPEG's noise
    picture[2] = (255, 235, 255)
    picture[3] = (0, 0, 0)
    assert by_ground(picture, (255, 255, 255))[:, 0].tolist() == [0, 0, 127, 255]
    assert by_ground(picture, (0, 0, 0))[:, 0].tolist() == [255, 255, 255, 0]


def test_one_pixel_can_be_measured() -> None:
    for alpha in (0, 128, 255):
        matte = np.full((1, 1), alpha, np.uint8)
        assert small(matte).shape == (1, 1)
        assert math.isfinite(outline(matte) or 0)
        assert parts(matte).islands == 0
        assert frame(matte) == {}
