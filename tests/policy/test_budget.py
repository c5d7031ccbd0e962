"""Limits hold for any interleaving of workers: charged + in doubt + reserved never exceeds one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from pixian_batch.policy.budget import Budget, Limit

D = Decimal
cents = st.integers(0, 1000).map(lambda cent: D(cent) / 100)


class Workers(RuleBasedStateMachine):
    """Many workers on one budget, in any order, beside a model in whole cents."""

    in_flight = Bundle("in_flight")

    @initialize(limits=st.lists(st.tuples(cents, cents), max_size=3))
    def begin(self, limits: list[tuple[Decimal, Decimal]]) -> None:
        # What an earlier run spent may already exceed a limit that was lowered since.
        self.limits = limits
        self.budget = Budget(
            tuple(Limit(str(nth), limit, spent) for nth, (limit, spent) in enumerate(limits))
        )
        self.charged = D(0)
        self.reserved: list[Decimal] = []

    @rule(target=in_flight, at_most=cents)
    def reserve(self, at_most: Decimal) -> object:
        would = self.charged + sum(self.reserved, D(0)) + at_most
        forbidding = [str(nth) for nth, (most, spent) in enumerate(self.limits) if spent + would > most]
        refusal = self.budget.reserve(at_most)
        if forbidding:
            assert refusal == forbidding[0]
            return multiple()
        assert refusal is None
        self.reserved.append(at_most)
        return at_most

    @rule(at_most=consumes(in_flight), share=st.integers(0, 4))
    def settle(self, at_most: Decimal, share: int) -> None:
        spent = at_most * share / 4
        self.budget.settle(at_most, spent)
        self.reserved.remove(at_most)
        self.charged += spent

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        in_flight = sum(self.reserved, D(0))
        assert self.budget.reserved == in_flight
        assert self.budget.unlimited == (not self.limits)
        for limit, (most, before) in zip(self.budget.limits, self.limits, strict=True):
            assert limit.credits == most
            assert limit.spent == before + self.charged
            assert limit.left == most - before - self.charged
            if before <= most:
                assert limit.spent + in_flight <= most
            else:
                assert self.charged == in_flight == 0


TestWorkers = Workers.TestCase


def test_a_limit_may_be_used_up_to_the_last_credit() -> None:
    budget = Budget((Limit("--max-credits", D("1.00")),))
    assert budget.reserve(D("0.7")) is None
    assert budget.reserve(D("0.31")) == "--max-credits"
    assert budget.reserve(D("0.3")) is None
    assert budget.reserve(D("0.01")) == "--max-credits"
    budget.settle(D("0.7"), D("0.5"))
    assert budget.reserve(D("0.2")) is None
    assert budget.reserve(D("1e-9")) == "--max-credits"


def test_a_refused_reservation_changes_nothing() -> None:
    budget = Budget((Limit("wide", D(10)), Limit("narrow", D(1))))
    assert budget.reserve(D(2)) == "narrow"
    assert budget == Budget((Limit("wide", D(10)), Limit("narrow", D(1))))


def test_a_charge_above_its_reserve_is_counted_and_stops_the_rest() -> None:
    budget = Budget((Limit("limit", D(1)),))
    assert budget.reserve(D("0.5")) is None
    budget.settle(D("0.5"), D("1.5"))
    assert budget.limits[0].left == D("-0.5")
    assert budget.reserve(D(0)) == "limit"


@pytest.mark.parametrize("at_most", [D(0), D(1), D("1e12")])
def test_without_limits_everything_is_allowed(at_most: Decimal) -> None:
    budget = Budget()
    assert budget.unlimited
    assert budget.reserve(at_most) is None
    assert budget.reserved == at_most


def test_what_was_spent_before_counts() -> None:
    limit = Limit("limit", D(10), spent=D("9.5"))
    assert limit.left == D("0.5")
    assert Budget((limit,)).reserve(D("0.51")) == "limit"
    assert Budget((limit,)).reserve(D("0.50")) is None
