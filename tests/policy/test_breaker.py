"""The breaker as a state machine, beside a model that keeps the whole history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.verdict import Verdict

GOOD = {Verdict.DELIVERED, Verdict.REFUSED}
BAD = {Verdict.UNAVAILABLE, Verdict.NOT_SENT, Verdict.IN_DOUBT, Verdict.LOST}
SILENT = {Verdict.THROTTLED, Verdict.HALTING}


def test_every_verdict_has_its_side() -> None:
    assert set(Verdict) == GOOD | BAD | SILENT


@given(
    st.lists(st.tuples(st.sampled_from(Verdict), st.floats(0, 500, allow_subnormal=False)), max_size=60),
    st.integers(1, 8),
    st.floats(0, 2000, allow_subnormal=False),
)
def test_the_breaker_agrees_with_the_whole_history(
    met: list[tuple[Verdict, float]], threshold: int, give_up_after: float
) -> None:
    breaker, now, streak = Breaker(threshold, give_up_after), 1000.0, list[float]()
    for verdict, pause in met:
        now += pause
        breaker = breaker.seen(verdict, now)
        streak = [] if verdict in GOOD else [*streak, now] if verdict in BAD else streak
        assert breaker.failures == len(streak)
        assert breaker.tripped == (len(streak) >= threshold)
        since = streak[threshold - 1] if len(streak) >= threshold else None
        assert breaker.tripped_at == since
        for later in (now, now + give_up_after, now + 10_000):
            assert breaker.gives_up(later) == (since is not None and later - since >= give_up_after)
        assert (breaker.threshold, breaker.give_up_after) == (threshold, give_up_after)


def test_the_defaults() -> None:
    breaker = Breaker()
    assert not breaker.tripped
    assert not breaker.gives_up(1e9)
    for nth in range(1, 21):
        assert not breaker.tripped
        breaker = breaker.seen(Verdict.UNAVAILABLE, float(nth))
    assert breaker.tripped
    assert breaker.tripped_at == 20.0
    assert not breaker.gives_up(919.9)
    assert breaker.gives_up(920.0)


def test_time_zero_is_a_time() -> None:
    breaker = Breaker(threshold=1, give_up_after=10).seen(Verdict.LOST, 0.0)
    assert breaker.tripped
    assert breaker.gives_up(10.0)
    assert breaker.seen(Verdict.LOST, 5.0).tripped_at == 0.0


@pytest.mark.parametrize("verdict", sorted(SILENT))
def test_a_throttle_neither_trips_nor_heals(verdict: Verdict) -> None:
    tripped = Breaker(threshold=1).seen(Verdict.UNAVAILABLE, 1.0)
    assert tripped.seen(verdict, 2.0) == tripped
    assert Breaker(threshold=1).seen(verdict, 2.0) == Breaker(threshold=1)
