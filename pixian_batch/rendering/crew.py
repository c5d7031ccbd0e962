"""Processes that make variants, as many as there are cores: each has one image at a time, so memory is bounded.

Each is started fresh (spawned), ends with its parent, and pays no heed to Ctrl-C: its parent decides. One that dies
(no memory, say) fails the image in its hand, and another one takes its place.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import traceback
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.rendering.work import Outcome, work

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from pixian_batch.rendering.work import Task

_GLANCE: Final = 0.5
"""Seconds after which it is looked whether somebody wants to stop."""


def alone(tasks: Iterable[Task], stopping: Callable[[], bool]) -> Generator[list[Outcome] | None]:
    """What becomes of tasks, made here, one after the other, until somebody wants to stop."""
    for task in tasks:
        if stopping():
            return
        yield work(task)


@dataclass(slots=True)
class _Member:
    process: SpawnProcess
    pipe: Connection[Any, Any]
    task: Task | None = None


class Crew:
    """`run(tasks)` gives what became of each, in the order in which they end."""

    def __init__(self, size: int, stopping: Callable[[], bool], dropping: Callable[[], bool]) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._size, self._stopping, self._dropping = size, stopping, dropping
        self._members: list[_Member] = []

    def run(self, tasks: Iterable[Task]) -> Generator[list[Outcome] | None]:
        """None now and then, so that the caller may look about. What is begun is ended, unless all is dropped."""
        waiting = iter(tasks)
        try:
            while not self._dropping():
                self._hand_out(waiting)
                busy = [member for member in self._members if member.task is not None]
                if not busy:
                    return
                ready = connection.wait([member.pipe for member in busy], timeout=_GLANCE)
                for member in busy:
                    if member.pipe in ready:
                        yield self._received(member)
                yield None
        finally:
            self._end()

    def _hand_out(self, waiting: Iterator[Task]) -> None:
        """A task for each member that has none, and for as many more members as there may be."""
        while not self._stopping():
            free = next((member for member in self._members if member.task is None), None)
            if free is None and len(self._members) >= self._size:
                return
            task = next(waiting, None)
            if task is None:
                return
            member = free or self._hired()
            member.task = task
            with contextlib.suppress(OSError):  # it has died: its pipe says so
                member.pipe.send(task)

    def _hired(self) -> _Member:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()  # so that its end is noticed here
        member = _Member(process, ours)
        self._members.append(member)
        return member

    def _received(self, member: _Member) -> list[Outcome]:
        task, member.task = member.task, None
        assert task is not None  # noqa: S101  # only members with one are waited for
        try:
            outcomes: list[Outcome] | Exception = member.pipe.recv()
        except (EOFError, OSError):
            self._members.remove(member)
            member.process.join()
            return [_died(variant.number) for variant in task.variants]
        if isinstance(outcomes, Exception):
            raise outcomes
        return outcomes

    def _end(self) -> None:
        for member in self._members:
            member.pipe.close()  # which ends an idle one
            if member.task is not None:
                member.process.terminate()
        for member in self._members:
            member.process.join()
        self._members.clear()


def _died(number: int) -> Outcome:
    hint = "most often there was not enough memory: use fewer processes, --jobs 1, and run the same command again"
    return Outcome(number=number, problem="the process that made it was ended by the system", hint=hint)


def _serve(pipe: Connection[Any, Any]) -> None:
    """A process of the crew: makes what it is sent until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(_done(pipe.recv()))


def _done(task: Task) -> list[Outcome] | Exception:
    """What became of a task; an error of ours goes to the parent, which reports it."""
    try:
        return work(task)
    except Exception as bug:  # noqa: BLE001  # of ours, whatever it is: raised again by the parent
        bug.add_note(traceback.format_exc())
        return bug
