"""Work spread over processes, its results in the order of the work. Blocking; knows nothing of what is done.

Each process is started fresh (spawned), ends with its parent however that ends, and pays no heed to the signals of a
terminal: the parent decides. At most a few pieces of work a process are under way, so memory does not grow with their number.
What is done in a process that the system ends (no memory, say) is done once more, alone; if that one is ended, too, it is lost.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")
_AHEAD: Final = 3
"""Pieces of work under way for each process: so that none waits for the slowest before it."""


def usable_cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class Spread(Generic[_Work, _Result]):
    """`do` for each piece of work, in `jobs` processes. lost: what stands for the result of work whose process was ended.

    `do`, the work and the results can be pickled.
    """

    def __init__(
        self, do: Callable[[_Work], _Result], lost: Callable[[_Work], _Result], *, jobs: int
    ) -> None:
        self._do, self._lost, self._jobs = do, lost, jobs
        self._under_way: deque[tuple[_Work, Future[_Result]]] = deque()
        self._pool = _pool(jobs)

    def results(self, work: Iterable[_Work]) -> Iterator[_Result]:
        """The results, in the order of the work. Whoever stops early ends what is under way."""
        try:
            for piece in work:
                self._under_way.append((piece, self._pool.submit(self._do, piece)))
                while len(self._under_way) >= _AHEAD * self._jobs:
                    yield self._next()
            while self._under_way:
                yield self._next()
        finally:
            _end(self._pool)

    def _next(self) -> _Result:
        piece, future = self._under_way.popleft()
        try:
            return future.result()
        except BrokenProcessPool:
            return self._begin_again(piece)

    def _begin_again(self, first: _Work) -> _Result:
        """All processes of a pool end with one of them: one piece after the other, each in a process of its own."""
        _end(self._pool)
        self._under_way.appendleft((first, self._alone(first)))
        for number in range(1, len(self._under_way)):
            piece, future = self._under_way[number]
            if not future.done() or future.exception() is not None:
                self._under_way[number] = piece, self._alone(piece)
        self._pool = _pool(self._jobs)
        return self._under_way.popleft()[1].result()

    def _alone(self, piece: _Work) -> Future[_Result]:
        pool = _pool(1)
        future = pool.submit(self._do, piece)
        try:
            if isinstance(future.exception(), BrokenProcessPool):
                future = Future()
                future.set_result(self._lost(piece))
        finally:
            _end(pool)
        return future


def _pool(jobs: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_settle_in)


def _end(pool: ProcessPoolExecutor) -> None:
    """End its processes at once: what they do has no result that is awaited."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()


def _settle_in() -> None:
    """In a new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: multiprocessing.process.BaseProcess) -> None:
    """A parent that was killed ends nobody: its processes would wait for work for ever."""
    parent.join()
    os._exit(1)
