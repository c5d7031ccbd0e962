"""The pool: workers begin at the ramp's deadlines, and are lent to images that are ready to be sent.

An image has a task of its own and needs a worker only while it is on the wire: what comes before (reading,
asking the ledger) and after (renaming, writing down) never keeps a worker from its next request. Before,
with and behind the workers there are at most as many images as there are workers, so memory is bounded.

Knows nothing of images, money or files: `handle(item, turn)` does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

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
        handle: Callable[[T, Turn], Awaitable[None]],
    ) -> None:
        self.workers: list[Worker] = []
        self._ramp = ramp
        self._stop = stop
        self._hire = hire
        self._handle = handle
        self._began = 0.0
        self._line = _Line()

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
        async with asyncio.TaskGroup() as group:
            opener = group.create_task(self._open())
            await self._receive(stream)
            opener.cancel()

    async def _open(self) -> None:
        """Begin each worker at its own absolute deadline, so that the ramp never drifts."""
        for opening in self._ramp.openings():
            wait = self._began + opening - asyncio.get_running_loop().time()
            if wait > 0 and not await self._stop.rest(wait):
                break
            worker = self._hire()
            self.workers.append(worker)
            self._line.join(worker)

    async def _receive(self, stream: Stream[T]) -> None:
        """A task for every item, as soon as there is a place in line; ends when all have ended."""
        async with asyncio.TaskGroup() as items:
            await self._line.places.acquire()
            while (item := await stream.take()) is not None:
                items.create_task(self._one(item))
                await self._line.places.acquire()

    async def _one(self, item: T) -> None:
        turn = Turn(self._line)
        try:
            await self._handle(item, turn)
        finally:
            turn.end()


class _Line:
    """The free workers, and how many items may stand before and behind them: one each for every worker."""

    def __init__(self) -> None:
        self.free: asyncio.Queue[Worker] = asyncio.Queue()
        self.places = asyncio.Semaphore(0)
        self.exits = asyncio.Semaphore(0)

    def join(self, worker: Worker) -> None:
        """A worker begins."""
        self.free.put_nowait(worker)
        self.places.release()
        self.exits.release()


class Turn:
    """One item's turn: a place in line, then (`async with turn as worker`, at most once) a worker, then an exit.

    The worker is given back when the item has an exit: who cannot get rid of results takes no new ones.
    """

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._worker: Worker | None = None
        self._leaving = False

    async def __aenter__(self) -> Worker:
        self._worker = await self._line.free.get()
        self._line.places.release()
        self._worker.busy = True
        return self._worker

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._worker is not None  # noqa: S101  # entered
        try:
            await self._line.exits.acquire()
            self._leaving = True
        finally:
            self._worker.busy = False
            self._line.free.put_nowait(self._worker)

    def end(self) -> None:
        """The item's way has ended, wherever it was."""
        if self._leaving:
            self._line.exits.release()
        if self._worker is None:
            self._line.places.release()
