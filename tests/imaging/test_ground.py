"""What is told of a picture's ground, its subject, islands and shadow: on made-up pictures, and after real JPEGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.shop_pictures import WHITE, as_jpeg, cut_off, pixels, product

from pixian_batch.contract.headers import Box
from pixian_batch.contract.params import Color
from pixian_batch.imaging.ground import GroundMeasures, distances, measure_ground
from pixian_batch.imaging.pieces import labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEMANDED = Color(*WHITE)


def measured(picture: Image.Image | NDArray[np.uint8], wanted: Color | None = DEMANDED) -> GroundMeasures:
    return measure_ground(pixels(picture) if isinstance(picture, Image.Image) else picture, wanted)


def with_patch(
    picture: Image.Image, box: tuple[int, int, int, int], color: tuple[int, int, int]
) -> Image.Image:
    ImageDraw.Draw(picture).rectangle(box, fill=color)
    return picture


def with_hole(picture: Image.Image) -> Image.Image:
    """White in its middle: 260 pixels across."""
    ImageDraw.Draw(picture).ellipse((170, 170, 430, 430), fill=WHITE)
    return picture


def test_a_white_ground_is_white_after_jpeg_of_every_usual_quality() -> None:
    # No false alarm on what is right: the noise around the subject is not the ground's.
    for quality in (50, 75, 85, 95):
        for subsampling in (0, 2):
            seen = measured(as_jpeg(product((300, 300)), quality, subsampling))
            assert (seen.off.share, seen.off.worst, seen.plain) == (0, 0, 1), (quality, subsampling)
            assert seen.islands.count == 0
            assert seen.shadow.share == 0


def test_a_ground_that_is_nearly_white_is_off_after_jpeg_too() -> None:
    # No silence: one step of 255 is seen at every usual quality, over the whole ground.
    for quality in (75, 85, 95):
        for value in (254, 253, 250, 240):
            seen = measured(as_jpeg(product((200, 200), ground=(value,) * 3), quality))
            assert seen.off.share > 0.99, (quality, value)
            assert 255 - value - 1 <= seen.off.worst <= 255 - value + 1
    cream = measured(as_jpeg(product(ground=(255, 253, 248)), 85)).off
    assert cream.share > 0.99
    assert cream.color.blue < 250


def test_the_ground_s_own_colour_is_told_where_it_is_another() -> None:
    seen = measured(product(ground=(240, 240, 240)))
    assert (seen.ground, seen.off.worst, seen.off.share) == (Color(240, 240, 240), 15, 1)
    assert seen.subject == measured(product()).subject
    # Where none is demanded, whatever there is is right.
    assert measured(product(ground=(9, 80, 7)), None).off.share == 0
    assert measured(product(ground=(9, 80, 7)), None).ground == Color(9, 80, 7)
    assert measured(product(ground=(9, 80, 7)), Color(9, 80, 7)).off.share == 0


def test_the_subject_s_box_is_exact_in_a_png_and_near_in_a_jpeg() -> None:
    assert measured(product((400, 400), fill=0.5)).subject == Box(100, 100, 200, 200)
    for quality in (75, 95):
        box = measured(as_jpeg(product((1000, 1000), fill=0.5), quality)).subject
        assert box is not None
        assert 500 <= box.width <= 504, quality  # a JPEG's noise adds at most some pixels
        assert 500 <= box.height <= 504, quality


def test_a_speck_of_dust_is_a_ground_that_is_off() -> None:
    seen = measured(with_patch(product((1000, 1000), fill=0.5), (31, 40, 33, 42), (200, 200, 200)))
    assert seen.off.at == (31, 40)
    assert (seen.off.worst, seen.off.color) == (55, Color(200, 200, 200))
    assert 0 < seen.off.share < 0.0001
    assert seen.islands.count == 0


def test_an_island_is_told_and_the_other_shoe_is_none() -> None:
    seen = measured(with_patch(product(fill=0.6), (10, 12, 29, 31), (90, 90, 90)))
    assert seen.islands.count == 1
    assert 10 <= seen.islands.at[0] <= 29
    assert 12 <= seen.islands.at[1] <= 31
    assert seen.subject == measured(product(fill=0.6)).subject  # it does not count as part of the subject
    shoes = with_patch(product((800, 400), fill=0.3), (20, 20, 150, 150), (90, 90, 90))
    assert measured(shoes).islands.count == 0
    assert measured(shoes).subject == Box(20, 20, 500, 300)


def test_a_soft_shadow_is_told_and_is_no_part_of_the_subject() -> None:
    for shadow in (0.05, 0.4):
        for quality in (75, 90):
            seen = measured(as_jpeg(product((600, 600), fill=0.6, shadow=shadow), quality))
            assert seen.shadow.share > 0.01, (shadow, quality)
            assert seen.subject is not None
            assert seen.subject.height <= 0.6 * 600 + 12, (shadow, quality)
            assert seen.off.share < 0.001, (shadow, quality)


def test_a_pale_product_is_a_product_and_no_shadow() -> None:
    for value in (252, 248, 240, 225, 200):
        seen = measured(as_jpeg(product((600, 600), fill=0.8, color=(value,) * 3), 90))
        assert seen.shadow.share == 0, value
        assert seen.off.share == 0, value
        assert seen.subject is not None
        assert 0.79 < seen.subject.width / 600 < 0.83, value


def test_what_the_subject_encloses_is_not_held_against_its_ground() -> None:
    ring = with_hole(product((600, 600), fill=0.9))
    faint = (250, 252, 248)
    assert measured(with_patch(ring.copy(), (290, 290, 304, 304), faint)).off.share == 0
    assert measured(with_patch(ring.copy(), (5, 5, 19, 19), faint)).off.share > 0


def test_grey_fur_is_no_shadow() -> None:
    # As soft, as grey and as near the subject as a shadow, but there is something to be seen in it.
    smooth = pixels(product((600, 600), fill=0.6, shadow=0.4))
    assert measured(smooth).shadow.share > 0.01
    grey = (smooth.max(axis=2) - smooth.min(axis=2) < 4) & (smooth.max(axis=2) < 250)
    hair = np.random.default_rng(1).uniform(0.6, 1.4, (150, 150)).repeat(4, 0).repeat(4, 1)
    furry = smooth.copy()
    furry[grey] = (255 - (255 - smooth[grey]) * hair[grey][:, None]).clip(0, 255)
    assert measured(furry).shadow.share == 0


def test_a_vignette_and_a_gradient_are_off_and_no_shadow() -> None:
    picture = pixels(product((600, 600), fill=0.6))
    down = np.linspace(255, 225, 600).astype(np.uint8)[:, None, None]
    rows, columns = np.mgrid[:600, :600]
    away = np.hypot(rows - 300, columns - 300)[..., None] / 424
    round_ = (255 - 40 * np.clip(away - 0.5, 0, 1)).astype(np.uint8)
    for ground in (down, round_):
        seen = measured(np.minimum(picture, ground))
        assert seen.off.share > 0.5
        assert seen.shadow.share == 0


def test_a_slope_that_nobody_forbids_is_no_plain_ground() -> None:
    down = np.linspace(255, 236, 600).astype(np.uint8)[:, None, None]
    sloping = np.minimum(pixels(product((600, 600), fill=0.6)), down)
    assert not measured(sloping, None).is_plain
    assert measured(product((400, 300), fill=0.9), None).is_plain


def test_what_the_frame_cuts_off_covers_its_side() -> None:
    seen = measured(product((400, 300), fill=0.9)).touching  # a ball of 360 px in a height of 300
    assert (seen.left, seen.right) == (0, 0)
    assert seen.top == pytest.approx(0.5, abs=0.03)
    assert seen.bottom == pytest.approx(0.5, abs=0.03)
    free = measured(product()).touching
    assert (free.top, free.right, free.bottom, free.left) == (0, 0, 0, 0)


def test_what_a_photo_s_frame_has_cut_off_is_straight_also_with_a_margin_around_it() -> None:
    for quality in (75, 90):
        cut, whole = as_jpeg(cut_off(), quality), as_jpeg(product((600, 600), fill=0.7), quality)
        assert measured(cut).straight > 0.8, quality
        assert measured(cut).touching.bottom == 0
        assert measured(whole).straight < 0.15, quality
        for turned in range(4):
            assert measured(np.rot90(cut, turned).copy()).straight > 0.8
    # Slightly slanting is a product's own edge; and what the picture's frame cuts off is told as touching it.
    slanting = Image.new("RGB", (600, 600), WHITE)
    ImageDraw.Draw(slanting).polygon([(100, 100), (500, 110), (495, 500), (105, 490)], fill=(90, 90, 90))
    assert measured(slanting).straight < 0.2
    assert measured(product((400, 300), fill=0.9)).straight < 0.15


def test_a_photo_as_it_is_has_no_plain_ground() -> None:
    photo = np.random.default_rng(2).integers(0, 256, (300, 400, 3), np.uint8)
    seen = measured(photo)
    assert not seen.is_plain
    assert seen.off.share > 0.99
    assert seen.subject is None
    assert measured(product()).is_plain


def test_nothing_on_the_ground_and_the_smallest_pictures() -> None:
    for shape in ((1, 1), (1, 700), (700, 1), (2, 3), (501, 499)):
        seen = measured(np.full((*shape, 3), 255, np.uint8))
        assert (seen.subject, seen.off.share, seen.islands.count, seen.shadow.share) == (None, 0, 0, 0), shape
    assert measured(np.full((3, 700, 3), 200, np.uint8)).off.share == 1


def test_distances_are_the_largest_of_the_channels() -> None:
    rgb = np.array([[[255, 255, 255], [250, 255, 240], [0, 0, 0]]], np.uint8)
    assert distances(rgb, DEMANDED).tolist() == [[0, 15, 255]]
    assert distances(rgb, Color(250, 250, 250)).tolist() == [[5, 10, 250]]


def test_pieces_are_numbered_by_their_size() -> None:
    mask = np.array([[1, 0, 1, 1], [0, 0, 0, 1], [1, 1, 0, 0]], np.bool_)
    assert labelled(mask, diagonal=True).tolist() == [[3, 0, 1, 1], [0, 0, 0, 1], [2, 2, 0, 0]]
    assert labelled(np.zeros((2, 3), np.bool_), diagonal=False).tolist() == [[0] * 3] * 2
