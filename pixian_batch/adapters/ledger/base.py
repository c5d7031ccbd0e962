"""The one door to a ledger: `ask`, and by it every question that the pipeline asks by name.

A run's ledger and a reader's differ only in how they carry a question to their connection.

Proved by tests/adapters/ledger/test_questions.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from pixian_batch.adapters.clock import today
from pixian_batch.adapters.ledger import questions, results
from pixian_batch.adapters.ledger.errors import meaningful

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Coroutine

    from pixian_batch.adapters.ledger.rows import Spent

_P = ParamSpec("_P")
_T = TypeVar("_T")
Question: TypeAlias = "Callable[Concatenate[sqlite3.Connection, _P], _T]"
"""A function of a connection; see `questions`. It reads, and leaves transactions to the door."""


def answer(db: sqlite3.Connection, question: Question[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
    """Ask it here and now. Raises `sqlite3.DatabaseError` for values that make no sense, too."""
    with meaningful():
        return question(db, *args, **named)


def _named(
    question: Question[_P, _T],
) -> Callable[Concatenate[BaseLedger, _P], Coroutine[Any, Any, _T]]:
    """A question as a method, for those who ask it often."""

    async def ask(self: BaseLedger, /, *args: _P.args, **named: _P.kwargs) -> _T:
        return await self.ask(question, *args, **named)

    return ask


class BaseLedger(ABC):
    """What both doors answer. Everything here raises `LedgerError`, and `LedgerDamagedError` for damage."""

    __slots__ = ()

    @abstractmethod
    async def ask(self, question: Question[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """Any question, answered from one consistent moment of the ledger."""

    standing = _named(questions.standing)
    places_of = _named(questions.places_of)
    places_of_each = _named(questions.places_of_each)
    known = _named(questions.known)
    results_of = _named(results.results_of)
    measures = _named(results.measures)
    sources_of = _named(questions.sources_of)
    unfinished = _named(questions.unfinished)
    undecided = _named(questions.undecided)
    charged = _named(questions.charged)
    spending = _named(questions.spending)
    unpriced = _named(questions.unpriced)
    result_sizes = _named(questions.result_sizes)
    prices = _named(questions.prices)

    async def spending_today(self) -> Spent:
        """Credits of attempts sent since midnight, local time."""
        return await self.spending(today())
