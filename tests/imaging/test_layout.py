from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.contract.headers import Box
from pixian_batch.contract.params import (
    MAX_INPUT_PIXELS,
    Length,
    Margin,
    Params,
    Size,
    VerticalAlignment,
    params_from_text,
)
from pixian_batch.imaging.errors import LayoutError
from pixian_batch.imaging.layout import NOWHERE, Layout, lay_out, scaled_box

IMAGE = Size(200, 100)
SUBJECT = Box(top=10, left=20, width=80, height=40)


def laid(texts: dict[str, str], *, image: Size = IMAGE, subject: Box = SUBJECT) -> Layout:
    return lay_out(image, subject, params_from_text(texts.items()))


# Every box below was computed by hand.
GOLDEN: list[tuple[dict[str, str], Layout]] = [
    ({}, Layout(Box(0, 0, 200, 100), Box(0, 0, 200, 100), Size(200, 100), SUBJECT)),
    (
        {"crop_to_foreground": "true"},
        Layout(SUBJECT, Box(0, 0, 80, 40), Size(80, 40), Box(0, 0, 80, 40)),
    ),
    (
        {"margin": "1px 2px 3px 4px"},
        Layout(Box(0, 0, 200, 100), Box(1, 4, 200, 100), Size(206, 104), Box(11, 24, 80, 40)),
    ),
    (  # 10 % of 100 above and below, 10 % of 200 at the sides
        {"margin": "10%"},
        Layout(Box(0, 0, 200, 100), Box(10, 20, 200, 100), Size(240, 120), Box(20, 40, 80, 40)),
    ),
    (  # % of the cropped image: 10 % of 40, 25 % of 80
        {"margin": "10% 25%", "crop_to_foreground": "true"},
        Layout(SUBJECT, Box(4, 20, 80, 40), Size(120, 48), Box(4, 20, 80, 40)),
    ),
    (  # halves are rounded up
        {"margin": "0.5px 0.4px"},
        Layout(Box(0, 0, 200, 100), Box(1, 0, 200, 100), Size(200, 102), Box(11, 20, 80, 40)),
    ),
    (  # 200 x 100 into 100 x 100: half the size, 50 rows to spare
        {"target_size": "100 100"},
        Layout(Box(0, 0, 200, 100), Box(25, 0, 100, 50), Size(100, 100), Box(30, 10, 40, 20)),
    ),
    (
        {"target_size": "100 100", "vertical_alignment": "top"},
        Layout(Box(0, 0, 200, 100), Box(0, 0, 100, 50), Size(100, 100), Box(5, 10, 40, 20)),
    ),
    (
        {"target_size": "100 100", "vertical_alignment": "bottom"},
        Layout(Box(0, 0, 200, 100), Box(50, 0, 100, 50), Size(100, 100), Box(55, 10, 40, 20)),
    ),
    (  # scaled up: 80 x 40 by 3 into 300 x 120, 60 columns to spare
        {"target_size": "300 120", "crop_to_foreground": "true"},
        Layout(SUBJECT, Box(0, 30, 240, 120), Size(300, 120), Box(0, 30, 240, 120)),
    ),
    (  # the margin is an inset of the target: room for 360 x 180, so 80 x 40 by 4.5
        {"target_size": "400 200", "margin": "10px 20px", "crop_to_foreground": "true"},
        Layout(SUBJECT, Box(10, 20, 360, 180), Size(400, 200), Box(10, 20, 360, 180)),
    ),
    (  # % of the target: 40 at the sides, 20 above and below; 320 x 160 is 200 x 100 by 1.6
        {"target_size": "400 200", "margin": "10%"},
        Layout(Box(0, 0, 200, 100), Box(20, 40, 320, 160), Size(400, 200), Box(36, 72, 128, 64)),
    ),
    (  # one-sided inset: 300 x 200 of room from column 100 on; 300 x 150 stands at its bottom
        {"target_size": "400 200", "margin": "0px 0px 0px 100px", "vertical_alignment": "bottom"},
        Layout(Box(0, 0, 200, 100), Box(50, 100, 300, 150), Size(400, 200), Box(65, 130, 120, 60)),
    ),
]


def test_golden_layouts(subtests: pytest.Subtests) -> None:
    for texts, wanted in GOLDEN:
        with subtests.test(texts=texts, wanted=wanted):
            assert laid(texts) == wanted


def test_nothing_in_the_foreground_is_not_cropped() -> None:
    layout = laid({"crop_to_foreground": "true", "margin": "5px"}, subject=NOWHERE)
    assert layout == Layout(Box(0, 0, 200, 100), Box(5, 5, 200, 100), Size(210, 110), NOWHERE)


def test_margins_that_leave_no_room_are_refused(subtests: pytest.Subtests) -> None:
    for margin in ["50%", "100px 10px", "10px 150px", "0px 60% 0px 40%"]:
        no_room = pytest.raises(LayoutError, match="no room in a target of 200 x 200")
        with subtests.test(margin=margin), no_room:
            laid({"target_size": "200 200", "margin": margin})


def test_margins_that_make_the_result_huge_are_refused() -> None:
    with pytest.raises(LayoutError, match="20200 x 20100; at most 32,000,000"):
        laid({"margin": "10000px"})


def test_an_image_at_the_limit_without_margins_is_fine() -> None:
    image = Size(8000, 4000)
    assert laid({}, image=image, subject=NOWHERE).canvas == image


def test_extreme_proportions_keep_at_least_a_pixel() -> None:
    layout = laid({"target_size": "100 100"}, image=Size(10_000, 1), subject=NOWHERE)
    assert (layout.placed.width, layout.placed.height) == (100, 1)


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.top <= inner.top
        and outer.left <= inner.left
        and inner.top + inner.height <= outer.top + outer.height
        and inner.left + inner.width <= outer.left + outer.width
    )


lengths = st.builds(Length, st.decimals(0, 60, places=2).map(Decimal), st.sampled_from(["px", "%"]))
margins = st.builds(Margin, lengths, lengths, lengths, lengths)
sizes = st.builds(Size, st.integers(1, 3000), st.integers(1, 3000))


@st.composite
def subjects(draw: st.DrawFn) -> tuple[Size, Box]:
    image = draw(sizes)
    left, top = draw(st.integers(0, image.width - 1)), draw(st.integers(0, image.height - 1))
    width, height = draw(st.integers(1, image.width - left)), draw(st.integers(1, image.height - top))
    return image, Box(top, left, width, height)


@given(subjects(), margins, st.none() | sizes, st.booleans(), st.sampled_from(VerticalAlignment))
def test_every_layout_holds_together(
    subject: tuple[Size, Box],
    margin: Margin,
    target: Size | None,
    crop: bool,  # noqa: FBT001  # hypothesis gives it
    alignment: VerticalAlignment,
) -> None:
    image, foreground = subject
    params = Params(crop_to_foreground=crop, margin=margin, target_size=target, vertical_alignment=alignment)
    try:
        layout = lay_out(image, foreground, params)
    except LayoutError:
        return
    canvas = Box(0, 0, layout.canvas.width, layout.canvas.height)
    assert inside(layout.placed, canvas)
    assert inside(layout.foreground, layout.placed)
    assert inside(foreground, layout.crop)
    assert min(layout.foreground.width, layout.foreground.height) >= 1
    if target is None:
        assert (layout.placed.width, layout.placed.height) == (layout.crop.width, layout.crop.height)
        assert (layout.foreground.width, layout.foreground.height) == (foreground.width, foreground.height)
        assert layout.canvas.pixels <= MAX_INPUT_PIXELS
    else:
        assert layout.canvas == target
    if crop:
        assert layout.crop == foreground
        assert layout.foreground == layout.placed


@given(subjects(), sizes)
def test_a_scaled_box_holds_the_box_and_stays_inside(subject: tuple[Size, Box], after: Size) -> None:
    before, box = subject
    scaled = scaled_box(box, before=before, after=after)
    assert inside(scaled, Box(0, 0, after.width, after.height))
    assert scaled.left <= box.left * after.width / before.width + 1e-6
    assert scaled.left + scaled.width >= (box.left + box.width) * after.width / before.width - 1e-5


@given(subjects())
def test_scaling_to_the_same_size_changes_nothing(subject: tuple[Size, Box]) -> None:
    size, box = subject
    assert scaled_box(box, before=size, after=size) == box
