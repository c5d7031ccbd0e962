"""Percentiles of many values in little memory, as exact as three digits are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.review.spread import Spread


@given(st.lists(st.floats(0.001, 1e4), min_size=1))
def test_quantiles_are_those_of_the_values_within_three_digits(values: list[float]) -> None:
    spread = Spread()
    for value in values:
        spread.add(value)
    ordered = sorted(values)
    exact = [ordered[max(1, -int(-share * len(values) // 1)) - 1] for share in (0.05, 0.5, 0.95, 1.0)]
    for found, true in zip(spread.quantiles(0.05, 0.5, 0.95, 1.0), exact, strict=True):
        assert abs(found - true) <= true * 0.006
    assert (spread.most, spread.total) == (max(values), len(values))


def test_memory_does_not_grow_with_their_number() -> None:
    spread = Spread()
    for number in range(1, 100_000):
        spread.add(number / 1000)
    assert len(spread.counts) < 5 * 900
