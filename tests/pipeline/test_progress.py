"""Every ending is counted once and told once, also when an image was finished before it was found."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import virtual
from support.hearing import Hearing
from support.labs import DOWN, OK, Lab
from support.records import answered

from pixian_batch.pipeline.progress import Progress
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.outcome import Done, Ending, Failed, NotStarted, Problem, Skipped, SkipReason
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict

HEADERS = answered("0.25").headers


def done(name: str, *, repaired: bool = False, attempts: int = 1, seconds: float = 2.0) -> Ending:
    place = os.path.join("out", f"{name}.png")
    return Ending(f"{name}.jpg", place, Done(HEADERS, 200, repaired), attempts=attempts, seconds=seconds)


def progress(hearing: Hearing) -> Progress:
    return Progress(ramp=Ramp(), stop=StopSign(), watcher=hearing, out="out")


def test_what_was_recovered_and_is_found_again_ends_once() -> None:
    async def main() -> None:
        for by_name in (False, True):
            hearing = Hearing(skipped=True)
            mine = progress(hearing)
            mine.recovered(done("a", repaired=True, attempts=0))
            if by_name:
                mine.ended(Ending("a.jpg", os.path.join("out", "a.png"), Skipped(SkipReason.DONE)))
            else:
                mine.skipped([("a.jpg", "a.png"), ("b.jpg", "sub/b.png")])
            mine.skipped([("a.jpg", "a.png")])  # the same photo under another name: that one was not told yet
            assert [ending.input for ending in hearing.endings] == (
                ["a.jpg", "a.jpg"] if by_name else ["a.jpg", "b.jpg", "a.jpg"]
            )
            assert (mine.tally.done, mine.tally.repaired) == (1, 1)
            assert mine.tally.ended == len(hearing.endings)

    virtual.run(main())


def test_who_does_not_want_skipped_images_one_by_one_hears_of_none() -> None:
    async def main() -> None:
        hearing = Hearing()
        mine = progress(hearing)
        mine.skipped([(f"{number}.jpg", f"{number}.png") for number in range(1000)])
        assert (hearing.endings, mine.tally.skipped) == ([], 1000)

    virtual.run(main())


def test_failures_are_counted_by_their_message() -> None:
    async def main() -> None:
        mine = progress(Hearing())
        for message in ("too large", "too large", "cut off"):
            mine.ended(Ending("a.jpg", None, Failed(Problem(None, message))))
        assert mine.problems.most_common() == [("too large", 2), ("cut off", 1)]

    virtual.run(main())


def test_the_snapshot_tells_rate_and_sums() -> None:
    async def main() -> None:
        mine = progress(Hearing())
        mine.credits_before = Decimal(10)
        for number in range(10):
            await asyncio.sleep(3)
            mine.ended(done(str(number)))
        mine.surveyed = 25
        mine.all_surveyed()
        now = mine.snapshot()
        assert (now.elapsed, now.found, now.tally.done) == (30, 25, 10)
        assert now.per_second == 10 / (30 - 1), "the first one was begun after a second"
        assert now.credits_ever == Decimal("12.5")
        mine.surveyed = 3
        assert mine.snapshot().found == 10, "never fewer than have ended"

    virtual.run(main())


def test_the_total_is_what_the_discovery_has_found_once_it_knows() -> None:
    async def main() -> None:
        hearing = Hearing()
        mine = progress(hearing)
        mine.surveyed = 7
        assert (mine.found, mine.counted) == (7, False)
        mine.all_surveyed()
        mine.all_walked(6)  # one was removed meanwhile
        assert (mine.found, mine.counted, hearing.totals) == (6, True, [7])
        mine.recovered(done("not among the inputs", repaired=True, attempts=0))
        assert mine.found == 7

    virtual.run(main())


def test_what_has_no_ending_when_a_run_was_stopped_is_not_started() -> None:
    async def main() -> None:
        for stopped in (False, True):
            mine = progress(Hearing())
            mine.surveyed = 329
            for number in range(23):
                mine.ended(done(str(number)))
            mine.ended(Ending("in line.jpg", None, NotStarted()))
            if stopped:
                mine.stop.raise_(Stop(Exit.SIGINT, "stopped"))
            mine.close()
            assert mine.tally.not_started == (306 if stopped else 1)
            assert mine.snapshot().tally is mine.tally, "screens and summary tell the same"

    virtual.run(main())


class Pool:
    """As much of a pool as a snapshot looks at: `allowed` workers, all of them sending but for those who rest."""

    def __init__(self, allowed: int, resting: int = 0, step: float | None = 1.0) -> None:
        self.allowed, self.next_step = allowed, step
        self.workers = [Resting(busy=True, resting=number < resting) for number in range(allowed)]


@dataclass
class Resting:
    busy: bool
    resting: bool
    throttled: int = 0


@given(
    left=st.integers(1, 5000),
    allowed=st.integers(1, 20),
    resting=st.integers(1, 20),
    gaps=st.lists(st.floats(0.01, 20), min_size=1, max_size=60),
    silent=st.floats(0, 300),
)
def test_while_workers_back_off_no_better_rate_is_promised_than_was_measured(
    left: int, allowed: int, resting: int, gaps: list[float], silent: float
) -> None:
    async def main() -> None:
        mine = Progress(ramp=Ramp(start=allowed, cap=100, interval=1), stop=StopSign(), watcher=Hearing())
        mine.pool = cast("Any", Pool(allowed, min(resting, allowed)))
        clock = asyncio.get_running_loop().time
        due = clock() + 10_000
        mine.rests.begin(Verdict.THROTTLED, 429, now=clock(), due=due)
        for number, gap in enumerate(gaps):
            await asyncio.sleep(gap)
            mine.ended(done(str(number), seconds=gap))
        await asyncio.sleep(silent)
        mine.surveyed = len(gaps) + left
        mine.all_surveyed()
        now = mine.snapshot()
        assert now.backoffs[0].times == 1
        measured = len(gaps) / now.elapsed
        if now.elapsed <= 600 and now.eta is not None:
            assert now.eta >= left / max(measured, 1e-9) * 0.999 or now.elapsed < 10
            assert now.eta == pytest.approx(left / now.per_second)

    virtual.run(main())


def test_what_went_on_before_the_back_off_promises_nothing() -> None:
    async def main() -> None:
        mine = Progress(ramp=Ramp(start=5, cap=5), stop=StopSign(), watcher=Hearing())
        mine.pool = cast("Any", Pool(5, resting=4, step=None))
        clock = asyncio.get_running_loop().time
        for number in range(200):  # five a second
            await asyncio.sleep(0.2)
            mine.ended(done(f"quick {number}", seconds=1))
        mine.rests.begin(Verdict.THROTTLED, 429, now=clock(), due=clock() + 10_000)
        for number in range(20):  # and then one
            await asyncio.sleep(1)
            mine.ended(done(f"slow {number}", seconds=1))
        mine.surveyed = 320
        mine.all_surveyed()
        assert mine.snapshot().eta == pytest.approx(100, rel=0.06)

    virtual.run(main())


def test_more_workers_are_only_counted_on_while_they_are_being_earned() -> None:
    async def main() -> None:
        etas = []
        for pool in (Pool(5, step=None), Pool(5), Pool(5, resting=1)):
            mine = Progress(ramp=Ramp(start=5, cap=10, interval=10), stop=StopSign(), watcher=Hearing())
            mine.pool = cast("Any", pool)
            for number in range(20):
                await asyncio.sleep(1)
                mine.ended(done(str(number), seconds=1))
            mine.surveyed = 120
            assert mine.snapshot().eta is None, "nobody knows how many there are"
            mine.all_surveyed()
            etas.append(mine.snapshot().eta)
        at_the_cap, growing, resting = etas
        assert at_the_cap == resting == 100
        assert growing is not None
        assert growing < 75

    virtual.run(main())


def test_a_service_that_is_down_promises_nothing() -> None:
    async def main() -> None:
        mine = progress(Hearing())
        mine.pool = cast("Any", Pool(5))
        lab = Lab(breaker=Breaker(threshold=1))
        mine.circuit = lab.circuit
        mine.ended(done("a"))
        mine.surveyed = 10
        mine.all_surveyed()
        assert mine.snapshot().eta is not None
        await lab.pursue(lab.worker(), [DOWN, OK])
        lab.circuit.breaker = lab.circuit.breaker.seen(DOWN, 0.0)
        await asyncio.sleep(130)
        now = mine.snapshot()
        assert (now.eta, now.paused) == (None, True)
        assert now.outage is not None
        assert now.outage.answer == f"said {DOWN}"

    virtual.run(main())
