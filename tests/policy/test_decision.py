"""The rules of one decision in their order: each wins over all below it, whatever else is known."""

from __future__ import annotations

import itertools
from dataclasses import replace

from pixian_batch.policy.decision import (
    AtHand,
    Bought,
    Drawn,
    Facts,
    Held,
    Made,
    Refused,
    Rules,
    Spared,
    Stays,
    Trusted,
    Waits,
    decide,
)
from pixian_batch.policy.record import Key, State, key_params
from pixian_batch.policy.retry import DoubtPolicy

BYTES = b"\1" * 32
MINE, PAID = (key_params(text, via_delta=False, service="") for text in ("output_format=png", "margin=5"))
HERE = AtHand(Key(BYTES, MINE), "a.png", 6)
RULES = Rules(fits=frozenset({MINE}))
ALL_RULES = [
    Rules(fits=frozenset({MINE}), free=free, doubt=doubt, trust=trust, again=again)
    for free, doubt, trust, again in itertools.product(
        (False, True), (DoubtPolicy.HOLD, DoubtPolicy.RESEND), (False, True), (False, True)
    )
]


def test_what_was_received_waits_for_its_place_and_is_never_sent_again() -> None:
    for rules in ALL_RULES:
        facts = Facts(digest=BYTES, state=State.RECEIVED, at_hand=(HERE,), here=HERE)
        assert isinstance(decide(facts, rules), Waits), rules


def test_a_place_that_cannot_be_is_refused_whatever_is_known() -> None:
    for rules, state in itertools.product(ALL_RULES, State):
        facts = Facts(digest=BYTES, refusal="a folder stands there", state=state, here=HERE, at_hand=(HERE,))
        assert isinstance(decide(facts, rules), Refused), (rules, state)


def test_a_free_result_never_takes_a_bought_ones_place() -> None:
    for rules, state in itertools.product(ALL_RULES, State):
        facts = Facts(digest=BYTES, state=state, recorded=(BYTES, PAID, 6), there=True)
        assert isinstance(decide(facts, rules), Spared) == rules.free, (rules, state)


def test_a_doubt_is_sent_again_only_when_that_was_asked_for_or_costs_nothing() -> None:
    for rules, state in itertools.product(ALL_RULES, (State.SENDING, State.IN_DOUBT, State.LOST)):
        may = rules.free or rules.doubt is DoubtPolicy.RESEND
        decision = decide(Facts(digest=BYTES, state=state), rules)
        assert isinstance(decision, Bought if may else Held), (rules, state)


def test_what_is_here_is_not_bought() -> None:
    done = Facts(digest=BYTES, state=State.DONE, bought=True)
    assert isinstance(decide(replace(done, here=HERE, at_hand=(HERE,)), RULES), Stays)
    assert isinstance(decide(replace(done, at_hand=(HERE,)), RULES), Made)
    assert isinstance(decide(done, RULES), Bought), "its result is gone"
    assert isinstance(decide(done, replace(RULES, trust=True)), Trusted)
    assert isinstance(decide(replace(done, here=HERE, at_hand=(HERE,)), replace(RULES, again=True)), Bought)
    assert isinstance(decide(Facts(digest=BYTES), replace(RULES, trust=True)), Bought), "it was never bought"


def test_a_master_is_drawn_from_before_anything_is_bought_or_held_and_after_what_is_here() -> None:
    master = AtHand(Key(BYTES, "output_format=png"), ".pixian-batch/masters/a-1.png", 9)
    for rules, state in itertools.product(ALL_RULES, set(State) - {State.RECEIVED}):
        decision = decide(Facts(digest=BYTES, state=state, masters=(master,)), rules)
        assert isinstance(decision, Drawn) != rules.again, (rules, state)
        here = decide(Facts(digest=BYTES, state=state, masters=(master,), at_hand=(HERE,), here=HERE), rules)
        assert isinstance(here, Stays) != rules.again, (rules, state)
    trusting = Rules(fits=frozenset({MINE}), trust=True)
    assert isinstance(decide(Facts(digest=BYTES, masters=(master,), bought=True), trusting), Trusted)
