"""What follows an attempt: how long a worker rests, and that nothing doubtful is ever sent again unasked."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.policy.retry import (
    DoubtPolicy,
    Fail,
    Halt,
    Hold,
    Land,
    Next,
    Rest,
    RetryPolicy,
    RetryState,
    after,
)
from pixian_batch.policy.verdict import Verdict

verdicts = st.sampled_from(Verdict)
policies = st.builds(
    RetryPolicy,
    step=st.floats(0, 1000, allow_subnormal=False),
    retries=st.integers(0, 10),
    resend_doubtful=st.booleans(),
)
states = st.builds(RetryState, throttles=st.integers(0, 1000), failures=st.integers(0, 20))
retry_afters = st.none() | st.floats(0, 100_000, allow_subnormal=False)


def _courses(
    *verdicts: Verdict,
    retry_policy: RetryPolicy,
    retry_after: float | None = None,
    retry_state: RetryState | None = None,
) -> list[Next]:
    retry_state = retry_state or RetryState()
    courses = []
    for verdict in verdicts:
        following, retry_state = after(verdict, retry_state, retry_policy, retry_after=retry_after)
        courses.append(following)
    return courses


def test_the_defaults_are_the_vendors() -> None:
    assert RetryPolicy() == RetryPolicy(step=5.0, retries=3, resend_doubtful=False)
    assert RetryState() == RetryState(throttles=0, failures=0)
    assert {policy.value for policy in DoubtPolicy} == {"hold", "resend", "ask"}


def test_a_throttled_worker_waits_5_10_15_without_limit() -> None:
    got = _courses(*[Verdict.THROTTLED] * 500, retry_policy=RetryPolicy(retries=0))
    assert got == [Rest(5.0 * nth) for nth in range(1, 501)]


def test_the_backoff_step_can_be_chosen() -> None:
    assert _courses(*[Verdict.THROTTLED] * 3, retry_policy=RetryPolicy(step=0.5)) == [
        Rest(0.5),
        Rest(1.0),
        Rest(1.5),
    ]


def test_no_rest_is_longer_than_it_was_asked_to_be(subtests: pytest.Subtests) -> None:
    for verdict, step in product([Verdict.THROTTLED, Verdict.UNAVAILABLE, Verdict.NOT_SENT], [0.0, 0.25]):
        with subtests.test(verdict=verdict, step=step):
            assert _courses(verdict, verdict, retry_policy=RetryPolicy(step=step)) == [
                Rest(step),
                Rest(2 * step),
            ]
            assert _courses(verdict, retry_policy=RetryPolicy(step=step), retry_after=0.5) == [Rest(0.5)]


def test_retry_after_counts_if_it_is_longer(subtests: pytest.Subtests) -> None:
    retry_after_cases: list[tuple[float | None, float]] = [
        (None, 10),
        (0.0, 10),
        (9.5, 10),
        (10.5, 10.5),
        (3600, 3600),
    ]
    for verdict, (retry_after, second) in product(
        [Verdict.THROTTLED, Verdict.UNAVAILABLE, Verdict.NOT_SENT], retry_after_cases
    ):
        with subtests.test(verdict=verdict, retry_after=retry_after, second=second):
            _, retry_state = after(verdict, RetryState(), RetryPolicy())
            following, _ = after(verdict, retry_state, RetryPolicy(), retry_after=retry_after)
            assert following == Rest(second)


def test_only_a_success_of_its_own_resets_the_throttles() -> None:
    retry_state = RetryState(throttles=3, failures=1)
    for verdict in Verdict:
        _, then = after(verdict, retry_state, RetryPolicy(resend_doubtful=True))
        expected = {Verdict.DELIVERED: 0, Verdict.THROTTLED: 4}.get(verdict, 3)
        assert then.throttles == expected, verdict
    assert after(Verdict.DELIVERED, retry_state, RetryPolicy()) == (Land(), RetryState())


def test_the_throttle_streak_survives_the_next_image() -> None:
    assert RetryState(throttles=7, failures=2).next_image() == RetryState(throttles=7, failures=0)
    following, _ = after(Verdict.THROTTLED, RetryState(throttles=7, failures=2).next_image(), RetryPolicy())
    assert following == Rest(40.0)


def test_free_failures_are_retried_a_little_later_each_time_and_then_fail(subtests: pytest.Subtests) -> None:
    for verdict, retries in product([Verdict.UNAVAILABLE, Verdict.NOT_SENT], [0, 1, 3, 7]):
        with subtests.test(verdict=verdict, retries=retries):
            got = _courses(*[verdict] * (retries + 1), retry_policy=RetryPolicy(retries=retries))
            assert got == [*(Rest(5.0 * nth) for nth in range(1, retries + 1)), Fail()]


def test_both_kinds_of_free_failure_count_against_one_limit() -> None:
    mixed = [Verdict.UNAVAILABLE, Verdict.NOT_SENT, Verdict.THROTTLED, Verdict.UNAVAILABLE, Verdict.NOT_SENT]
    got = _courses(*mixed, retry_policy=RetryPolicy(retries=3))
    assert got == [Rest(5), Rest(10), Rest(5), Rest(15), Fail()]


@pytest.mark.parametrize("verdict", [Verdict.IN_DOUBT, Verdict.LOST])
def test_a_doubtful_image_is_held(verdict: Verdict) -> None:
    assert after(verdict, RetryState(2, 1), RetryPolicy()) == (Hold(), RetryState(2, 1))


@pytest.mark.parametrize("verdict", [Verdict.IN_DOUBT, Verdict.LOST])
def test_a_doubtful_image_is_sent_again_only_when_told_and_never_forgotten(verdict: Verdict) -> None:
    got = _courses(*[verdict] * 3, retry_policy=RetryPolicy(retries=2, resend_doubtful=True), retry_after=99)
    assert got == [Rest(5), Rest(10), Hold()]  # Retry-After belongs to answers, and here was none


def test_a_refused_image_is_finished_at_once() -> None:
    assert after(Verdict.REFUSED, RetryState(2, 1), RetryPolicy()) == (Fail(), RetryState(2, 1))


@given(states, policies, retry_afters)
def test_halting_always_halts(
    retry_state: RetryState, retry_policy: RetryPolicy, retry_after: float | None
) -> None:
    assert after(Verdict.HALTING, retry_state, retry_policy, retry_after=retry_after) == (Halt(), retry_state)


@given(verdicts, states, policies, retry_afters)
def test_every_verdict_keeps_its_promise(
    verdict: Verdict, retry_state: RetryState, retry_policy: RetryPolicy, retry_after: float | None
) -> None:
    following, then = after(verdict, retry_state, retry_policy, retry_after=retry_after)
    allowed: dict[Verdict, tuple[type[Next], ...]] = {
        Verdict.DELIVERED: (Land,),
        Verdict.THROTTLED: (Rest,),
        Verdict.UNAVAILABLE: (Rest, Fail),
        Verdict.NOT_SENT: (Rest, Fail),
        Verdict.REFUSED: (Fail,),
        Verdict.HALTING: (Halt,),
        Verdict.IN_DOUBT: (Rest, Hold) if retry_policy.resend_doubtful else (Hold,),
        Verdict.LOST: (Rest, Hold) if retry_policy.resend_doubtful else (Hold,),
    }
    assert isinstance(following, allowed[verdict])
    if isinstance(following, Rest):
        assert following.seconds >= retry_policy.step
        assert following.seconds >= retry_policy.step * (
            then.throttles if verdict is Verdict.THROTTLED else then.failures
        )
    assert then.throttles >= 0
    assert then.failures >= 0


@given(st.lists(verdicts, max_size=60), policies)
def test_one_image_is_sent_a_limited_number_of_times(met: list[Verdict], retry_policy: RetryPolicy) -> None:
    # Beyond its throttled attempts, an image is sent at most 1 + retries times, whatever it meets.
    retry_state, sent = RetryState(), 0
    for verdict in met:
        sent += verdict is not Verdict.THROTTLED
        following, retry_state = after(verdict, retry_state, retry_policy)
        if not isinstance(following, Rest):
            break
    assert sent <= 1 + retry_policy.retries
