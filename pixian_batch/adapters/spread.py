"""Work spread over processes, its results in the order of the work. Blocking; knows nothing of what is done.

Each process is started fresh (spawned), ends with its parent however that ends, and pays no heed to Ctrl-C: the parent
decides. Each has one piece of work at a time, and only a few results wait for their turn, so memory does not grow with their
number. What is done in a process that the system ends (no memory, say) is done once more; if that is ended, too, it is lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")
_AHEAD: Final = 3
"""Results, for each process, that may wait for the slowest before them."""


def usable_cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


@dataclass(slots=True)
class _Piece(Generic[_Work, _Result]):
    """A piece of work, and what came of it: a list of one result, empty until then."""

    work: _Work
    results: list[_Result]
    tried: bool = False


@dataclass(slots=True)
class _Hand(Generic[_Work, _Result]):
    """A process. piece: what it has in hand."""

    process: SpawnProcess
    pipe: Connection[Any, Any]
    piece: _Piece[_Work, _Result] | None = None


class Spread(Generic[_Work, _Result]):
    """`do` for each piece of work, in `jobs` processes. lost: what stands for the result of work whose process was ended.

    `do`, the work and the results can be pickled.
    """

    def __init__(
        self, do: Callable[[_Work], _Result], lost: Callable[[_Work], _Result], *, jobs: int
    ) -> None:
        self._do, self._lost, self._jobs = do, lost, jobs
        self._hands: list[_Hand[_Work, _Result]] = []
        self._under_way: deque[_Piece[_Work, _Result]] = deque()
        """In the order of the work."""
        self._again: deque[_Piece[_Work, _Result]] = deque()
        self._context = multiprocessing.get_context("spawn")

    def results(self, work: Iterable[_Work]) -> Iterator[_Result]:
        """The results, in the order of the work. Whoever stops early ends what is under way."""
        waiting = iter(work)
        try:
            while True:
                self._hand_out(waiting)
                if not self._under_way:
                    return
                while self._under_way and self._under_way[0].results:
                    yield self._under_way.popleft().results[0]
                self._receive()
        finally:
            self._end()

    def _hand_out(self, waiting: Iterator[_Work]) -> None:
        """A piece for each process that has none, and for as many more processes as there may be."""
        while (hand := self._free_hand()) is not None:
            piece = self._next_piece(waiting)
            if piece is None:
                return
            hand.piece = piece
            with contextlib.suppress(OSError):  # it has died: its pipe says so
                hand.pipe.send(piece.work)

    def _free_hand(self) -> _Hand[_Work, _Result] | None:
        """One that has nothing to do, if need be a new one; None: all are busy."""
        free = next((hand for hand in self._hands if hand.piece is None), None)
        return free or (self._hired() if len(self._hands) < self._jobs else None)

    def _next_piece(self, waiting: Iterator[_Work]) -> _Piece[_Work, _Result] | None:
        if self._again:
            return self._again.popleft()
        if len(self._under_way) >= _AHEAD * self._jobs:
            return None
        for work in waiting:
            self._under_way.append(_Piece(work, []))
            return self._under_way[-1]
        return None

    def _hired(self) -> _Hand[_Work, _Result]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._do), daemon=True)
        process.start()
        theirs.close()  # so that its end is noticed here
        self._hands.append(_Hand(process, ours))
        return self._hands[-1]

    def _receive(self) -> None:
        """Wait for at least one process to be done."""
        busy = [hand for hand in self._hands if hand.piece is not None]
        ready = connection.wait([hand.pipe for hand in busy]) if busy else []
        for hand in busy:
            if hand.pipe in ready and hand.piece is not None:
                piece, hand.piece = hand.piece, None
                try:
                    piece.results.append(hand.pipe.recv())
                except (EOFError, OSError):
                    self._bury(hand, piece)

    def _bury(self, hand: _Hand[_Work, _Result], piece: _Piece[_Work, _Result]) -> None:
        self._hands.remove(hand)
        hand.pipe.close()
        hand.process.join()
        if piece.tried:
            piece.results.append(self._lost(piece.work))
        else:
            piece.tried = True
            self._again.append(piece)

    def _end(self) -> None:
        for hand in self._hands:
            hand.pipe.close()  # which ends an idle one
            if hand.piece is not None:
                hand.process.terminate()
        for hand in self._hands:
            hand.process.join()
        self._hands.clear()


def _serve(pipe: Connection[Any, Any], do: Callable[[Any], Any]) -> None:
    """A process: does what it is sent until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(do(pipe.recv()))
