"""Why workers rest: who, after what, how often and since when; a lull ends a spell."""

from __future__ import annotations

import asyncio

from support import virtual
from support.labs import BUSY, DOWN, OK, Lab

from pixian_batch.pipeline.rests import Rests
from pixian_batch.policy.retry import RetryPolicy
from pixian_batch.policy.verdict import Verdict


def test_workers_note_their_rests() -> None:
    async def main() -> None:
        lab, rests = Lab(retry_policy=RetryPolicy(step=5)), Rests()
        workers = [lab.worker() for _ in range(3)]
        for worker in workers:
            worker.rests = rests
        answers = ([BUSY, BUSY, OK], [BUSY, OK], [DOWN, OK])
        tasks = [
            asyncio.ensure_future(lab.pursue(worker, replies))
            for worker, replies in zip(workers, answers, strict=True)
        ]
        await asyncio.sleep(2)
        throttled, down = rests.backoffs(virtual.now())
        assert (throttled.why, throttled.workers, throttled.times) == (Verdict.THROTTLED, 2, 2)
        assert (throttled.seconds, throttled.next_in) == (2, 3)
        assert (down.why, down.workers, down.times) == (Verdict.UNAVAILABLE, 1, 1)
        await asyncio.sleep(5)
        [throttled] = rests.backoffs(virtual.now())
        assert (throttled.workers, throttled.times, throttled.seconds, throttled.next_in) == (1, 3, 7, 8)
        assert rests.slow_since(virtual.now()) == 0
        await asyncio.gather(*tasks)
        assert rests.backoffs(virtual.now()) == ()

    virtual.run(main())


def test_a_spell_goes_on_over_a_short_lull_and_ends_after_a_long_one() -> None:
    rests = Rests()
    rests.begin(Verdict.THROTTLED, 429, now=100, due=105)
    rests.end(Verdict.THROTTLED, now=105, due=105)
    assert rests.slow_since(130) == 100
    rests.begin(Verdict.THROTTLED, 429, now=130, due=140)
    assert (rests.backoffs(130)[0].times, rests.backoffs(130)[0].seconds) == (2, 30)
    rests.end(Verdict.THROTTLED, now=140, due=140)
    assert rests.slow_since(171) is None
    rests.begin(Verdict.THROTTLED, 429, now=200, due=205)
    assert (rests.backoffs(201)[0].times, rests.backoffs(201)[0].seconds) == (1, 1)
