"""Work over several processes, each with one piece in hand: so memory does not grow with the work. Knows nothing of what is
done. Blocking.

Each process is started fresh (spawned: a fork of a process with threads may hang), ends with its parent however that ends,
gives way to others, and pays no heed to Ctrl-C: the parent decides. Work whose process the system ends (no memory, say) is
done once more; if that process is ended, too, the work is lost. An error of ours in a process is raised in the parent.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections import deque
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")
_AHEAD: Final = 3
"""Results, for each process, that may wait for the slowest before them."""
_GLANCE: Final = 0.5
"""Seconds after which it is looked whether somebody wants to stop."""
_NICE: Final = 5


def usable_cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


@dataclass(slots=True)
class _Piece(Generic[_Work]):
    number: int
    work: _Work
    tried: bool = False


@dataclass(slots=True)
class _Hand(Generic[_Work]):
    """A process. piece: what it has in hand."""

    process: SpawnProcess
    pipe: Connection[Any, Any]
    piece: _Piece[_Work] | None = None


def _never() -> bool:
    return False


class Processes(Generic[_Work, _Result]):
    """`do` for each piece of work, in `jobs` processes. `do`, the work and the results can be pickled.

    lost: what stands for the result of work whose process was ended. stopping: nothing new is begun; dropping: nothing is
    waited for.
    """

    def __init__(
        self,
        do: Callable[[_Work], _Result],
        lost: Callable[[_Work], _Result],
        *,
        jobs: int,
        stopping: Callable[[], bool] = _never,
        dropping: Callable[[], bool] = _never,
    ) -> None:
        self._do, self._lost, self._jobs = do, lost, jobs
        self._stopping, self._dropping = stopping, dropping
        self._hands: list[_Hand[_Work]] = []
        self._again: deque[_Piece[_Work]] = deque()
        self._begun = self._given = 0
        self._context = multiprocessing.get_context("spawn")

    def in_order(self, work: Iterable[_Work]) -> Generator[_Result]:
        """The results, in the order of the work. Whoever stops early ends what is under way."""
        done: dict[int, _Result] = {}
        with contextlib.closing(self._go(work, ahead=_AHEAD * self._jobs)) as events:
            for event in events:
                if event is not None:
                    done[event[0].number] = event[1]
                while self._given in done:
                    self._given += 1
                    yield done.pop(self._given - 1)

    def as_they_end(self, work: Iterable[_Work]) -> Generator[_Result | None]:
        """The results, as they come; None now and then, so that the caller may look about."""
        with contextlib.closing(self._go(work, ahead=None)) as events:
            for event in events:
                yield None if event is None else event[1]

    def _go(
        self, work: Iterable[_Work], *, ahead: int | None
    ) -> Generator[tuple[_Piece[_Work], _Result] | None]:
        waiting = iter(work)
        try:
            while not self._dropping():
                self._hand_out(waiting, ahead)
                busy = [hand for hand in self._hands if hand.piece is not None]
                if not busy:
                    return
                ready = connection.wait([hand.pipe for hand in busy], timeout=_GLANCE)
                for hand in busy:
                    if hand.pipe in ready and (ended := self._received(hand)) is not None:
                        yield ended
                yield None
        finally:
            self._end()

    def _hand_out(self, waiting: Iterator[_Work], ahead: int | None) -> None:
        """A piece for each process that has none, and for as many more processes as there may be."""
        while (free := self._free_hand()) is not None or len(self._hands) < self._jobs:
            piece = self._next_piece(waiting, ahead)
            if piece is None:
                return
            hand = free or self._hired()
            hand.piece = piece
            with contextlib.suppress(OSError):  # it has died: its pipe says so
                hand.pipe.send(piece.work)

    def _free_hand(self) -> _Hand[_Work] | None:
        return next((hand for hand in self._hands if hand.piece is None), None)

    def _next_piece(self, waiting: Iterator[_Work], ahead: int | None) -> _Piece[_Work] | None:
        if self._again:
            return self._again.popleft()
        if self._stopping() or (ahead is not None and self._begun - self._given >= ahead):
            return None
        for work in waiting:
            self._begun += 1
            return _Piece(self._begun - 1, work)
        return None

    def _hired(self) -> _Hand[_Work]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._do), daemon=True)
        process.start()
        theirs.close()  # so that its end is noticed here
        self._hands.append(_Hand(process, ours))
        return self._hands[-1]

    def _received(self, hand: _Hand[_Work]) -> tuple[_Piece[_Work], _Result] | None:
        """What a process has done; None when it was ended, and its work will be done once more."""
        piece, hand.piece = hand.piece, None
        assert piece is not None  # noqa: S101  # only those with one are waited for
        try:
            result: _Result | _Bug = hand.pipe.recv()
        except (EOFError, OSError):
            self._hands.remove(hand)
            hand.pipe.close()
            hand.process.join()
            if piece.tried:
                return piece, self._lost(piece.work)
            piece.tried = True
            self._again.append(piece)
            return None
        if isinstance(result, _Bug):
            raise result.error
        return piece, result

    def _end(self) -> None:
        for hand in self._hands:
            hand.pipe.close()  # which ends an idle one
            if hand.piece is not None:
                hand.process.terminate()
        for hand in self._hands:
            hand.process.join()
        self._hands.clear()


@dataclass(frozen=True, slots=True)
class _Bug:
    """An error of ours, on its way to the parent."""

    error: Exception


def _serve(pipe: Connection[Any, Any], do: Callable[[Any], Any]) -> None:
    """A process: does what it is sent until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)  # a run beside it comes first
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(_done(do, pipe.recv()))


def _done(do: Callable[[Any], Any], work: Any) -> Any:
    try:
        return do(work)
    except Exception as bug:  # noqa: BLE001  # of ours, whatever it is: the parent reports it
        bug.add_note(traceback.format_exc())
        return _Bug(bug)
