"""The ledger: an SQLite file beside the results that knows every attempt and every credit.

`Ledger.open` takes the lock of one run; `read_only` is for everybody else. Credentials never come here.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from filelock import FileLock, Timeout

from pixian_batch.adapters.ledger import store
from pixian_batch.adapters.ledger.clock import now, today
from pixian_batch.adapters.ledger.committer import Committer, LedgerError
from pixian_batch.adapters.ledger.store import Spending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from pixian_batch.policy.outcome import Problem
    from pixian_batch.policy.record import Answered, Ended, Key, Placed, Sending, Standing, Unfinished

__all__ = [
    "Ledger",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerInUseError",
    "LedgerTooNewError",
    "Spending",
    "default_path",
]

_T = TypeVar("_T")
FOLDER: Final = ".pixian-batch"
_BUSY_MS: Final = 10_000
_SMALLEST: Final = 512
"""Bytes of the smallest page of SQLite."""


class LedgerInUseError(LedgerError):
    """Another run holds the lock."""


class LedgerTooNewError(LedgerError):
    """A newer pixian-batch wrote this ledger."""


class LedgerDamagedError(LedgerError):
    """The file is no ledger, or SQLite finds it damaged."""


def default_path(out: str) -> str:
    """Where the ledger of an output folder lies unless the user says otherwise."""
    return os.path.join(out, FOLDER, "ledger.db")


@dataclass(slots=True)
class Ledger:
    """The ledger of one run, held exclusively. All methods but `open` are for the event loop."""

    path: str
    _committer: Committer
    _lock: FileLock
    run: int = 0
    _attempts: int = field(default=0)

    @classmethod
    async def open(cls, path: str, *, create: bool = True) -> Ledger:
        """Open or make the ledger at `path` and take its lock.

        Raises `LedgerInUseError`, `LedgerTooNewError`, `LedgerDamagedError`, `LedgerError`.
        """
        if not create and not os.path.isfile(path):  # noqa: ASYNC240  # one stat
            raise LedgerError(f"there is no ledger at {path}")
        lock = _take_lock(path)
        try:
            connection = _connect(path)
        except BaseException:
            lock.release()
            raise
        return cls(path, Committer(connection), lock)

    async def close(self) -> None:
        """Write what is waiting, close the file, let go of the lock."""
        await self._committer.close()
        self._lock.release()

    async def begin_run(self, *, version: str, service: str) -> None:
        """Write down that a run begins."""
        at = now()
        self.run = await self._committer.do(lambda db: store.begin_run(db, at, version, service))
        self._attempts = await self._committer.do(store.last_attempt)

    async def end_run(self, exit_code: int) -> None:
        """Write down that the run has ended."""
        at = now()
        await self._committer.do(lambda db: store.end_run(db, self.run, at, exit_code))

    async def balance(self, balance: Decimal, *, after: bool) -> None:
        """Write down what the account holds, before or after the run."""
        await self._committer.do(lambda db: store.write_balance(db, self.run, balance, after=after))

    def next_attempt(self) -> int:
        """A number for an attempt that is about to be written."""
        self._attempts += 1
        return self._attempts

    async def sending(self, sending: Sending) -> None:
        """Durable before the first byte of the request leaves."""
        at = now()
        await self._committer.do(lambda db: store.write_sending(db, self.run, at, sending))

    async def answered(self, attempt: int, answered: Answered) -> None:
        """Durable before the body is read: the credits are known from here on."""
        at = now()
        await self._committer.do(lambda db: store.write_answered(db, at, attempt, answered))

    async def ended(self, attempt: int, ended: Ended) -> None:
        """The attempt's verdict."""
        at = now()
        await self._committer.do(lambda db: store.write_ended(db, at, attempt, ended))

    async def placed(self, source: str, place: str, placed: Placed) -> None:
        """The result of `source` stands at `place`."""
        await self._committer.do(lambda db: store.write_placed(db, source, place, placed))

    async def lost(self, attempt: int) -> None:
        """The received result of `attempt` is gone."""
        await self._committer.do(lambda db: store.write_lost(db, attempt))

    async def failed(self, source: str, problem: Problem) -> None:
        """Remember why `source` has no result."""
        at, code, message = now(), problem.code, problem.message
        await self._committer.do(lambda db: store.write_failure(db, self.run, at, source, code, message))

    def note_source(self, path: str, size: int, mtime_ns: int, digest: bytes) -> None:
        """Remember the hash of the input at the absolute `path`; nobody waits for it."""
        self._committer.soon(lambda db: store.write_source(db, path, size, mtime_ns, digest))

    async def resolve(self, attempt: int, *, charged: bool) -> None:
        """A person decided about an attempt in doubt: its image may be sent again."""
        at = now()
        await self._committer.do(lambda db: store.write_resolution(db, attempt, at, charged=charged))

    async def standing(self, key: Key) -> Standing | None:
        """What is known of an image."""
        return await self._committer.do(lambda db: store.standing(db, key))

    async def places_of(self, key: Key) -> list[tuple[str, int]]:
        """Where results of an image stand: (place, size)."""
        return await self._committer.do(lambda db: store.places_of(db, key))

    async def known(
        self, folder: str, names: Iterable[str], out_folder: str, out_names: Iterable[str]
    ) -> tuple[dict[str, tuple[int, int, bytes]], dict[str, Placed]]:
        """Hashes of inputs in `folder` (absolute), and what stands in `out_folder` (a place)."""
        return await self._committer.do(
            lambda db: (store.sources(db, folder, names), store.placed(db, out_folder, out_names))
        )

    async def sources_of(self, digest: bytes) -> list[str]:
        """Absolute paths of inputs that had these bytes when they were last read."""
        return await self._committer.do(lambda db: store.sources_of(db, digest))

    async def unfinished(self) -> list[Unfinished]:
        """What an interrupted run has left: at most as many as it had workers."""
        return await self._committer.do(lambda db: list(store.unfinished(db)))

    async def undecided(self) -> list[Standing]:
        """Images that wait for a decision."""
        return await self._committer.do(lambda db: list(store.undecided(db)))

    async def spending(self, since: str = "") -> Spending:
        """Credits in this ledger since a moment (ever, by default)."""
        return await self._committer.do(lambda db: store.spending(db, since))

    async def spending_today(self) -> Spending:
        """Credits of attempts sent since midnight, local time."""
        return await self.spending(today())

    async def prices(self, params: str) -> list[tuple[int, Decimal]]:
        """(pixels, credits) of what was bought or calculated with these parameters."""
        return await self._committer.do(lambda db: list(store.prices(db, params)))

    async def ask(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        """Any other question, for reports."""
        return await self._committer.do(question)


def read_only(path: str) -> sqlite3.Connection:
    """A connection that only reads, also while a run goes on. Raises `LedgerError` when there is none."""
    if not os.path.isfile(path):
        raise LedgerError(f"there is no ledger at {path}")
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(
            f"file:{quoted}?mode=ro", uri=True, timeout=_BUSY_MS / 1000, check_same_thread=False
        )
        _check_version(connection)
    except sqlite3.DatabaseError as error:
        raise LedgerDamagedError(f"the ledger {path} is damaged: {error}") from error
    return connection


def _take_lock(path: str) -> FileLock:
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        lock = FileLock(path + ".lock", thread_local=False)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise LedgerInUseError(f"another run holds the ledger {path}") from error
    except OSError as error:
        raise LedgerError(f"the ledger {path} cannot be made: {error.strerror or error}") from error
    return lock


def _connect(path: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000
        )
        try:
            is_new = _check(path, connection)  # before the first write: it may be somebody else's database
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if is_new:
                store.create(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        raise LedgerError(f"the ledger {path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise LedgerDamagedError(f"the ledger {path} is damaged: {error}") from error
    return connection


def _check(path: str, connection: sqlite3.Connection) -> bool:
    """Whether the ledger is new, with no tables yet; raises when it is damaged or no ledger."""
    if 0 < os.path.getsize(path) < _SMALLEST:  # SQLite would take it for empty
        raise sqlite3.DatabaseError("it is cut off")
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
        return True
    _check_version(connection)
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    return False


def _check_version(connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != store.APPLICATION_ID:
        raise sqlite3.DatabaseError("it is not a pixian-batch ledger")
    if version > store.SCHEMA_VERSION:
        raise LedgerTooNewError(
            f"the ledger was written by a newer pixian-batch (format {version}, this one knows {store.SCHEMA_VERSION})"
        )
