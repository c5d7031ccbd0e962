"""All measures together: made-up results, what was asked for, and what the answer said of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from support import mattes

from pixian_batch.contract.headers import Box, ResultHeaders
from pixian_batch.contract.params import Color, Length, Margin, OutputFormat, Params, Size
from pixian_batch.policy.look import Suspicion
from pixian_batch.review.matte import Side
from pixian_batch.review.measures import Asked, measure, wanted_size

PHOTO = Size(400, 300)
HEADERS = ResultHeaders(
    input_size=PHOTO,
    result_size=PHOTO,
    input_foreground=Box(75, 0, 200, 150),
    result_foreground=Box(75, 0, 200, 150),
)


def asked(headers: ResultHeaders = HEADERS, **params: Any) -> Asked:
    return Asked(Params(**params), headers)


def test_what_the_run_names_is_named_in_its_words() -> None:
    told = {
        0: (Suspicion.EMPTY, "nearly empty: 0.0 % of it is visible"),
        128: (Suspicion.HALF_TRANSPARENT, "mostly half transparent: 100.0 % of what is visible"),
        255: (Suspicion.FULL, "uncut: 100.0 % of it is opaque"),
    }
    for alpha, (suspicion, text) in told.items():
        look = measure(mattes.cut_out(mattes.plain(alpha))).look
        assert (look.suspicion, look.text) == (suspicion, text)
    assert measure(mattes.cut_out(mattes.disc())).look.suspicion is None


def test_area_place_and_sides_are_of_the_photo() -> None:
    found = measure(mattes.cut_out(mattes.box(75, 0, 225, 200)), asked())
    assert found.area == pytest.approx(0.25, abs=0.002)
    assert found.place == (0.25, 0.5)
    assert (found.sides, found.frame) == ((Side.LEFT,), 0.125)
    assert (found.islands, found.wanted, found.size) == (1, None, PHOTO)


def test_a_crop_is_the_part_of_the_photo_that_the_answer_tells() -> None:
    headers = ResultHeaders(
        input_size=PHOTO,
        result_size=Size(200, 150),
        input_foreground=Box(75, 0, 200, 150),
        result_foreground=Box(0, 0, 200, 150),
    )
    crop = np.full((150, 200, 4), 255, np.uint8)
    found = measure(crop, asked(headers, crop_to_foreground=True))
    assert (found.area, found.place) == (0.25, (0.25, 0.5))
    assert found.sides == (Side.LEFT,), "the crop fills its own frame, which says nothing"
    unknown = measure(crop, asked(ResultHeaders(), crop_to_foreground=True))
    assert (unknown.area, unknown.place, unknown.sides, unknown.look.suspicion) == (None, None, (), None)


def test_room_around_the_picture_does_not_count() -> None:
    canvas = np.zeros((600, 800, 4), np.uint8)
    canvas[225:375, 200:400] = 255  # the photo stands in its middle half
    headers = ResultHeaders(
        input_size=PHOTO,
        input_foreground=Box(75, 0, 200, 150),
        result_foreground=Box(225, 200, 200, 150),
        result_size=Size(800, 600),
    )
    margin = Margin(*[Length(Decimal(50), "%")] * 4)
    found = measure(canvas, asked(headers, margin=margin))
    assert found.area == pytest.approx(0.25, abs=0.01)
    assert (found.place, found.sides, found.wanted) == ((0.25, 0.5), (Side.LEFT,), None)


def test_a_result_on_a_ground_is_told_by_its_distance_from_it() -> None:
    flat = np.full((300, 400, 3), 255, np.uint8)
    flat[75:225, :200] = (200, 30, 30)
    for params in ({"output_format": OutputFormat.JPEG}, {"background_color": Color(255, 255, 255)}):
        found = measure(flat, asked(**params))
        assert found.area == pytest.approx(0.25)
        assert (found.islands, found.sides) == (1, (Side.LEFT,))
        assert (found.halo, found.edge_width, found.mist) == (None, None, None), "a guess has no edges"
    opaque = np.dstack([flat, np.full((300, 400), 255, np.uint8)])
    assert measure(opaque, asked(background_color=Color(255, 255, 255))).area == pytest.approx(0.25)
    assert measure(flat).look.suspicion is Suspicion.FULL, "transparency was asked for"


def test_the_wanted_size_follows_from_what_was_asked() -> None:
    larger = ResultHeaders(input_size=Size(4000, 3000), input_foreground=Box(0, 0, 2000, 1000))
    percent = Margin(*[Length(Decimal(10), "%")] * 4)
    for params, size in (
        ({}, Size(4000, 3000)),
        ({"max_pixels": 120_000}, PHOTO),
        ({"target_size": Size(70, 80)}, Size(70, 80)),
        ({"target_size": Size(70, 80), "output_format": OutputFormat.DELTA_PNG}, Size(4000, 3000)),
        ({"crop_to_foreground": True}, Size(2000, 1000)),
        ({"crop_to_foreground": True, "margin": percent}, Size(2400, 1200)),
        ({"margin": Margin(*[Length(Decimal(90000), "px")] * 4)}, None),
    ):
        assert wanted_size(asked(larger, **params)) == size, params
    assert wanted_size(Asked()) is None
    assert wanted_size(asked(ResultHeaders(result_size=PHOTO), crop_to_foreground=True)) == PHOTO


def test_another_size_is_told_and_rounding_is_none() -> None:
    pixels = mattes.cut_out(mattes.disc())
    off = ResultHeaders(input_size=Size(401, 300))
    assert measure(pixels, asked(off)).wanted == Size(401, 300)
    assert measure(pixels, asked(target_size=Size(400, 301))).wanted == Size(400, 301)
    shrunk = ResultHeaders(input_size=Size(4000, 3010))
    assert measure(pixels, asked(shrunk, max_pixels=120_000)).wanted is None


def test_the_photo_tells_what_is_left_of_its_ground() -> None:
    pixels = mattes.cut_out(mattes.disc(100, soft=12), edge=(228, 172, 142))  # half white
    photo = np.full((300, 400, 3), 255, np.uint8)
    assert measure(pixels, asked(), photo=photo).halo == pytest.approx(0.5, abs=0.03)
    assert measure(pixels, asked()).halo is None
    assert measure(pixels, asked(crop_to_foreground=True), photo=photo).halo is None, "it lies elsewhere"


def test_results_of_any_size_are_measured_and_other_shapes_refused() -> None:
    for height, width in ((1, 1), (1, 5000), (5000, 1), (7, 3)):
        for alpha in (0, 128, 255):
            pixels = np.full((height, width, 4), alpha, np.uint8)
            found = measure(pixels, photo=np.zeros((3, 5, 3), np.uint8))
            assert found.size == Size(width, height)
    for shape in ((3, 3), (3, 3, 2), (0, 3, 4)):
        with pytest.raises(ValueError, match="no result has the shape"):
            measure(np.zeros(shape, np.uint8))
