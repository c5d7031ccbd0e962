"""Every ending is counted once and told once, also when an image was finished before it was found."""

from __future__ import annotations

import asyncio
import os
from decimal import Decimal

from support import virtual
from support.hearing import Hearing
from support.records import answered

from pixian_batch.pipeline.progress import Progress
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.outcome import Done, Ending, Failed, Problem, Skipped, SkipReason
from pixian_batch.policy.ramp import Ramp

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
        mine.found, mine.counted = 25, True
        now = mine.snapshot()
        assert (now.elapsed, now.found, now.tally.done) == (30, 25, 10)
        assert now.per_second == 10 / 27
        assert now.credits_ever == Decimal("12.5")
        mine.found = 3
        assert mine.snapshot().found == 10, "never fewer than have ended"

    virtual.run(main())
