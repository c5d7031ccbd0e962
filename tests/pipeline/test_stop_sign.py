"""The stop sign: raised once, softly or hard, and heard by all."""

from __future__ import annotations

import asyncio

from support import virtual
from support.virtual import now

from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.stopping import Exit, Stop

SIGINT = Stop(Exit.SIGINT, "stopped")


def test_a_rest_is_cut_short_by_the_sign() -> None:
    async def main() -> None:
        stop = StopSign()
        assert await stop.rest(10)
        assert now() == 10
        asyncio.get_running_loop().call_later(5, lambda: stop.raise_(SIGINT))
        assert not await stop.rest(1000)
        assert now() == 15
        assert not await stop.rest(1000), "and so is every later one"
        assert now() == 15
        assert await stop.wait() is SIGINT

    virtual.run(main())


def test_what_is_in_flight_is_given_up_once_and_only_when_it_is_hard() -> None:
    async def main() -> None:
        stop = StopSign()
        hard: list[int] = []
        stop.on_hard = lambda: hard.append(1)
        stop.raise_(SIGINT)
        stop.raise_(SIGINT)
        assert (stop.up, stop.hard, hard) == (True, False, [])
        stop.raise_hard(SIGINT)
        stop.raise_hard(SIGINT)
        assert (stop.hard, hard) == (True, [1])

    virtual.run(main())


def test_a_signal_is_graver_than_the_first_reason() -> None:
    async def main() -> None:
        stop = StopSign()
        disk, service = Stop(Exit.DISK, "full"), Stop(Exit.SERVICE, "down")
        for raised, told in ((disk, disk), (service, disk), (SIGINT, SIGINT), (disk, SIGINT)):
            stop.raise_(raised)
            assert stop.stop is told

    virtual.run(main())
