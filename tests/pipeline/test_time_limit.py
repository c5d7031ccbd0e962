"""A run's time: counted by a clock that goes on while the process is stopped, and only where a limit was set."""

from __future__ import annotations

import asyncio

from support import virtual
from support.virtual import now

from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.time_limit import TimeLimit
from pixian_batch.policy.stopping import Exit, Stop


def test_the_sign_goes_up_when_the_time_is_over() -> None:
    async def main() -> None:
        stop = StopSign()
        began = now()
        await TimeLimit(90.0, stop, now).watch()
        assert stop.stop is not None
        assert (stop.stop.cause, stop.hard, now() - began) == (Exit.TIME, False, 90.0)

    virtual.run(main())


def test_time_in_which_the_process_did_not_run_counts() -> None:
    async def main() -> None:
        stop, slept = StopSign(), [0.0]
        watching = asyncio.ensure_future(TimeLimit(90.0, stop, lambda: now() + slept[0]).watch())
        await asyncio.sleep(10)
        slept[0] = 3600.0  # the loop's own time stood still meanwhile
        began = now()
        await watching
        assert stop.up
        assert now() - began <= 2.0

    virtual.run(main())


def test_without_a_limit_nobody_watches_and_a_sign_that_is_up_ends_it() -> None:
    async def main() -> None:
        stop = StopSign()
        await TimeLimit(None, stop, now).watch()
        assert not stop.up
        watching = asyncio.ensure_future(TimeLimit(90.0, stop, now).watch())
        await asyncio.sleep(1)
        stop.raise_(Stop(Exit.SIGTERM, "stopped by SIGTERM"))
        await watching
        assert stop.stop is not None
        assert stop.stop.cause is Exit.SIGTERM

    virtual.run(main())


def test_a_signal_is_told_before_the_time() -> None:
    stop = StopSign()
    stop.raise_(Stop(Exit.TIME, "over"))
    stop.raise_(Stop(Exit.SIGINT, "stopped by SIGINT"))
    assert stop.stop is not None
    assert stop.stop.cause is Exit.SIGINT
