"""One thread that owns the SQLite connection and commits for many workers at once.

Everything that waits when the thread comes round goes into one transaction, so that a hundred workers
share one fsync. A caller's await returns only when its work is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from pixian_batch.adapters.ledger.errors import (
    LedgerDamagedError,
    LedgerError,
    LedgerUnwritableError,
    in_our_words,
    is_damage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_T = TypeVar("_T")
_MOST_AT_ONCE: Final = 1000


@dataclass(slots=True)
class _Task:
    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any] | None
    result: Any = None
    error: Exception | None = None


class Committer:
    """Runs functions on the connection, in order, in grouped durable transactions."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        on_damage: Callable[[sqlite3.Error], bool] = lambda _error: True,
    ) -> None:
        self._connection = connection
        self._on_damage = on_damage
        self._queue: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._later: deque[_Task] = deque()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._serve, name="ledger", daemon=True)
        self._thread.start()
        self._closed = False

    async def do(
        self, work: Callable[Concatenate[sqlite3.Connection, _P], _T], *args: _P.args, **named: _P.kwargs
    ) -> _T:
        """Run `work(connection, ...)` and wait until what it wrote is durable. Raises `LedgerError`.

        A cancelled caller does not take its work back: what was handed in will be written.
        """
        if self._closed:
            raise LedgerError("the ledger is closed")
        future: asyncio.Future[_T] = self._loop.create_future()
        self._queue.put(_Task(lambda db: work(db, *args, **named), future))
        return await future

    def soon(
        self, work: Callable[Concatenate[sqlite3.Connection, _P], None], *args: _P.args, **named: _P.kwargs
    ) -> None:
        """Run `work` with the next that somebody waits for. For what a run can do without: an error is dropped."""
        self._later.append(_Task(lambda db: work(db, *args, **named), None))

    async def close(self) -> None:
        """Write what was handed in, then let go of the connection."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        open_ = True
        while open_:
            tasks, open_ = self._gather()
            if tasks:
                self._commit(tasks)
            if waited_for := [task for task in tasks if task.future is not None]:
                # The loop is gone when a run was torn down: nobody waits any more.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(_answer, waited_for)
        self._connection.close()

    def _gather(self) -> tuple[list[_Task], bool]:
        """Everything that waits now, and what was left for later; False when the end of the queue was reached."""
        tasks: list[_Task] = []
        while (item := self._queue.get()) is not None:
            tasks.append(item)
            if len(tasks) >= _MOST_AT_ONCE or self._queue.empty():
                break
        while self._later:
            tasks.append(self._later.popleft())
        return tasks, item is not None

    def _commit(self, tasks: list[_Task]) -> None:
        """One transaction; what nobody waits for takes nobody's work with it when it cannot be written."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for task in tasks:
                self._attempt(task)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            waited_for = [task for task in tasks if task.future is not None]
            if len(waited_for) < len(tasks) and not is_damage(error):
                self._commit(waited_for)
                return
            failure = self._as_ledger_error(error)
            for task in tasks:
                task.error = failure

    def _as_ledger_error(self, error: sqlite3.Error) -> LedgerError:
        """The error as callers know it; damage is remembered for the next run, which repairs it.

        on_damage: whether it was damage in truth. What SQLite itself says of it may be the disk's doing.
        """
        if not is_damage(error):
            return LedgerUnwritableError(error)
        if not self._on_damage(error):
            return LedgerError("the disk did not give back what is in the ledger")
        reason = in_our_words(error)
        message = f"the ledger is damaged ({reason}): the next run saves what can be read of it"
        return LedgerDamagedError(message, reason)

    def _attempt(self, task: _Task) -> None:
        try:
            task.result = task.work(self._connection)
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError) as error:
            task.error = error  # the statement: ours to mend
        except sqlite3.Error:
            raise  # the disk, or damage, not the statement: the whole group is undone
        except Exception as error:  # noqa: BLE001  # belongs to the caller that waits for it
            task.error = error


def _answer(tasks: list[_Task]) -> None:
    for task in tasks:
        if task.future is None or task.future.done():
            continue
        if task.error is not None:
            task.future.set_exception(task.error)
        else:
            task.future.set_result(task.result)
