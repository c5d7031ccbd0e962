"""Thumbnails and measures of many rows, over all cores: what was seen before is not looked at again. Blocking.

The work is done in processes of their own, started afresh (a fork of a process with threads may hang), with a few
tasks in line for each, so that memory does not grow with the rows; each is written down soon after, so that what was
done when somebody pulls the plug is not done again. Proved by tests/review/test_making.py.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Final

from pixian_batch.review import thumbnails
from pixian_batch.review.measures import MatteMeasures
from pixian_batch.review.remembering import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from pixian_batch.review.remembering import Memory
    from pixian_batch.review.thumbnails import Task

    Pair = tuple[str, Seen]

_FEW: Final = 12
"""So many are looked at in this process: another one takes half a second to begin."""
_IN_LINE: Final = 4
"""Tasks for each process, at most: those that it works on and that wait for it."""
_PART: Final = 25
"""So many are written down together."""
_NICE: Final = 5
_UNLOOKED: Final = Seen(measures=MatteMeasures(problem="it ended the process (not enough memory?)"))


def cores() -> int:
    """How many processes can work at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_all(
    tasks: Sequence[Task], memory: Memory, *, told: Callable[[int], None], processes: int | None = None
) -> dict[str, Seen]:
    """Make the thumbnails of all tasks and write down what was seen; `told` hears how many are done.

    Gives what is not written down: the pictures that ended the process which looked at them, and may not the next time.

    Raises OSError where the report's folder cannot be written, `MemoryFileError` where its cache cannot.
    """
    waiting: list[Pair] = []
    unlooked: dict[str, Seen] = {}
    try:
        for number, pair in enumerate(_made(tasks, processes or cores()), 1):
            told(number)
            if pair[1] is _UNLOOKED:
                unlooked[pair[0]] = pair[1]
                continue
            waiting.append(pair)
            if len(waiting) >= _PART:
                memory.keep(waiting)
                waiting = []
    finally:
        memory.keep(waiting)
    return unlooked


def _made(tasks: Sequence[Task], processes: int) -> Iterator[Pair]:
    if len(tasks) <= _FEW:
        yield from map(thumbnails.make, tasks)
        return
    left = list(reversed(tasks))
    while left:
        victims: list[Task] = []
        yield from _by_pool(left, processes, victims)
        for task in victims:  # one of them has ended the process: each alone, so that only this one has to go
            yield _alone(task)


def _by_pool(left: list[Task], processes: int, victims: list[Task]) -> Iterator[Pair]:
    """Work off `left`, from its end. Where a process dies, those that it and the others had in hand are `victims`."""
    going: dict[Future[Pair], Task] = {}
    with _pool(processes) as pool:
        try:
            while going or left:
                while left and len(going) < processes * _IN_LINE:
                    task = left.pop()
                    going[_submitted(pool, task, left)] = task
                done, _ = wait(going, return_when=FIRST_COMPLETED)
                for future in done:
                    pair = future.result()
                    del going[future]
                    yield pair
        except BrokenProcessPool:
            victims += going.values()


def _submitted(pool: ProcessPoolExecutor, task: Task, left: list[Task]) -> Future[Pair]:
    try:
        return pool.submit(thumbnails.make, task)
    except BrokenProcessPool:
        left.append(task)
        raise


def _alone(task: Task) -> Pair:
    try:
        with _pool(1) as pool:
            return pool.submit(thumbnails.make, task).result()
    except BrokenProcessPool:
        return task.key, _UNLOOKED


@contextlib.contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """A process begins: Ctrl-C is its parent's to hear, it ends with its parent, and a run beside it comes first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICE)


def _end_with_parent() -> None:
    """Whose parent was killed would wait for its next task for ever: nobody closes the pipe that they share."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
