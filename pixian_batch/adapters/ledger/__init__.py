"""The ledger: an SQLite file beside the results that knows every attempt and every credit.

`Ledger.open` takes the lock of one run; `read_only` is for everybody else. Credentials never come here.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from filelock import FileLock, Timeout

from pixian_batch.adapters.ledger import store
from pixian_batch.adapters.ledger.clock import now, today
from pixian_batch.adapters.ledger.committer import (
    Committer,
    LedgerDamagedError,
    LedgerError,
    LedgerRebuiltError,
)
from pixian_batch.adapters.ledger.migration import STEPS, LedgerTooNewError, check_version, migrate
from pixian_batch.adapters.ledger.store import Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from pixian_batch.adapters.ledger.migration import Steps
    from pixian_batch.policy.outcome import Problem
    from pixian_batch.policy.record import (
        Answered,
        Asked,
        Ended,
        Key,
        Known,
        Placed,
        Sending,
        Standing,
        Stands,
        Unfinished,
    )

__all__ = [
    "Ledger",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerInUseError",
    "LedgerRebuiltError",
    "LedgerTooNewError",
    "Spent",
    "default_path",
]

_T = TypeVar("_T")
FOLDER: Final = ".pixian-batch"
_BUSY_MS: Final = 10_000
_SMALLEST: Final = 512
"""Bytes of the smallest page of SQLite."""


class LedgerInUseError(LedgerError):
    """Another run holds the lock."""


def default_path(out: str) -> str:
    """Where the ledger of an output folder lies unless the user says otherwise."""
    return os.path.join(out, FOLDER, "ledger.db")


def in_own_folder(path: str) -> bool:
    """Whether a ledger lies where nobody but this tool puts files: an empty one there has lost its content."""
    return os.path.basename(os.path.dirname(os.path.abspath(path))) == FOLDER


@dataclass(slots=True)
class Ledger:
    """The ledger of one run, held exclusively. All methods but `open` are for the event loop."""

    path: str
    _committer: Committer
    _lock: FileLock
    run: int = 0
    _attempts: int = field(default=0)

    @classmethod
    async def open(
        cls, path: str, *, create: bool = True, out: str | None = None, steps: Steps = STEPS
    ) -> Ledger:
        """Open or make the ledger at `path`, take its lock, bring an older one up to date.

        A damaged one is rebuilt with what stands in the output folder `out`, and this raises all the same:
        the next opening finds the new one. Without `out` it is left as it is.
        Raises `LedgerInUseError`, `LedgerTooNewError`, `LedgerDamagedError`, `LedgerError`.
        """
        if not create and not os.path.isfile(path):  # noqa: ASYNC240  # one stat
            raise LedgerError(f"there is no ledger at {path}")
        lock = _take_lock(path)
        try:
            connection = _connect_or_rebuild(path, out, steps)
        except BaseException:
            lock.release()
            raise
        return cls(path, Committer(connection, on_damage=lambda: _mark(path)), lock)

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
        await self.all_ended([(attempt, ended)])

    async def all_ended(self, verdicts: Sequence[tuple[int, Ended]]) -> None:
        """The verdicts of some attempts, all of them or none."""
        at = now()
        if verdicts:
            await self._committer.do(lambda db: store.write_ended(db, at, verdicts))

    async def placed(self, source: str, place: str, placed: Placed) -> None:
        """The result of `source` stands at `place`."""
        await self.all_placed([(source, place, placed)])

    async def all_placed(self, results: Sequence[tuple[str, str, Placed]]) -> None:
        """Results of some inputs stand at their places, all of them or none: (input, place, what)."""
        if results:
            await self._committer.do(lambda db: store.write_placed(db, results))

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
        return await self.ask(lambda db: store.standing(db, key))

    async def places_of(self, key: Key) -> list[tuple[str, int]]:
        """Where results of an image stand: (place, size)."""
        return await self.ask(lambda db: store.places_of(db, key))

    async def known(self, asked: Sequence[Asked]) -> list[tuple[dict[str, Known], dict[str, Stands]]]:
        """Hashes of inputs, and what stands in their output folders: an answer for each folder."""
        return await self.ask(lambda db: store.known(db, asked))

    async def sources_of(self, digest: bytes) -> list[str]:
        """Absolute paths of inputs that had these bytes when they were last read."""
        return await self.ask(lambda db: store.sources_of(db, digest))

    async def unfinished(self) -> list[Unfinished]:
        """What an interrupted run has left: at most as many as it had workers."""
        return await self.ask(lambda db: list(store.unfinished(db)))

    async def undecided(self) -> list[Standing]:
        """Images that wait for a decision."""
        return await self.ask(lambda db: list(store.undecided(db)))

    async def charged(self) -> Decimal:
        """Credits charged in this ledger, ever."""
        return await self.ask(store.charged)

    async def spending(self, since: str = "") -> Spent:
        """Credits in this ledger since a moment (ever, by default)."""
        return await self.ask(lambda db: store.spending(db, since))

    async def spending_today(self) -> Spent:
        """Credits of attempts sent since midnight, local time."""
        return await self.spending(today())

    async def unpriced(self) -> list[int]:
        """Pixels of each attempt that may have been charged, and of which no price was known."""
        return await self._committer.do(store.unpriced)

    async def result_sizes(self) -> tuple[int, int]:
        """How many results stand somewhere, and their bytes."""
        return await self._committer.do(store.result_sizes)

    async def prices(self, params: str) -> list[tuple[int, Decimal]]:
        """(pixels, credits) of what was bought or calculated with these parameters."""
        return await self.ask(lambda db: list(store.prices(db, params)))

    async def ask(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        """Any question. Values that make no sense are damage: `LedgerDamagedError`."""

        def answer(db: sqlite3.Connection) -> _T:
            with store.meaningful():
                return question(db)

        return await self._committer.do(answer)


def read_only(path: str) -> sqlite3.Connection:
    """A connection that only reads, also while a run goes on. Raises `LedgerError` when there is none."""
    if not os.path.isfile(path):
        raise LedgerError(f"there is no ledger at {path}")
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(
            f"file:{quoted}?mode=ro", uri=True, timeout=_BUSY_MS / 1000, check_same_thread=False
        )
        try:
            with store.meaningful():
                _check_application(connection)
                check_version(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        raise LedgerError(f"the ledger {path} cannot be read: {error}") from error
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


def _connect_or_rebuild(path: str, out: str | None, steps: Steps) -> sqlite3.Connection:
    from pixian_batch.adapters.ledger import salvage  # only looked at when it is needed

    salvage.finish_interrupted(path)
    try:
        salvage.check_mark(path)
        return _connect(path, steps)
    except LedgerDamagedError as error:
        if out is None:
            raise
        raise salvage.rebuild(path, out, str(error)) from error


def _mark(path: str) -> None:
    from pixian_batch.adapters.ledger import salvage

    salvage.mark(path)


def _connect(path: str, steps: Steps) -> sqlite3.Connection:
    try:
        if not os.path.exists(path) or (not os.path.getsize(path) and not in_own_folder(path)):
            _create(path)
        _check_log(path)
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000
        )
        try:
            with store.meaningful():  # what SQLite says of damage need not be UTF-8 either
                _check(path, connection)  # before the first write: it may be somebody else's database
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection, path, steps)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise LedgerError(f"the ledger {path} cannot be made: {error.strerror or error}") from error
    except sqlite3.OperationalError as error:
        raise LedgerError(f"the ledger {path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise LedgerDamagedError(str(error)) from error
    return connection


def _create(path: str) -> None:
    """A new ledger, whole at once: a file without tables is always a damaged one, never a new one."""
    if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):  # SQLite would throw it away
        raise sqlite3.DatabaseError("its main file is gone, and its log is not")
    part = f"{path}.new"
    for leftover in (part, f"{part}-journal"):
        with suppress(FileNotFoundError):
            os.unlink(leftover)
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        store.create(connection)
    with open(part, "rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(part, path)


def _check_log(path: str) -> None:
    """Raises when SQLite would throw away a part of what an interrupted run wrote."""
    if os.path.exists(f"{path}-wal"):
        from pixian_batch.adapters.ledger.carving import log_is_sound  # after a kill only

        if not log_is_sound(path):
            raise sqlite3.DatabaseError("its log is damaged")


def _check(path: str, connection: sqlite3.Connection) -> None:
    """Raises when the ledger is damaged or no ledger."""
    if os.path.getsize(path) < _SMALLEST:  # SQLite would take it for empty
        raise sqlite3.DatabaseError("it is cut off")
    _check_application(connection)
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _check_application(connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != store.APPLICATION_ID:
        raise sqlite3.DatabaseError("it is not a pixian-batch ledger")
