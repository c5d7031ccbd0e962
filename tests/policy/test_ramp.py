"""The vendor's ramp: never more workers than its curve, and the deadlines are the truth."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.policy.progress import eta
from pixian_batch.policy.ramp import VENDOR_ADVICE_ABOVE, Ramp

ramps = st.builds(
    Ramp,
    start=st.integers(1, 30),
    cap=st.integers(1, 60),
    interval=st.just(0.0)
    | st.floats(0.001, 1000, allow_subnormal=False)
    | st.integers(1, 1000).map(lambda tenth: tenth / 10),
)


def test_the_default_is_the_vendors_curve() -> None:
    ramp = Ramp()
    assert ramp == Ramp(start=5, cap=100, interval=300.0)
    assert VENDOR_ADVICE_ABOVE == 100
    assert list(ramp.openings())[:8] == [0, 0, 0, 0, 0, 300, 600, 900]
    assert len(list(ramp.openings())) == 100
    assert list(ramp.openings())[-1] == 95 * 300
    for minute, allowed in [(0, 5), (4, 5), (5, 6), (9, 6), (10, 7), (474, 99), (475, 100), (10_000, 100)]:
        assert ramp.allowed(minute * 60) == allowed


@given(ramps)
def test_a_worker_is_allowed_from_its_deadline_on(ramp: Ramp) -> None:
    openings = list(ramp.openings())
    assert len(openings) == ramp.cap
    assert openings == sorted(openings)
    for deadline in openings:
        # At the deadline itself, one rounding error before it, and one after it.
        for moment in (math.nextafter(deadline, -1), deadline, math.nextafter(deadline, math.inf)):
            due = sum(opening <= moment for opening in openings)
            assert ramp.allowed(moment) == max(due, ramp.at_start)


@given(ramps, st.floats(-10, 1e6, allow_subnormal=False))
def test_never_more_than_the_vendors_curve(ramp: Ramp, elapsed: float) -> None:
    allowed = ramp.allowed(elapsed)
    assert 1 <= allowed <= ramp.cap
    if ramp.interval > 0:
        steps = max(elapsed, 0) / ramp.interval
        assert allowed <= ramp.start + steps * (1 + 1e-12)
    else:
        assert allowed == ramp.cap


@given(ramps, st.floats(0, 1e6, allow_subnormal=False), st.floats(0, 1e6, allow_subnormal=False))
def test_no_worker_is_taken_back(ramp: Ramp, one: float, other: float) -> None:
    assert ramp.allowed(min(one, other)) <= ramp.allowed(max(one, other))


def test_a_cap_below_the_start_wins() -> None:
    ramp = Ramp(start=5, cap=3, interval=300)
    assert ramp.at_start == ramp.allowed(0) == ramp.allowed(1e9) == 3
    assert list(ramp.openings()) == [0, 0, 0]
    assert ramp.seconds_for(30, 2.0) == 20


def test_without_an_interval_all_begin_at_once() -> None:
    ramp = Ramp(start=5, cap=40, interval=0)
    assert ramp.at_start == ramp.allowed(0) == 40
    assert list(ramp.openings()) == [0] * 40
    assert ramp.seconds_for(400, 2.0) == 20


@pytest.mark.parametrize("interval", [5e-324, 1e-300, 1e300])
def test_absurd_intervals_are_survived(interval: float) -> None:
    ramp = Ramp(1, 100, interval)
    assert 1 <= ramp.allowed(1e9) <= 100
    assert ramp.seconds_for(10, 1.0) > 0


def _brute_force(ramp: Ramp, images: float, seconds: float, elapsed: float) -> float:
    """Worker-seconds delivered between deadlines, added up one worker at a time, by bisection on the end."""
    need = images * seconds
    openings = [max(opening, elapsed) for opening in ramp.openings()]

    def work(end: float) -> float:
        return math.fsum(max(0.0, end - opening) for opening in openings)

    low, high = elapsed, elapsed + need + 1
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if work(middle) < need else (low, middle)
    return high - elapsed


@given(
    ramps,
    st.integers(0, 5000),
    st.floats(0.01, 100, allow_subnormal=False),
    st.floats(0, 20_000, allow_subnormal=False),
)
def test_the_estimate_agrees_with_a_simulation(
    ramp: Ramp, images: int, seconds: float, elapsed: float
) -> None:
    got = ramp.seconds_for(images, seconds, elapsed=elapsed)
    assert got == pytest.approx(_brute_force(ramp, images, seconds, elapsed), rel=1e-6, abs=1e-5)


def test_an_estimate_by_hand() -> None:
    # 5 workers for 300 s do 1500 worker-seconds, then 6 of them: 1800 more take 300 s.
    assert Ramp().seconds_for(330, 10.0) == 600
    assert Ramp().seconds_for(150, 10.0) == 300
    assert Ramp().seconds_for(100, 10.0, elapsed=290) == pytest.approx(10 + (1000 - 50) / 6)
    assert Ramp().seconds_for(0, 10.0) == 0


def test_eta_needs_a_first_image() -> None:
    ramp = Ramp()
    assert eta(10, ramp=ramp, elapsed=5, seconds_per_image=None) is None
    assert eta(-1, ramp=ramp, elapsed=5, seconds_per_image=2.0) is None
    assert eta(0, ramp=ramp, elapsed=5, seconds_per_image=2.0) == 0
    assert eta(330, ramp=ramp, elapsed=0, seconds_per_image=10.0) == 600
    assert eta(100, ramp=ramp, elapsed=290, seconds_per_image=10.0) == ramp.seconds_for(
        100, 10.0, elapsed=290
    )
