"""The text of a key: what is written into it is what is read out of it."""

from __future__ import annotations

from itertools import product

from pixian_batch.contract.params import Color, OutputFormat, Params, canonical
from pixian_batch.policy.record import Key, State, is_delta, is_free, key_params, state_after
from pixian_batch.policy.verdict import Verdict

REQUESTS = (
    Params(),
    Params(test=True),
    Params(output_format=OutputFormat.DELTA_PNG),
    Params(test=True, max_pixels=4_000_000, background_color=Color(255, 255, 255)),
)


def test_a_key_says_whether_it_is_a_delta_and_whether_it_was_free() -> None:
    for request, via_delta, service in product(REQUESTS, (False, True), ("", "local")):
        params = key_params(canonical(request), via_delta=via_delta, service=service)
        key = Key(b"d" * 32, params)
        assert key.is_delta == is_delta(params) == via_delta, params
        assert key.is_free == is_free(params) == (request.test or service != ""), params


def test_the_text_is_the_one_that_ledgers_hold() -> None:
    assert key_params("") == ""
    assert key_params("test=true") == "test=true"
    assert key_params("", service="local") == "service=local"
    assert key_params("output.format=delta_png", via_delta=True) == "output.format=delta_png;via=delta"
    assert key_params("test=true", via_delta=True, service="local") == "test=true;via=delta;service=local"


def test_only_a_whole_part_counts() -> None:
    for params in ("", "unknown: its record was damaged #3", "via=deltas", "latest=true", "xservice=local"):
        assert not is_delta(params), params
        assert not is_free(params), params


def test_only_a_delivered_attempt_is_received_and_a_doubt_is_never_open() -> None:
    states = {
        Verdict.DELIVERED: State.RECEIVED,
        Verdict.IN_DOUBT: State.IN_DOUBT,
        Verdict.LOST: State.LOST,
    }
    for verdict in Verdict:
        assert state_after(verdict) is states.get(verdict, State.OPEN), verdict
