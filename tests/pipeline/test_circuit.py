"""The circuit breaker that all attempts pass, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

from support import virtual
from support.virtual import now

from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.retry import Fail, Land
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.pipeline.worker import Pursuit, Worker
    from pixian_batch.policy.verdict import Verdict

from support.labs import BUSY, DOWN, NO, OK, Lab


def service(back_at: float) -> Callable[[], Verdict]:
    return lambda: OK if now() >= back_at else DOWN


async def crowd(lab: Lab, workers: int, answer: Callable[[], Verdict], *, images: int = 1) -> list[Pursuit]:
    async def work(worker: Worker) -> list[Pursuit]:
        return [await lab.pursue_by(worker, answer, takes=2.0) for _ in range(images)]

    ended = await asyncio.gather(*(work(lab.worker()) for _ in range(workers)))
    return [pursuit for some in ended for pursuit in some]


def test_while_the_service_fails_for_everyone_one_probe_goes_at_a_time() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=10))
        ended = await crowd(lab, 10, service(back_at=300.0), images=2)
        probes = [at for at in lab.sent if 10 <= at < 300]
        gaps = [later - earlier for earlier, later in pairwise(probes)]
        assert gaps
        assert all(30 <= gap <= 33 for gap in gaps), "each 30 s after the last one has failed"
        assert lab.most_as_probes == 1
        assert lab.most_idle == 10, "all but the probe on its way wait, and use nothing meanwhile"
        assert lab.idle == 0, "who waited is in use again"
        assert all(pursuit.ended == Land() for pursuit in ended), "no image fails because the service did"
        assert not lab.circuit.is_tripped()
        after = [at for at in lab.sent if at >= 305]
        assert len(after) >= 18, "everybody goes again"
        assert max(after) <= 360, "and side by side"

    virtual.run(main())


def test_a_service_that_never_comes_back_ends_the_run() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=5, give_up_after=900))
        ended = await crowd(lab, 8, service(back_at=1e9))
        assert lab.stop.stop is not None
        assert lab.stop.stop.cause is Exit.SERVICE
        assert "15 min" in lab.stop.stop.message
        assert "said unavailable" in lab.stop.stop.message
        assert 900 <= now() <= 960
        assert not any(pursuit.ended == Land() for pursuit in ended)

    virtual.run(main())


def test_one_image_that_fails_alone_trips_nothing() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=5))
        for _ in range(5):
            await lab.pursue(lab.worker(), [DOWN] * 4)
            await lab.pursue(lab.worker(), [OK])
        assert not lab.circuit.is_tripped()

    virtual.run(main())


def test_429s_and_refusals_trip_nothing() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=3))
        await lab.pursue(lab.worker(), [BUSY] * 50 + [OK])
        for _ in range(10):
            await lab.pursue(lab.worker(), [NO])
        assert not lab.circuit.is_tripped()

    virtual.run(main())


def test_the_stop_sign_frees_those_who_wait_at_the_gate() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=3))
        loop = asyncio.get_running_loop()
        loop.call_later(100, lambda: lab.stop.raise_(Stop(Exit.SIGINT, "stopped")))
        ended = await crowd(lab, 6, service(back_at=1e9))
        assert now() <= 102
        assert all(pursuit.ended in {None, Fail()} for pursuit in ended)

    virtual.run(main())
