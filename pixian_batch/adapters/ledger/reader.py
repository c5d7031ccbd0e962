"""The ledger for those who only look: `plan`, `status`, and everybody while a run goes on. Writes nothing.

Proved by tests/adapters/ledger/test_questions.py.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from pixian_batch.adapters.ledger import opening
from pixian_batch.adapters.ledger.base import BaseLedger, answer
from pixian_batch.adapters.ledger.errors import LedgerError, is_damage, meaningful

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.adapters.ledger.base import Question

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class LedgerReader(BaseLedger):
    """Answers from a connection of its own, beside the run that holds the ledger."""

    path: str
    _connection: sqlite3.Connection
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def open(cls, path: str, *, missing_ok: bool = False) -> LedgerReader:
        """Raises `LedgerError` and its kin. missing_ok: no ledger yet is an empty one."""
        missing = missing_ok and not os.path.isfile(path)
        return cls(path, opening.in_memory() if missing else opening.read_only(path))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    async def ask(self, question: Question[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """As `BaseLedger.ask`; in a thread, one after another: a connection serves one at a time."""
        async with self._lock:
            return await asyncio.to_thread(self._answer, lambda db: answer(db, question, *args, **named))

    def each(
        self,
        question: Callable[Concatenate[sqlite3.Connection, _P], Iterator[_T]],
        *args: _P.args,
        **named: _P.kwargs,
    ) -> Iterator[_T]:
        """Many answers, one at a time, from one consistent moment; here and now, in the caller's own thread.

        Close it, or take all of them: until then a run's log cannot become shorter.
        """
        try:
            self._connection.execute("BEGIN")
            try:
                with meaningful():
                    yield from question(self._connection, *args, **named)
            finally:
                self._connection.rollback()
        except sqlite3.Error as error:
            raise self._as_ledger_error(error) from error

    def _answer(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            self._connection.execute("BEGIN")
            try:
                return question(self._connection)
            finally:
                self._connection.rollback()
        except sqlite3.Error as error:
            raise self._as_ledger_error(error) from error

    def _as_ledger_error(self, error: sqlite3.Error) -> LedgerError:
        if is_damage(error):
            return opening.damaged(self.path, str(error))
        return LedgerError(f"the ledger {self.path} cannot be read: {error}")
