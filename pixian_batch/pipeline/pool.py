"""The pool: workers are lent to images that are ready to be sent, as many at once as the ramp allows.

An image has a task of its own and needs a worker only while it is on the wire: what comes before (reading,
asking the ledger) and after (renaming, writing down) never keeps a worker from its next request. Before,
with and behind the workers there are at most as many images as there are workers, and beside them `MOST_ASIDE`, so
memory is bounded.

How it works:
1. `run` takes an item from the stream when there is a place in line, and makes a task of it.
2. The item comes to `async with turn as worker`: it waits in line until fewer workers are in use than the
   ramp's `Window` allows. A worker that comes free goes to the first in line at once, so that use never
   seems to drop between two images.
3. Every change of use is told to the window, which says when one more is allowed or one is taken back; a
   single timer looks at it then. A window that shrinks takes no worker away: it only lends fewer.
4. Who waits because the service fails for everyone (`idle`) uses nothing meanwhile: a service that is down
   earns no steps, and all who waited do not come back at once to more than the window allows.

5. Who turns out to need no worker, and has to wait all the same, steps aside (`turn.aside`): its place in line is
   the next one's. Only so many are aside at once that memory stays bounded.

Knows nothing of images, money or files: `handle(item, turn)` does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pixian_batch.policy.ramp import Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.stream import Stream
    from pixian_batch.pipeline.worker import Worker
    from pixian_batch.policy.ramp import Ramp

T = TypeVar("T")
MOST_ASIDE: Final = 250
"""Items that may wait outside the line."""


class Pool(Generic[T]):
    """One run's workers. `workers` are all that were ever hired.

    on_step: told how many were allowed and are now; before the first request none were.
    """

    def __init__(
        self,
        ramp: Ramp,
        stop: StopSign,
        *,
        hire: Callable[[], Worker],
        handle: Callable[[T, Turn], Awaitable[None]],
        on_step: Callable[[int, int], None] = lambda _before, _allowed: None,
    ) -> None:
        self._handle = handle
        self._line = Line(ramp, stop, hire, on_step)

    @property
    def workers(self) -> list[Worker]:
        """All workers that have begun."""
        return self._line.workers

    @property
    def allowed(self) -> int:
        """How many may be in use now."""
        return self._line.window.allowed

    @property
    def in_use(self) -> int:
        """How many are."""
        return self._line.window.in_use

    @property
    def next_step(self) -> float | None:
        """Seconds of full use until one more worker is allowed; None at the cap and before the first request."""
        return self._line.window.next_step(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def idle(self) -> AsyncIterator[None]:
        """Around a wait of somebody who has a worker, in which it is not in use."""
        self._line.leave()
        try:
            yield
        finally:
            await self._line.enter()

    async def run(self, stream: Stream[T]) -> None:
        """Work until the stream has ended and every item is handled: a task for each, once it has a place in line."""
        self._line.open()
        try:
            async with asyncio.TaskGroup() as items:
                await self._line.places.acquire()
                while (item := await stream.take()) is not None:
                    items.create_task(self._one(item))
                    await self._line.places.acquire()
        finally:
            self._line.close()

    async def _one(self, item: T) -> None:
        turn = Turn(self._line)
        try:
            await self._handle(item, turn)
        finally:
            turn.end()


class Line:
    """Who is in use, who waits for it, and how many may stand before and behind the workers: one each for every worker."""

    def __init__(
        self, ramp: Ramp, stop: StopSign, hire: Callable[[], Worker], on_step: Callable[[int, int], None]
    ) -> None:
        self.workers: list[Worker] = []
        self.window = Window.of(ramp)
        self.places = asyncio.Semaphore(0)
        self.exits = asyncio.Semaphore(0)
        self.asides = asyncio.Semaphore(MOST_ASIDE)
        self._stop = stop
        self._hire = hire
        self._on_step = on_step
        self._told = 0
        self._free: deque[Worker] = deque()
        self._in_use = 0
        self._in_line: deque[asyncio.Future[Worker]] = deque()
        self._returning: deque[asyncio.Future[None]] = deque()
        """Those who have a worker, were idle and want to go on: before all who are in line."""
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Hire the first workers."""
        while len(self.workers) < self.window.allowed:
            worker = self._hire()
            self.workers.append(worker)
            self._free.append(worker)
            self.places.release()
            self.exits.release()

    def close(self) -> None:
        """No more steps."""
        if self._timer is not None:
            self._timer.cancel()

    async def lend(self) -> Worker:
        """A worker, in use from now on, when it is this one's turn."""
        mine: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._in_line.append(mine)
        self._serve()
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give_back(mine.result())
            raise

    def give_back(self, worker: Worker) -> None:
        """It is not in use any more, unless the next in line takes it over at once."""
        self._free.append(worker)
        self.leave()

    async def enter(self) -> None:
        """Be in use again, after `leave`."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._returning.append(mine)
        self._serve()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                self._use(self._in_use + 1)  # whoever was cancelled gives its worker back all the same
            raise

    def leave(self) -> None:
        """One fewer is in use; whoever waits goes first, so that use does not seem to drop between two images."""
        self._in_use -= 1
        if not self._serve():
            self._use(self._in_use)

    def _serve(self) -> bool:
        """Let in who waits, as many as are allowed; whether anybody came."""
        before = self._in_use
        while self._in_use < self.window.allowed and (self._let_in_returning() or self._let_in_next()):
            self._in_use += 1
        if self._in_use > before:
            self._use(self._in_use)
        return self._in_use > before

    def _let_in_returning(self) -> bool:
        while self._returning:
            if not (first := self._returning.popleft()).done():
                first.set_result(None)
                return True
        return False

    def _let_in_next(self) -> bool:
        while self._in_line and self._free:
            if not (first := self._in_line.popleft()).done():
                first.set_result(self._free.popleft())
                return True
        return False

    def _use(self, in_use: int) -> None:
        self._in_use = in_use
        self.window = self.window.used(in_use, asyncio.get_running_loop().time())
        self._tell_step()
        self._set_timer()

    def _set_timer(self) -> None:
        """One timer at a time: one that rings too early is set anew then, not at each change of use."""
        change = self.window.next_change
        if change is None or (self._timer is not None and self._timer.when() <= change):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(change, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._stop.up:
            return  # nothing new is sent: nothing is earned any more
        self.window = self.window.at(asyncio.get_running_loop().time())
        self.open()
        self._serve()
        self._tell_step()
        self._set_timer()

    def _tell_step(self) -> None:
        before, self._told = self._told, self.window.allowed
        if before != self._told:
            self._on_step(before, self._told)


class Turn:
    """One item's turn: a place in line, then (`async with turn as worker`, at most once) a worker, then an exit.

    The worker is given back when the item has an exit: who cannot get rid of results takes no new ones.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._worker: Worker | None = None
        self._leaving = False
        self._ended = False
        self._in_line = True

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Out of line meanwhile, so that the next item may come. Whoever needs a worker after all lines up again."""
        async with self._line.asides:
            self._leave_line()
            yield

    def _leave_line(self) -> None:
        if self._in_line:
            self._in_line = False
            self._line.places.release()

    async def __aenter__(self) -> Worker:
        if not self._in_line:
            await self._line.places.acquire()
            self._in_line = True
        self._worker = await self._line.lend()
        self._leave_line()
        self._worker.busy = True
        return self._worker

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._worker is not None  # noqa: S101  # `with` was entered, or this would not be called
        try:
            await self._line.exits.acquire()
            self._leaving = True
        finally:
            self._worker.busy = False
            self._line.give_back(self._worker)

    def end(self) -> None:
        """The item's way has ended, wherever it was: its place is another's. What is told again changes nothing."""
        if self._ended:
            return
        self._ended = True
        if self._leaving:
            self._line.exits.release()
        self._leave_line()
