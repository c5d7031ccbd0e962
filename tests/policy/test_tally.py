"""The tally is the fold of the endings: each counted once, in any order, every credit in its place."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Ending,
    Failed,
    InDoubt,
    Kept,
    Lost,
    NotStarted,
    Outcome,
    Problem,
    Skipped,
    SkipReason,
)
from pixian_batch.policy.tally import Tally

D = Decimal
OOPS = Problem(None, "oops")

credits_ = st.none() | st.integers(0, 10**6).map(lambda units: D(units) / 1000)
headers = st.builds(
    ResultHeaders,
    credits_charged=credits_,
    credits_calculated=credits_,
    warnings=st.just(()) | st.just(("broken",)) | st.just(("two", "things")),
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Done, headers, st.just(200), repaired=st.booleans(), at_most=credits_),
    st.builds(Kept, st.just(OOPS), headers, st.just(200), st.just("x.part"), credits_),
    st.builds(InDoubt, st.just(OOPS), credits_, earlier=st.booleans()),
    st.builds(Lost, st.just(OOPS), headers, st.just(200), st.none(), credits_, earlier=st.booleans()),
    st.builds(Skipped, st.sampled_from(SkipReason)),
    st.builds(Duplicate, st.just("a.png")),
    st.builds(Failed, st.just(OOPS)),
    st.just(NotStarted()),
)
endings = st.lists(
    st.builds(Ending, st.just("in"), st.none(), outcomes, attempts=st.integers(0, 9)), max_size=30
)


def _fold(all_endings: list[Ending]) -> Tally:
    return reduce(Tally.plus, all_endings, Tally())


@given(endings, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(given_endings: list[Ending], dice: object) -> None:
    tally = _fold(given_endings)
    dice.shuffle(given_endings)  # type: ignore[attr-defined]
    assert _fold(given_endings) == tally


@given(endings)
def test_every_ending_is_counted_exactly_once(given_endings: list[Ending]) -> None:
    tally = _fold(given_endings)

    def count(kind: type[object]) -> int:
        return sum(type(ending.outcome) is kind for ending in given_endings)

    assert tally.ended == len(given_endings) - count(NotStarted)
    assert tally.done == count(Done)
    assert tally.kept == count(Kept)
    assert tally.in_doubt == count(InDoubt)
    assert tally.lost == count(Lost)
    assert tally.skipped == count(Skipped)
    assert tally.duplicates == count(Duplicate)
    assert tally.failed == count(Failed)
    assert tally.not_started == count(NotStarted)
    assert tally.undecided == count(InDoubt) + count(Lost)
    assert tally.attempts == sum(ending.attempts for ending in given_endings)

    def skips(*reasons: SkipReason) -> int:
        return sum(ending.outcome in {Skipped(reason) for reason in reasons} for ending in given_endings)

    assert tally.exists == skips(SkipReason.EXISTS, SkipReason.BOUGHT)
    assert (tally.bought, tally.trusted) == (skips(SkipReason.BOUGHT), skips(SkipReason.TRUSTED))


@given(endings)
def test_every_credit_is_accounted_for(given_endings: list[Ending]) -> None:
    tally = _fold(given_endings)
    charged = calculated = doubtful = D(0)
    unknown = repaired = warned = unpriced = 0
    for ending in given_endings:
        outcome = ending.outcome
        if isinstance(outcome, Done):
            calculated += outcome.headers.credits_calculated or 0
            warned += outcome.headers.warnings != ()
            repaired += outcome.repaired
            if not outcome.repaired:  # that charge belongs to the run that was interrupted
                charged += outcome.headers.credits_charged or 0
        elif isinstance(outcome, Kept):
            charged += outcome.headers.credits_charged or 0
        elif isinstance(outcome, InDoubt):
            doubtful += outcome.at_most or 0
            unpriced += outcome.at_most is None
        elif isinstance(outcome, Lost):
            if outcome.headers.credits_charged is None:
                doubtful += outcome.at_most or 0
                unpriced += outcome.at_most is None
            elif not outcome.earlier:
                charged += outcome.headers.credits_charged
        if isinstance(outcome, Done | Kept) and outcome.headers.credits_charged is None:
            unknown += 1
            doubtful += outcome.at_most or 0
    assert tally.credits_charged == charged
    assert tally.credits_calculated == calculated
    assert (tally.credits_in_doubt, tally.doubts_unpriced) == (doubtful, unpriced)
    assert (tally.credits_unknown, tally.repaired, tally.warnings) == (unknown, repaired, warned)


def _one(outcome: Outcome, attempts: int = 0) -> Tally:
    return Tally().plus(Ending("in", "out", outcome, attempts=attempts))


def test_single_endings_by_hand() -> None:
    price = ResultHeaders(credits_charged=D("0.25"), credits_calculated=D("0.5"))
    assert _one(Done(price, 200), 2) == Tally(
        done=1, attempts=2, credits_charged=D("0.25"), credits_calculated=D("0.5")
    )
    assert _one(Done(price, 200, repaired=True)) == Tally(done=1, repaired=1, credits_calculated=D("0.5"))
    assert _one(Done(ResultHeaders(warnings=("a", "b")), 200)) == Tally(done=1, warnings=1, credits_unknown=1)
    # Nobody knows what it cost, and it was counted nowhere: the run that finishes it names it, at most so much.
    unknown = Done(ResultHeaders(), None, repaired=True, at_most=D(2))
    assert _one(unknown) == Tally(done=1, repaired=1, credits_unknown=1, credits_in_doubt=D(2))
    assert _one(Kept(OOPS, price, 200, "x.part", D(2))) == Tally(kept=1, credits_charged=D("0.25"))
    # Its credits were counted in the run that bought it.
    assert _one(Kept(OOPS, price, 200, "x.part", at_most=D(2), earlier=True)) == Tally(kept=1)
    assert _one(InDoubt(OOPS, D(2))) == Tally(in_doubt=1, credits_in_doubt=D(2))
    assert _one(InDoubt(OOPS, None)) == Tally(in_doubt=1, doubts_unpriced=1)
    assert _one(Lost(OOPS, price, 200, None, D(2))) == Tally(lost=1, credits_charged=D("0.25"))
    assert _one(Lost(OOPS, price, 200, None, D(2), earlier=True)) == Tally(lost=1)
    assert _one(Lost(OOPS, ResultHeaders(), 200, None, D(2))) == Tally(lost=1, credits_in_doubt=D(2))
    assert _one(Skipped(SkipReason.DONE)) == Tally(skipped=1)
    assert _one(Skipped(SkipReason.EXISTS)) == Tally(skipped=1, exists=1)
    assert _one(Duplicate("x")) == Tally(duplicates=1)
    assert _one(Failed(OOPS), 4) == Tally(failed=1, attempts=4)
    assert _one(NotStarted()) == Tally(not_started=1)


def test_adding_does_not_change_what_it_is_added_to() -> None:
    first = _one(InDoubt(OOPS, D(1)))
    second = first.plus(Ending("in", None, InDoubt(OOPS, D(2))))
    assert (first.in_doubt, first.credits_in_doubt) == (1, D(1))
    assert (second.in_doubt, second.credits_in_doubt) == (2, D(3))


@pytest.mark.parametrize(("reason", "exists"), [(SkipReason.DONE, 0), (SkipReason.EXISTS, 7)])
def test_many_skips_at_once(reason: SkipReason, exists: int) -> None:
    start = Tally(skipped=3, exists=1, done=2)
    assert start.plus_skipped(7, reason) == replace(start, skipped=10, exists=1 + exists)
    assert start.plus_skipped(7) == replace(start, skipped=10)
