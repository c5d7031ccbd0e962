"""The real pool on a clock that jumps: the vendor's ramp from 5 to 40 workers at a minute a step.

Prints the workers at the end, the share of the area under the allowed curve that was used, and how often
more workers were busy than allowed.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import looptime

from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.pool import Pool, Turn
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.stream import Stream
from pixian_batch.pipeline.worker import Worker
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.retry import RetryPolicy

if TYPE_CHECKING:
    from pixian_batch.pipeline.job import Job

_RAMP = Ramp(5, 40, 60.0)
_UNTIL = 40 * 60.0


def _allowed(elapsed: float) -> int:
    """The vendor's curve, when all workers are in use from the start on."""
    return min(_RAMP.cap, _RAMP.start + int(elapsed // _RAMP.interval))


async def _nothing_to_send(_job: Job) -> None:
    raise AssertionError("this model sends nothing")


async def _main() -> str:
    loop, stop, stream = asyncio.get_running_loop(), StopSign(), Stream[int]()
    draw = random.Random(6)  # noqa: S311  # weather, no secret
    began, busy, over, used = loop.time(), 0, 0, 0.0

    async def handle(_item: int, turn: Turn) -> None:
        nonlocal busy, over, used
        async with turn:
            busy += 1
            over += busy > _allowed(loop.time() - began)
            seconds = draw.lognormvariate(1.6, 0.6)
            start = loop.time()
            await asyncio.sleep(seconds)
            used += max(0.0, min(loop.time(), began + _UNTIL) - start)
            busy -= 1

    async def feed() -> None:
        while loop.time() - began < _UNTIL:
            await stream.put(1)
        await stream.close()

    circuit = Circuit(breaker=Breaker(), stop=stop, send=_nothing_to_send)
    pool: Pool[int] = Pool(_RAMP, stop, hire=lambda: Worker(circuit, stop, RetryPolicy()), handle=handle)
    feeding = asyncio.ensure_future(feed())
    await pool.run(stream)
    await feeding
    area = sum(_allowed(step * 1.0) for step in range(int(_UNTIL)))
    return f"{_RAMP.cap} {used / area:.4f} {over}"


with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
    print(runner.run(_main()))
