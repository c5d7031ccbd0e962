"""What is usual in a folder, and what is far from it."""

from __future__ import annotations

import pytest

from pixian_batch.review.measures import MatteMeasures
from pixian_batch.review.siblings import ENOUGH, Siblings


def result(area: float, place: tuple[float, float] = (0.5, 0.5)) -> MatteMeasures:
    return MatteMeasures(area=area, place=place)


USUAL = [result(0.2 + number % 5 / 100, (0.5 + number % 3 / 100, 0.5)) for number in range(30)]


def test_few_siblings_say_nothing() -> None:
    few = Siblings(USUAL[: ENOUGH - 1])
    assert (few.usual_area, few.far_in_area(result(0.9)), few.far_in_place(result(0.2, (0, 0)))) == (
        None,
        0,
        0,
    )
    assert Siblings(USUAL[:ENOUGH]).far_in_area(result(0.9)) > 5


def test_half_as_large_is_as_far_as_twice() -> None:
    folder = Siblings(USUAL)
    assert folder.usual_area == pytest.approx(0.22, rel=0.01)
    assert abs(folder.far_in_area(result(0.22))) < 0.2
    assert folder.far_in_area(result(0.44)) == pytest.approx(-folder.far_in_area(result(0.11)), rel=0.1)
    assert folder.far_in_area(result(0.44)) > 3
    assert folder.far_in_area(result(0)) < -20


def test_a_few_bad_ones_move_nothing() -> None:
    folder = Siblings([*USUAL, *[result(0.9, (0.1, 0.9))] * 8])
    assert folder.far_in_area(result(0.9)) > 5
    assert folder.far_in_place(result(0.2, (0.1, 0.9))) > 5
    assert folder.far_in_place(result(0.2, (0.51, 0.5))) < 1


def test_where_all_are_alike_a_little_more_is_not_far() -> None:
    folder = Siblings([result(0.2)] * 50)
    assert abs(folder.far_in_area(result(0.21))) < 1
    assert folder.far_in_place(result(0.2, (0.51, 0.5))) < 1


def test_what_is_unknown_is_not_far_and_is_not_counted() -> None:
    nothing = MatteMeasures(problem="it is cut off")
    folder = Siblings([nothing] * 100)
    assert folder.usual_area is None
    assert (Siblings(USUAL).far_in_area(nothing), Siblings(USUAL).far_in_place(nothing)) == (0, 0)
