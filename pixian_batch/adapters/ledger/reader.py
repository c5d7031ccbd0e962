"""The ledger for those who only look: `plan`, `status`, and everybody while a run goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pixian_batch.adapters.ledger import LedgerDamagedError, LedgerError, read_only, store
from pixian_batch.adapters.ledger.committer import is_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from pixian_batch.policy.record import Asked, Key, Known, Stands

_T = TypeVar("_T")


@dataclass(slots=True)
class LedgerReader:
    """The questions of `Ledger`, answered from a connection of its own; no ledger yet is an empty one."""

    path: str
    _connection: sqlite3.Connection | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def open(cls, path: str, *, missing_ok: bool = False) -> LedgerReader:
        """Raises `LedgerError` and its kin; a missing file only without `missing_ok`."""
        try:
            return cls(path, read_only(path))
        except LedgerError as error:
            if missing_ok and type(error) is LedgerError:
                return cls(path)
            raise

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()

    async def ask(self, question: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """Any question; `otherwise` when there is no ledger."""
        if self._connection is None:
            return otherwise
        async with self._lock:  # a connection serves one thread at a time
            return await asyncio.to_thread(_asked, question, self._connection)

    async def known(self, asked: Sequence[Asked]) -> list[tuple[dict[str, Known], dict[str, Stands]]]:
        """As `Ledger.known`."""
        return await self.ask(lambda db: store.known(db, asked), [({}, {}) for _ in asked])

    async def is_bought(self, key: Key) -> bool:
        """Whether a result of this image is recorded anywhere."""
        return bool(await self.ask(lambda db: store.places_of(db, key), []))

    async def prices(self, params: str) -> list[tuple[int, Decimal]]:
        """As `Ledger.prices`."""
        return await self.ask(lambda db: list(store.prices(db, params)), [])

    async def seconds_per_image(self) -> float | None:
        """The mean of the latest delivered attempts; None before the first."""
        return await self.ask(store.seconds_per_image, None)


def _asked(question: Callable[[sqlite3.Connection], _T], db: sqlite3.Connection) -> _T:
    try:
        with store.meaningful():
            return question(db)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise LedgerError(f"the ledger cannot be read: {error}") from error
        raise LedgerDamagedError(f"the ledger is damaged: {error}") from error
