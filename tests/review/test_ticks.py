"""Axes speak in 1, 2, 5 and in steps of the clock, and never in exponents."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.review.ticks import (
    CLOCK_STEPS,
    amount_words,
    clock_step,
    clock_words,
    decades,
    from_zero,
    moment_words,
    seconds_words,
    step_words,
)

NOON = datetime(2026, 11, 25, 12, 5, 30, tzinfo=UTC).timestamp()


@given(st.floats(1e-6, 1e9))
def test_a_scale_holds_its_values_with_few_even_ticks(most: float) -> None:
    scale = from_zero(most)
    assert scale.ticks[0] == 0
    assert scale.most == scale.ticks[-1] >= most * (1 - 1e-9)
    assert 2 <= len(scale.ticks) <= 6
    step = f"{scale.ticks[1]:e}"
    assert float(step.partition("e")[0]) in {1, 2, 5}
    assert 0 < scale.share(most) <= 1


@given(st.floats(1e-4, 1e6), st.floats(1, 1e6))
def test_a_scale_by_factors_holds_its_values_too(least: float, factor: float) -> None:
    scale = decades(least, least * factor)
    assert scale.least <= least * (1 + 1e-9)
    assert scale.most >= least * factor * (1 - 1e-9)
    assert 2 <= len(scale.ticks) <= 14
    assert 0 <= scale.share(least) <= scale.share(least * factor) <= 1


def test_whole_things_have_no_halves() -> None:
    assert from_zero(1, whole=True).ticks == (0, 1)
    assert from_zero(3, whole=True).ticks == (0, 1, 2, 3)
    assert from_zero(0).ticks[-1] == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.05, "0.05"),
        (0.000001, "0.000001"),
        (1200, "1,200"),
        (12_000, "12 k"),
        (3.5e6, "3.5 M"),
        (2.5, "2.5"),
    ],
)
def test_amounts_are_for_people(value: float, text: str) -> None:
    assert amount_words(value) == text


def test_time_is_said_in_its_own_unit() -> None:
    assert [step_words(seconds) for seconds in (1, 30, 120, 7200, 7 * 86400)] == [
        "1 s",
        "30 s",
        "2 min",
        "2 h",
        "7 d",
    ]
    assert [clock_words(NOON, step) for step in (5, 60, 86400)] == ["12:05:30", "12:05", "25 Nov"]
    assert moment_words(NOON) == "25 Nov 2026, 12:05"
    assert [seconds_words(value) for value in (0.2, 30, 90, 300)] == ["0.2 s", "30 s", "90 s", "5 min"]
    assert [clock_step(seconds) for seconds in (0.1, 3, 61, 1e12)] == [1, 5, 120, CLOCK_STEPS[-1]]
