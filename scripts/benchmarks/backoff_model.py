"""The real pool, gate and worker against a service that answers 429 above R requests a second; virtual time.

40 workers, 2 s an image: they want 20 images a second. The service counts requests in whole seconds and
answers a 429 after 0.2 s. `linear` is the worker as it is; the others are the same worker's loop with another rest.
Prints a JSON line for each policy and limit.
"""

from __future__ import annotations

import asyncio
import functools
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import looptime

from pixian_batch.adapters.wire.source import UrlSource
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.job import Job
from pixian_batch.pipeline.pool import Pool, Turn
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.stream import Stream
from pixian_batch.pipeline.worker import Worker
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.record import Key
from pixian_batch.policy.reply import Reply
from pixian_batch.policy.retry import RetryPolicy
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

_WORKERS: Final = 40
_SECONDS: Final = 300.0
_STEP: Final = 5.0
_JOB: Final = Job("a.jpg", UrlSource("https://127.0.0.1/a.jpg"), Key(b"", ""), Params(), "a.png", None)


@dataclass(slots=True)
class ModelService:
    """Answers `limit` requests in each second, the rest with 429. Counts both."""

    limit: int
    draw: random.Random
    useful: int = 0
    wasted: int = 0
    _second: int = -1
    _taken: int = 0

    async def answer(self, _job: Job) -> Reply:
        """One request."""
        now = int(asyncio.get_running_loop().time())
        if now != self._second:
            self._second, self._taken = now, 0
        if self._taken >= self.limit:
            self.wasted += 1
            await asyncio.sleep(0.2)
            return Reply(Verdict.THROTTLED, seconds=0.2, http_status=429)
        self._taken += 1
        await asyncio.sleep(self.draw.lognormvariate(0.6, 0.4))
        self.useful += 1
        return Reply(Verdict.DELIVERED, seconds=2.0, http_status=200)


async def _run(service: ModelService, rest: Callable[[int, random.Random], float] | None) -> None:
    """`rest`: seconds after the n-th 429 in a row; None: the worker's own."""
    loop, stop, stream = asyncio.get_running_loop(), StopSign(), Stream[int]()

    async def handle(_item: int, turn: Turn) -> None:
        async with turn as worker:
            if rest is None:
                await worker.pursue(_JOB)
                return
            throttles = 0
            while (await service.answer(_JOB)).verdict is Verdict.THROTTLED:
                throttles += 1
                await asyncio.sleep(rest(throttles, service.draw))

    async def feed() -> None:
        while loop.time() < _SECONDS:
            await stream.put(1)
        await stream.close()

    circuit = Circuit(breaker=Breaker(), stop=stop, send=service.answer)
    hire = functools.partial(Worker, circuit, stop, RetryPolicy(_STEP))
    pool: Pool[int] = Pool(Ramp(_WORKERS, _WORKERS, 0), stop, hire=hire, handle=handle)
    feeding = asyncio.ensure_future(feed())
    running = asyncio.ensure_future(pool.run(stream))
    await asyncio.sleep(_SECONDS)
    for task in (feeding, running):
        task.cancel()
    await asyncio.gather(feeding, running, return_exceptions=True)


_POLICIES: Final[dict[str, Callable[[int, random.Random], float] | None]] = {
    "linear (ours)": None,
    "exponential, jitter": lambda n, draw: draw.uniform(0, min(60.0, _STEP * 2 ** (n - 1))),
    "none": lambda _n, _draw: 0.0,
}

for limit in (5, 10, 15):
    for name, rest in _POLICIES.items():
        service = ModelService(limit, random.Random(6))  # noqa: S311  # weather, no secret
        with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
            runner.run(_run(service, rest))
        rate = service.useful / _SECONDS
        wasted = service.wasted / max(1, service.useful)
        print(
            json.dumps(
                {
                    "limit_per_s": limit,
                    "policy": name,
                    "useful_per_s": round(rate, 2),
                    "of_the_limit": round(rate / limit, 3),
                    "wasted_per_useful": round(wasted, 2),
                }
            )
        )
