"""The facts that decide: where a result really stands, whatever another image is doing at that moment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.pictures import put
from support.records import answered, ended, sending

from pixian_batch.adapters.landing import Landing, kept_place
from pixian_batch.adapters.ledger import Ledger
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.deciding import Deciding
from pixian_batch.pipeline.job import Found
from pixian_batch.pipeline.spec import Spec
from pixian_batch.policy.decision import Held, Made, Stays
from pixian_batch.policy.record import Key, Placed, State
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.asyncio
async def test_a_link_that_is_not_written_down_yet_is_no_other_spelling(tmp_path: Path) -> None:
    """Two photos have changed places, and the first one's new result is a link to the second one's old one."""
    spec, landing = Spec(Params()), Landing(str(tmp_path))
    one, other = (Key(bytes([number]) * 32, spec.key_params(rebuild=False)) for number in (1, 2))
    ledger = await Ledger.open(str(tmp_path / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    for number, (key, place) in enumerate(((one, "a.png"), (other, "b.png")), start=1):
        await ledger.sending(sending(number, key=key, input=place, place=place))
        await ledger.answered(number, answered())
        await ledger.ended(number, ended())
        put(tmp_path / place, bytes([number]) * 6)
        await ledger.placed(place, place, Placed(key, 6))
    kept = kept_place(one, "a.png")
    await landing.keep("a.png", kept)
    await ledger.kept(kept, Placed(one, 6))
    (tmp_path / "a.png").unlink()
    os.link(tmp_path / "b.png", tmp_path / "a.png")
    deciding = Deciding(spec=spec, ledger=ledger, landing=landing)
    found = Found("b.jpg", "b.jpg", stands=(other.digest, other.params, 6), there=True)
    decision = await deciding.decide(one, "b.png", found=found, refusal=None)
    assert isinstance(decision, Made)
    assert decision.of.place == kept
    # What stands at its own place does so.
    found = Found("b.jpg", "b.jpg", stands=(other.digest, other.params, 6), there=True)
    assert isinstance(await deciding.decide(other, "b.png", found=found, refusal=None), Stays)
    await ledger.close()


@pytest.mark.asyncio
async def test_an_older_result_does_not_hide_a_doubt(tmp_path: Path) -> None:
    """Bought once more, and never answered: what stands there from before settles nothing."""
    spec, landing = Spec(Params()), Landing(str(tmp_path))
    key = Key(bytes([1]) * 32, spec.key_params(rebuild=False))
    ledger = await Ledger.open(str(tmp_path / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    await ledger.sending(sending(1, key=key, input="a.png", place="a.png"))
    await ledger.answered(1, answered())
    await ledger.ended(1, ended())
    put(tmp_path / "a.png", b"result")
    await ledger.placed("a.png", "a.png", Placed(key, 6))
    await ledger.sending(sending(2, key=key, input="a.png", place="a.png"))
    await ledger.ended(2, ended(Verdict.IN_DOUBT, http_status=None, message="no answer"))
    deciding = Deciding(spec=spec, ledger=ledger, landing=landing)
    for place in ("a.png", "b.png"):
        decision = await deciding.decide(key, place, found=Found(place, place), refusal=None)
        assert isinstance(decision, Held), place
        assert decision.state is State.IN_DOUBT
    await ledger.close()
