"""The text of a key: what is written into it is what is read out of it."""

from __future__ import annotations

from itertools import product

from pixian_batch.contract.kinds import ForeignKind
from pixian_batch.contract.params import Color, OutputFormat, Params, Size, canonical
from pixian_batch.imaging.foreign import ForeignHeader
from pixian_batch.policy.record import (
    CONVERSIONS,
    Key,
    State,
    is_delta,
    is_free,
    key_params,
    state_after,
)
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
    assert key_params("", conversion="webp->png", service="local") == "converted=webp->png/1;service=local"
    assert key_params("test=true", via_delta=True, service="local") == "test=true;via=delta;service=local"


def test_a_key_says_what_was_made_of_the_photo_that_its_digest_is_of() -> None:
    for request, conversion, service in product(REQUESTS, (None, *CONVERSIONS), ("", "local")):
        params = key_params(canonical(request), conversion=conversion, service=service)
        assert Key(b"d" * 32, params).converted == conversion, params
        assert is_free(params) == (request.test or service != ""), params


def test_all_that_the_headers_lead_to_has_a_name() -> None:
    headers = [
        ForeignHeader(kind, Size(3, 2), lossless=lossless)
        for kind in ForeignKind
        for lossless in (False, True)
    ]
    assert {header.word for header in headers} == set(CONVERSIONS)


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
