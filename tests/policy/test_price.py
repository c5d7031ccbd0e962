"""The price book beside a brute-force oracle that remembers every image ever seen."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pixian_batch.policy.price import MAX_STEPS, PriceBook

cents = st.integers(0, 40).map(lambda cent: Decimal(cent) / 100)
sizes = st.integers(1, 60)
purchases = st.lists(st.tuples(sizes, cents), max_size=40)


def _book(bought: list[tuple[int, Decimal]]) -> PriceBook:
    book = PriceBook()
    for pixels, cost in bought:
        book.learn(pixels, cost)
    return book


@given(purchases)
@example([(10, Decimal(1)), (30, Decimal(1)), (20, Decimal("0.5"))])
@example([(10, Decimal(0)), (20, Decimal(0))])
@example([(10, Decimal(1)), (30, Decimal(1)), (20, Decimal(2)), (15, Decimal(1))])
def test_no_bound_is_ever_below_what_such_an_image_has_cost(bought: list[tuple[int, Decimal]]) -> None:
    """Whatever the prices do, monotone or not."""
    book = _book(bought)
    largest = max((pixels for pixels, _ in bought), default=0)
    dearest = max((cost for _, cost in bought), default=Decimal(0))
    previous = Decimal(0)
    for pixels in range(1, 63):
        bound = book.bound(pixels)
        if pixels > largest:
            assert bound is None
            continue
        assert bound is not None
        assert bound >= max((cost for size, cost in bought if size <= pixels), default=Decimal(0))
        assert previous <= bound <= dearest
        previous = bound


@st.composite
def _monotone(draw: st.DrawFn) -> list[tuple[int, Decimal]]:
    increments = draw(st.lists(cents | st.just(Decimal(0)), min_size=60, max_size=60))
    prices = [sum(increments[: size + 1], Decimal(0)) for size in range(60)]
    return [(size + 1, prices[size]) for size in draw(st.lists(st.integers(0, 59), max_size=60))]


@given(_monotone())
def test_for_growing_prices_the_bound_is_that_of_the_next_larger_image(
    bought: list[tuple[int, Decimal]],
) -> None:
    book = _book(bought)
    costs = dict(bought)
    for pixels in range(1, 63):
        larger = [size for size in costs if size >= pixels]
        assert book.bound(pixels) == (costs[min(larger)] if larger else None)


@given(_monotone(), st.randoms(use_true_random=False))
def test_for_growing_prices_the_order_of_learning_does_not_matter(
    bought: list[tuple[int, Decimal]], dice: object
) -> None:
    book = _book(bought)
    dice.shuffle(bought)  # type: ignore[attr-defined]
    assert [_book(bought).bound(pixels) for pixels in range(62)] == [
        book.bound(pixels) for pixels in range(62)
    ]


@given(purchases)
def test_a_forecast_is_the_bound_or_beyond_it_the_highest_rate(bought: list[tuple[int, Decimal]]) -> None:
    book = _book(bought)
    rate = max((cost * 1_000_000 / pixels for pixels, cost in bought), default=None)
    assert book.highest_rate == rate
    for pixels in (1, 30, 60, 61, 1000):
        bound = book.bound(pixels)
        guess = book.forecast(pixels)
        if bound is not None or rate is None:
            assert guess == bound
        else:
            assert guess is not None
            assert 0 <= guess - rate * pixels / 1_000_000 < Decimal("0.0001")
            assert len(str(guess).partition(".")[2]) <= 4, "a guess is told in few digits"


def test_an_empty_book_promises_nothing() -> None:
    assert PriceBook().bound(1) is None
    assert PriceBook().forecast(1) is None
    assert PriceBook().highest_rate is None


def test_an_image_of_no_pixels_is_survived() -> None:
    book = _book([(0, Decimal(1))])
    assert book.highest_rate == 1_000_000
    assert book.bound(0) == 1
    assert book.bound(1) is None


def test_the_book_stays_small_and_its_bounds_safe() -> None:
    # A price for every size: more steps than are kept.
    prices = {size * 100: Decimal(size) / 1000 for size in range(1, 30_001)}
    order = sorted(prices, key=lambda pixels: pixels * 7919 % 30_011)
    book = _book([(pixels, prices[pixels]) for pixels in order])
    assert len(book._credits) == len(book._first) == len(book._last) <= MAX_STEPS
    for pixels, cost in prices.items():
        bound = book.bound(pixels)
        assert bound is not None
        assert cost <= bound <= cost + 1  # of at most 30 credits: the loss is small
    assert book.bound(30_000 * 100) == 30
    assert book.bound(30_000 * 100 + 1) is None


@pytest.mark.parametrize("falling", [False, True])
def test_each_lesson_touches_few_steps(falling: bool) -> None:  # noqa: FBT001  # a parameter of the test
    # A book that walked all its steps for each lesson would need 50 million steps here.
    order = range(10_000, 0, -1) if falling else range(1, 10_001)
    book = _book([(size, Decimal(size)) for size in order])
    assert book.bound(10_000) == 10_000
    assert book.bound(1) is not None


def test_one_step_too_many_merges_every_pair_upward() -> None:
    book = _book([(size, Decimal(size)) for size in range(1, MAX_STEPS + 1)])
    assert len(book._credits) == MAX_STEPS
    assert [book.bound(size) for size in (1, 2, 3)] == [1, 2, 3]
    book.learn(MAX_STEPS + 1, Decimal(MAX_STEPS + 1))
    assert len(book._credits) == MAX_STEPS // 2 + 1
    for size in range(1, MAX_STEPS + 1):
        assert book.bound(size) == size + size % 2
    assert book.bound(MAX_STEPS + 1) == MAX_STEPS + 1
    # Thinned steps still take lessons: a price inside a merged pair changes nothing, a dearer one lifts it.
    book.learn(1, Decimal(1))
    assert book.bound(1) == 2
    book.learn(1, Decimal(3))
    assert [book.bound(size) for size in (1, 2, 3)] == [3, 3, 4]


@given(purchases)
def test_the_staircase_keeps_its_form(bought: list[tuple[int, Decimal]]) -> None:
    book = _book(bought)
    assert book._credits == sorted(set(book._credits))
    edges = [edge for step in zip(book._first, book._last, strict=True) for edge in step]
    assert edges == sorted(edges)
    assert book._first == sorted(set(book._first))
