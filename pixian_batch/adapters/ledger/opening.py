"""Opens ledgers: for a run, under its lock, or only to read. A damaged one is never taken for an empty one. Blocking."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from pixian_batch.adapters.ledger.errors import (
    LedgerDamagedError,
    LedgerError,
    LedgerInUseError,
    LedgerMissingError,
    LedgerUnsupportedError,
    in_our_words,
    is_damage,
    meaningful,
)
from pixian_batch.adapters.ledger.migration import check_version, migrate
from pixian_batch.policy.disk import cannot_sync, disk_cause, system_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.adapters.ledger.migration import Steps

# `repair` is imported only where something was interrupted or is damaged.

FOLDER: Final = ".pixian-batch"
APPLICATION_ID: Final = 0x50584C42
SQLITE_VERSION: Final = sqlite3.sqlite_version
_BUSY_S: Final = 10.0
_BLOCK: Final = 1 << 20
_CANNOT: Final = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL}
"""What SQLite says at the first touch where a share does not carry its locks and its shared memory."""
_REFUSED: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_SMALLEST: Final = 512
"""Bytes of the smallest page of SQLite."""


def default_path(out: str) -> str:
    """Where the ledger of an output folder lies unless the user says otherwise."""
    return os.path.join(out, FOLDER, "ledger.db")


def in_own_folder(path: str) -> bool:
    """Whether a ledger lies where nobody but this tool puts files: an empty one there has lost its content."""
    return os.path.basename(os.path.dirname(os.path.abspath(path))) == FOLDER


def take_lock(path: str, *, create: bool) -> FileLock:
    """The lock of one run. create: whether there need not be a ledger yet."""
    if not create and not os.path.isfile(path):
        raise LedgerMissingError(f"there is no ledger at {path}")
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        check_locks(folder)
        lock = FileLock(path + ".lock", thread_local=False)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise LedgerInUseError(f"another run holds the ledger {path}") from error
    except OSError as error:
        raise _cannot_be_made(path, error) from error
    return lock


def check_locks(folder: str) -> None:
    """Raises `LedgerUnsupportedError` where files cannot be locked: otherwise two runs could buy the same."""
    if sys.platform == "win32":  # every file system there can
        return
    import fcntl  # not on Windows

    with tempfile.TemporaryFile(dir=folder) as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"files in {folder} cannot be locked ({system_word(error)}): a network share?"
            raise LedgerUnsupportedError(message) from error


def _cannot_be_made(path: str, error: OSError) -> LedgerError:
    message = f"the ledger {path} cannot be made: {system_word(error)}"
    return (
        LedgerUnsupportedError(message)
        if cannot_sync(error)
        else LedgerError(message, hint=disk_cause(error).hint)
    )


def connect_or_rebuild(path: str, out: str | None, steps: Steps) -> sqlite3.Connection:
    """A run's connection. With `out` a damaged ledger is rebuilt, and that is raised as `LedgerRebuiltError`."""
    from pixian_batch.adapters.ledger.repair import rebuilding

    rebuilding.finish_interrupted(path)
    try:
        if rebuilding.is_marked(path):
            raise damaged(path, "an earlier run found damage in it")
        try:
            return _connect(path, steps)
        except LedgerDamagedError:
            return _connect(path, steps)  # a disk that gave nothing once is no damage
    except LedgerDamagedError as error:
        if out is None:
            raise
        raise rebuilding.rebuild(path, out, error.reason) from error


def mark_damaged(path: str, connection: sqlite3.Connection, error: sqlite3.Error) -> bool:
    """Remember for the next run that the ledger was found damaged while it was used; False when it is not."""
    from pixian_batch.adapters.ledger.repair import rebuilding

    with suppress(sqlite3.Error):
        whole = "PRAGMA integrity_check(1)"
        ours = not hasattr(
            error, "sqlite_errorcode"
        )  # a value that makes no sense: SQLite finds nothing wrong
        if not ours and (unreadable(path) or connection.execute(whole).fetchone() == ("ok",)):
            return False
    rebuilding.mark(path)
    return True


def unreadable(path: str) -> OSError | None:
    """What keeps the disk from giving back all of a ledger. To SQLite that is the same as damage (IOERR_CORRUPTFS)."""
    try:
        for file in (path, f"{path}-wal"):
            with suppress(FileNotFoundError), open(file, "rb") as stream:
                while stream.read(_BLOCK):
                    pass
    except OSError as error:
        return error
    return None


def damaged(path: str, reason: str) -> LedgerError:
    """The error of a ledger that cannot be used; of somebody else's file it promises no repair."""
    from pixian_batch.adapters.ledger.repair import rebuilding

    if error := unreadable(path):
        return LedgerError(f"the ledger {path} cannot be read: {system_word(error)}")
    if not rebuilding.is_ours(path):
        return LedgerError(f"{path} is not a pixian-batch ledger: it was not touched")
    return LedgerDamagedError(f"the ledger {path} is damaged: {reason}", reason)


def read_only(path: str) -> sqlite3.Connection:
    """A connection that only reads, also while a run goes on. Raises `LedgerError` and its kin."""
    if not os.path.isfile(path):
        raise LedgerMissingError(f"there is no ledger at {path}")
    with _errors(path, "read"):
        try:
            return _reading(path, "mode=ro")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _REFUSED:
                raise
            # SQLite may not make the index of its log beside the file. Where there is no log, the file is the whole
            # truth; while a run goes on, or after a kill, log and index are both there, and reading them suffices.
            if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):
                reason = "its log (-wal) can only be read with the right to write beside it, or in a copy of its folder"
                raise LedgerError(f"the ledger {path} cannot be read: {reason}") from error
            return _reading(path, "immutable=1")


def _reading(path: str, how: str) -> sqlite3.Connection:
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = _connection(f"file:{quoted}?{how}", uri=True)
    with _closed_on_error(connection):
        _check_application(connection)
        check_version(connection)
    return connection


def in_memory() -> sqlite3.Connection:
    """An empty ledger that is nowhere."""
    connection = _connection(":memory:")
    create(connection)
    return connection


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    from importlib import resources  # only for a new ledger

    script = resources.files("pixian_batch.adapters.ledger").joinpath("schema.sql").read_text("utf-8")
    connection.executescript(f"BEGIN;\n{script}\nCOMMIT;")


def _connect(path: str, steps: Steps) -> sqlite3.Connection:
    with _errors(path, "opened"):
        if not os.path.exists(path) or (not os.path.getsize(path) and not in_own_folder(path)):
            _create_file(path)
        _check_log(path)
        connection = _connection(path)
        with _closed_on_error(connection):
            _check(path, connection)  # before the first write: it may be somebody else's database
            for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                connection.execute(f"PRAGMA {setting}")
            migrate(connection, path, steps)
    return connection


def _connection(database: str, *, uri: bool = False) -> sqlite3.Connection:
    """In autocommit mode: transactions are spelt out. Used by one thread at a time, not always the same."""
    return sqlite3.connect(database, uri=uri, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


@contextmanager
def _errors(path: str, wanted: str) -> Iterator[None]:
    """What the system and SQLite raise, as the ledger's errors."""
    try:
        with meaningful():  # what SQLite says of damage need not be UTF-8
            yield
    except OSError as error:
        raise _cannot_be_made(path, error) from error
    except sqlite3.Error as error:
        if is_damage(error):
            raise damaged(path, in_our_words(error)) from error
        cannot = getattr(error, "sqlite_errorcode", 0) & 0xFF in _CANNOT
        kind = LedgerUnsupportedError if cannot else LedgerError
        raise kind(f"the ledger {path} cannot be {wanted}: {in_our_words(error)}") from error


def _create_file(path: str) -> None:
    """A new ledger, whole at once: a file without tables is always a damaged one, never a new one."""
    if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):  # SQLite would throw it away
        raise sqlite3.DatabaseError("its main file is gone, and its log is not")
    part = f"{path}.new"
    for leftover in (part, f"{part}-journal"):
        with suppress(FileNotFoundError):
            os.unlink(leftover)
    with closing(_connection(part)) as connection:
        create(connection)
    put_in_place(part, path)


def put_in_place(part: str, path: str) -> None:
    """A complete file takes its name, synced before."""
    with open(part, "rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(part, path)


def _check_log(path: str) -> None:
    """Raises when SQLite would throw away a part of what an interrupted run wrote."""
    if os.path.exists(f"{path}-wal"):
        from pixian_batch.adapters.ledger.repair.carving import log_is_sound  # after a kill only

        if not log_is_sound(path):
            raise sqlite3.DatabaseError("its log is damaged")


def _check(path: str, connection: sqlite3.Connection) -> None:
    """Raises when the ledger is damaged or no ledger."""
    if os.path.getsize(path) < _SMALLEST:  # SQLite would take it for empty
        raise sqlite3.DatabaseError("it is cut off")
    _check_application(connection)
    check_pages(connection)


def _check_application(connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise sqlite3.DatabaseError("it is not a pixian-batch ledger")


def check_pages(connection: sqlite3.Connection) -> None:
    """Raises when SQLite finds a damaged page: reads the whole file."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError("its pages do not fit together")
