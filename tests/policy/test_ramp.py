"""The vendor's ramp, earned by use: never more workers than its curve, and only for time in which all were in use."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.curve import allowed_at, openings

from pixian_batch.policy.ramp import VENDOR_ADVICE_ABOVE, Ramp, Window

intervals = (
    st.just(0.0)
    | st.floats(0.001, 1000, allow_subnormal=False)
    | st.integers(1, 1000).map(lambda tenth: tenth / 10)
)
ramps = st.builds(Ramp, start=st.integers(1, 30), cap=st.integers(1, 60), interval=intervals)
uses = st.lists(st.tuples(st.floats(0, 2000), st.integers(0, 60)), max_size=40)
"""Seconds, and how many workers are wanted from then on."""


def in_full_use(ramp: Ramp, until: float, *, since: float = 0.0) -> Window:
    """All that is allowed is taken at once, from `since` on."""
    window = Window.of(ramp).used(ramp.at_start, since)
    while (change := window.next_change) is not None and change <= until:
        window = window.at(change)
        window = window.used(window.allowed, change)
    return window


def test_the_default_is_the_vendors_curve() -> None:
    ramp = Ramp()
    assert ramp == Ramp(start=5, cap=100, interval=300.0)
    assert VENDOR_ADVICE_ABOVE == 100
    assert openings(ramp)[:8] == [0, 0, 0, 0, 0, 300, 600, 900]
    assert (len(openings(ramp)), openings(ramp)[-1]) == (100, 95 * 300)
    for minute, allowed in ((0, 5), (4, 5), (5, 6), (9, 6), (10, 7), (474, 99), (475, 100), (10_000, 100)):
        assert in_full_use(ramp, minute * 60).allowed == allowed_at(ramp, minute * 60) == allowed, minute


@given(ramps)
def test_in_full_use_every_step_comes_at_its_deadline_without_drift(ramp: Ramp) -> None:
    window, due = Window.of(ramp).used(ramp.at_start, 0.0), 0.0
    for allowed in range(ramp.at_start, ramp.cap):
        due += ramp.interval
        assert window.next_change == due
        assert window.at(math.nextafter(due, -1)).allowed == allowed
        # It was looked at late; the next deadline does not know of it.
        window = window.at(due)
        assert window.allowed == allowed + 1
        window = window.used(window.allowed, due)
    assert window.next_change is None


@given(ramps, st.floats(0, 1e9))
def test_nothing_is_earned_before_the_first_request(ramp: Ramp, hours: float) -> None:
    idle = Window.of(ramp).used(0, 0.0)
    assert idle.next_change is None
    assert idle.at(hours).allowed == ramp.at_start
    assert idle.next_step(hours) is None
    begun = idle.used(1, hours)
    assert begun.allowed == ramp.at_start


@given(ramps, uses)
def test_only_time_of_full_use_earns_a_step(ramp: Ramp, wanted: list[tuple[float, int]]) -> None:
    window, now, full = Window.of(ramp), 0.0, 0.0
    for seconds, number in wanted:
        window = window.used(min(number, window.allowed), now)
        full += seconds if window.in_use >= window.allowed else 0.0
        now += seconds
        window = window.at(now)
        assert ramp.at_start <= window.allowed <= ramp.cap
        if ramp.interval:
            assert window.allowed <= ramp.start + full / ramp.interval * (1 + 1e-9) + 1e-9


def test_a_gap_in_use_is_added_to_the_deadline() -> None:
    window = Window.of(Ramp(5, 100, 300.0)).used(5, 0.0).used(4, 100.0)
    assert window.next_change is None, "nothing to take back, nothing earned"
    assert window.next_step(250.0) == 200, "of full use"
    window = window.used(5, 1000.0)
    assert window.next_change == 1200
    assert window.next_step(1100.0) == 100
    assert window.at(1200.0).allowed == 6


def test_unused_for_an_interval_it_falls_back_one_step_an_interval_to_the_start() -> None:
    for in_use in (0, 3, 5):
        window = in_full_use(Ramp(5, 100, 300.0), 1500.0).used(in_use, 1600.0)
        assert window.allowed == 10
        got = [window.at(1600.0 + later).allowed for later in (299, 300, 599, 600, 900, 1500, 1e6)]
        assert got == [10, 9, 9, 8, 7, 5, 5], in_use


def test_it_falls_to_what_is_used_and_no_further() -> None:
    window = in_full_use(Ramp(5, 100, 300.0), 1500.0).used(8, 1600.0).at(2200.0)
    assert (window.allowed, window.in_use) == (8, 8)
    assert window.next_change == 2500, "and has a whole step to earn again"
    assert window.at(2500.0).allowed == 9


def test_full_use_for_a_moment_is_use() -> None:
    window = in_full_use(Ramp(5, 100, 300.0), 1500.0).used(2, 1600.0).used(10, 1850.0).used(2, 1851.0)
    assert window.at(2150.0).allowed == 10
    assert window.at(2151.0).allowed == 9


def test_at_the_cap_it_falls_back_too() -> None:
    window = in_full_use(Ramp(5, 7, 300.0), 10_000.0)
    assert (window.allowed, window.next_change, window.next_step(10_000.0)) == (7, None, None)
    window = window.used(0, 10_000.0).at(10_300.0)
    assert window.allowed == 6
    assert window.used(6, 10_400.0).at(10_700.0).allowed == 7


def test_a_clock_that_stood_still_earns_one_step_at_most() -> None:
    # A machine that slept: all were in use before and after, and nobody knows of the time between.
    window = in_full_use(Ramp(5, 100, 300.0), 0.0)
    assert window.at(36_000.0).allowed <= 6


def test_a_cap_below_the_start_and_no_interval() -> None:
    for ramp, workers in ((Ramp(5, 3, 300), 3), (Ramp(5, 40, 0), 40)):
        window = Window.of(ramp)
        assert window.allowed == ramp.at_start == workers
        for now, in_use in ((0.0, workers), (1e3, 0), (1e9, workers)):
            window = window.used(in_use, now)
            assert window.allowed == workers
        assert ramp.seconds_from_start(workers * 20) == 20


def test_absurd_intervals_are_survived() -> None:
    for interval in (5e-324, 1e-300, 1e-9, 1e300):
        ramp = Ramp(1, 100, interval)
        window = Window.of(ramp).used(1, 1e9).at(2e9)
        for use in (0, 50, 0, 100):
            window = window.used(min(use, window.allowed), window.in_use + 2e9).at(4e9)
            assert 1 <= window.allowed <= 100, interval
        assert ramp.seconds_from_start(10.0) > 0, interval


def _brute_force(ramp: Ramp, work: float, begin: float) -> float:
    """Worker-seconds delivered from `begin` on, added up one worker at a time, by bisection on the end."""
    begins = [max(opening, begin) for opening in openings(ramp)]

    def delivered(end: float) -> float:
        return math.fsum(max(0.0, end - opening) for opening in begins)

    low, high = begin, begin + work + 1
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if delivered(middle) < work else (low, middle)
    return high - begin


@given(ramps, st.floats(0, 50_000, allow_subnormal=False), st.floats(0, 20_000, allow_subnormal=False))
def test_the_estimate_agrees_with_a_simulation(ramp: Ramp, work: float, begin: float) -> None:
    allowed = allowed_at(ramp, begin)
    later = [opening for opening in openings(ramp) if opening > begin]
    got = ramp.seconds_for(work, allowed=allowed, next_step=later[0] - begin if later else None)
    assert got == pytest.approx(_brute_force(ramp, work, begin), rel=1e-6, abs=1e-5)


def test_an_estimate_by_hand() -> None:
    # 5 workers for 300 s do 1500 worker-seconds, then 6 of them: 1800 more take 300 s.
    assert Ramp().seconds_from_start(3300) == 600
    assert Ramp().seconds_from_start(1500) == 300
    assert Ramp().seconds_for(1000, allowed=5, next_step=10) == pytest.approx(10 + (1000 - 50) / 6)
    assert Ramp().seconds_from_start(0) == 0
