"""The one door to a ledger: `ask`, and by it every question that the pipeline asks by name.

A run's ledger and a reader's differ only in how they carry a question to their connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias, TypeVar

from pixian_batch.adapters.clock import today
from pixian_batch.adapters.ledger import questions
from pixian_batch.adapters.ledger.errors import meaningful

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from pixian_batch.adapters.ledger.rows import Spent
    from pixian_batch.policy.record import Asked, Key, Known, Standing, Stands, Unfinished

_P = ParamSpec("_P")
_T = TypeVar("_T")
Question: TypeAlias = "Callable[Concatenate[sqlite3.Connection, _P], _T]"
"""A function of a connection; see `questions`. It reads, and leaves transactions to the door."""


def answer(db: sqlite3.Connection, question: Question[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
    """Ask it here and now. Raises `sqlite3.DatabaseError` for values that make no sense, too."""
    with meaningful():
        return question(db, *args, **named)


class BaseLedger(ABC):
    """What both doors answer. Everything here raises `LedgerError`, and `LedgerDamagedError` for damage."""

    __slots__ = ()

    @abstractmethod
    async def ask(self, question: Question[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """Any question, answered from one consistent moment of the ledger."""

    async def standing(self, key: Key) -> Standing | None:
        """What is known of an image."""
        return await self.ask(questions.standing, key)

    async def places_of(self, key: Key) -> list[tuple[str, int]]:
        """Where results of an image stand: (place, size)."""
        return await self.ask(questions.places_of, key)

    async def is_bought(self, key: Key) -> bool:
        """Whether a result of this image is recorded anywhere."""
        return bool(await self.places_of(key))

    async def known(self, asked: Sequence[Asked]) -> list[tuple[dict[str, Known], dict[str, Stands]]]:
        """Hashes of inputs, and what stands in their output folders: an answer for each folder."""
        return await self.ask(questions.known, asked)

    async def sources_of(self, digest: bytes) -> list[str]:
        """Absolute paths of inputs that had these bytes when they were last read."""
        return await self.ask(questions.sources_of, digest)

    async def unfinished(self) -> list[Unfinished]:
        """What an interrupted run has left: at most as many as it had workers."""
        return await self.ask(questions.unfinished)

    async def undecided(self) -> list[Standing]:
        """Images that wait for a decision."""
        return await self.ask(questions.undecided)

    async def charged(self) -> Decimal:
        """Credits charged in this ledger, ever."""
        return await self.ask(questions.charged)

    async def spending(self, since: str = "") -> Spent:
        """Credits in this ledger since a moment (ever, by default)."""
        return await self.ask(questions.spending, since)

    async def spending_today(self) -> Spent:
        """Credits of attempts sent since midnight, local time."""
        return await self.spending(today())

    async def unpriced(self) -> list[int]:
        """Pixels of each attempt that may have been charged, and of which no price was known."""
        return await self.ask(questions.unpriced)

    async def result_sizes(self) -> tuple[int, int]:
        """How many results stand somewhere, and their bytes."""
        return await self.ask(questions.result_sizes)

    async def prices(self, params: str) -> list[tuple[int, Decimal]]:
        """(pixels, credits) of what was bought or calculated with these parameters."""
        return await self.ask(questions.prices, params)
