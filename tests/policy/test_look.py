"""What makes a result one to be looked at: made-up mattes on both sides of each threshold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.contract.headers import Box, ResultHeaders
from pixian_batch.contract.params import Size
from pixian_batch.policy.look import Shares, Suspicion, judged, judged_by_headers

ALL = Size(1000, 1000)
HALF_BOX = Box(0, 0, 1000, 500)


def shares(clear: int, half: int, opaque: int) -> Shares:
    """Of pixels that are clear, of an alpha of 128, and opaque."""
    histogram = [0] * 256
    histogram[0], histogram[128], histogram[255] = clear, half, opaque
    found = Shares.of(histogram)
    assert found is not None
    return found


def headers(box: Box | None, *, result: Size = ALL, inside: Box | None = None) -> ResultHeaders:
    return ResultHeaders(
        input_size=ALL, result_size=result, input_foreground=box, result_foreground=inside or box
    )


def seen(clear: int, half: int, opaque: int, *, cropped: bool = False) -> Suspicion | None:
    whole = shares(clear, half, opaque)
    return judged(whole, None, ResultHeaders(), cropped=cropped).suspicion


def test_shares_are_parts_of_all_pixels() -> None:
    found = shares(50, 25, 25)
    assert (found.half, found.opaque) == (0.25, 0.25)
    assert 0.37 < found.visible < 0.38
    assert Shares.of([0] * 256) is None
    edges = [0] * 256
    edges[25] = edges[26] = edges[229] = edges[230] = 1
    assert Shares.of(edges) == Shares((25 + 26 + 229 + 230) / 255 / 4, 0.5, 0.25)


def test_under_two_percent_is_nearly_empty() -> None:
    assert seen(1000, 0, 0) is Suspicion.EMPTY
    assert seen(981, 0, 19) is Suspicion.EMPTY
    assert seen(980, 0, 20) is None
    look = judged(shares(9959, 0, 41), None, ResultHeaders(), cropped=False)
    assert look.text == "nearly empty: 0.4 % of it is visible"


def test_more_than_half_of_what_is_visible_is_mist() -> None:
    assert seen(500, 251, 249) is Suspicion.HALF_TRANSPARENT
    assert seen(500, 250, 250) is None
    assert seen(0, 1000, 0) is Suspicion.HALF_TRANSPARENT


def test_what_was_not_cut_is_full() -> None:
    assert seen(0, 0, 1000) is Suspicion.FULL
    assert seen(5, 0, 995) is Suspicion.FULL
    assert seen(6, 0, 994) is None


def test_a_crop_may_be_filled_by_its_object() -> None:
    book = headers(HALF_BOX, result=Size(1000, 500), inside=Box(0, 0, 1000, 500))
    opaque = shares(0, 0, 1000)
    assert judged(opaque, opaque, book, cropped=True).suspicion is None
    uncut = headers(Box(0, 0, 1000, 1000))
    assert judged(opaque, opaque, uncut, cropped=True).suspicion is Suspicion.FULL
    assert judged(opaque, None, ResultHeaders(), cropped=True).suspicion is None, "nobody can tell"


def test_room_around_the_picture_does_not_count() -> None:
    # A photo that is 3 % visible, in a target with nine times its area.
    target = headers(Box(0, 0, 300, 100), result=Size(3000, 3000), inside=Box(1000, 1000, 300, 100))
    assert judged(shares(99_667, 0, 333), None, target, cropped=False).suspicion is None
    # An uncut one there: all of its own part is opaque.
    uncut = headers(Box(0, 0, 1000, 1000), result=Size(3000, 3000), inside=Box(1000, 1000, 1000, 1000))
    look = judged(shares(8000, 0, 1000), shares(0, 0, 1000), uncut, cropped=False)
    assert look.suspicion is Suspicion.FULL
    # A small object that was cropped to, with wide margins.
    small = headers(Box(0, 0, 50, 50), result=Size(500, 500), inside=Box(200, 200, 50, 50))
    assert judged(shares(9900, 0, 100), shares(0, 0, 100), small, cropped=True).suspicion is None
    assert judged(shares(9999, 0, 1), shares(99, 0, 1), small, cropped=True).suspicion is Suspicion.EMPTY


def test_without_alpha_only_the_box_may_tell_that_it_is_empty() -> None:
    for box, cropped, expected in (
        (Box(0, 0, 0, 0), False, Suspicion.EMPTY),
        (Box(0, 0, 100, 199), False, Suspicion.EMPTY),
        (Box(0, 0, 100, 200), False, None),
        (Box(0, 0, 100, 199), True, None),
        (Box(0, 0, 0, 0), True, Suspicion.EMPTY),
        (Box(0, 0, 1000, 1000), False, None),
        (None, False, None),
    ):
        assert judged_by_headers(headers(box), cropped=cropped).suspicion is expected, (box, cropped)


COUNTS = st.lists(st.integers(0, 10**6), min_size=256, max_size=256)
BOXES = st.none() | st.builds(Box, *[st.integers(0, 10**5)] * 4)
SIZES = st.none() | st.builds(Size, st.integers(1, 10**5), st.integers(1, 10**5))

SAID = st.builds(
    ResultHeaders, input_size=SIZES, result_size=SIZES, input_foreground=BOXES, result_foreground=BOXES
)


@given(whole=COUNTS, inside=COUNTS, said=SAID, cropped=st.booleans())
def test_whatever_a_service_says_there_is_an_answer(
    whole: list[int], inside: list[int], said: ResultHeaders, *, cropped: bool
) -> None:
    found = Shares.of(whole)
    if found is not None:
        look = judged(found, Shares.of(inside), said, cropped=cropped)
        assert (look.suspicion is None) == (look.text == "")
    judged_by_headers(said, cropped=cropped)
