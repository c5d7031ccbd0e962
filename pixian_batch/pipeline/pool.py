"""The pool: workers begin at the ramp's deadlines and take items from one stream until it ends.

Knows nothing of images, money or files: `handle(item, worker)` does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.stream import Stream
    from pixian_batch.pipeline.worker import Worker
    from pixian_batch.policy.ramp import Ramp

T = TypeVar("T")


class Pool(Generic[T]):
    """One run's workers. `workers` are those that have begun."""

    def __init__(
        self,
        ramp: Ramp,
        stop: StopSign,
        *,
        hire: Callable[[], Worker],
        handle: Callable[[T, Worker], Awaitable[None]],
    ) -> None:
        self.workers: list[Worker] = []
        self._ramp = ramp
        self._stop = stop
        self._hire = hire
        self._handle = handle
        self._began = 0.0

    @property
    def next_opening(self) -> float | None:
        """Seconds until the next worker may begin; None when all have."""
        if len(self.workers) >= self._ramp.cap:
            return None
        step = len(self.workers) - self._ramp.at_start + 1
        return max(0.0, self._began + step * self._ramp.interval - asyncio.get_running_loop().time())

    async def run(self, stream: Stream[T]) -> None:
        """Work until the stream has ended and every item is handled."""
        self._began = asyncio.get_running_loop().time()
        drained = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            opener = group.create_task(self._open(group, stream, drained))
            await drained.wait()
            opener.cancel()

    async def _open(self, group: asyncio.TaskGroup, stream: Stream[T], drained: asyncio.Event) -> None:
        """Begin each worker at its own absolute deadline, so that the ramp never drifts."""
        for opening in self._ramp.openings():
            wait = self._began + opening - asyncio.get_running_loop().time()
            if wait > 0 and not await self._stop.rest(wait):
                break
            worker = self._hire()
            self.workers.append(worker)
            group.create_task(self._work(worker, stream, drained))

    async def _work(self, worker: Worker, stream: Stream[T], drained: asyncio.Event) -> None:
        while (item := await stream.take()) is not None:
            worker.busy = True
            try:
                await self._handle(item, worker)
            finally:
                worker.busy = False
        drained.set()
