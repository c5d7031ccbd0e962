"""Brings a ledger of an older version up to date, one format after another. Blocking.

Each step is one transaction together with its new number, so that whatever is interrupted begins again
where it was. Before the first one the whole ledger is copied to `ledger.v<N>.db` beside it. A step that
changes a table's columns also has to teach `repair.shapes` the older one.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.adapters.ledger.errors import (
    LedgerError,
    LedgerOutdatedError,
    LedgerTooNewError,
    in_our_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Step: TypeAlias = Callable[[sqlite3.Connection], None]
    Steps: TypeAlias = Mapping[int, Step]

SCHEMA_VERSION: Final = 2
_CONCURRENCY: Final = (
    """CREATE TABLE concurrency (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL REFERENCES run (id),
    at      TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    in_use  INTEGER NOT NULL,
    resting INTEGER NOT NULL,
    reason  TEXT NOT NULL
)""",
    *(
        f"CREATE TRIGGER {name} BEFORE {what} ON concurrency BEGIN SELECT RAISE(ABORT, 'append only'); END"
        for name, what in (("concurrency_is_kept", "DELETE"), ("concurrency_is_fixed", "UPDATE"))
    ),
)


def _add_concurrency(db: sqlite3.Connection) -> None:
    """From 1 to 2: how many workers were allowed, and why that changed."""
    for statement in _CONCURRENCY:
        db.execute(statement)


STEPS: Final[Steps] = {1: _add_concurrency}
"""The step from each format to the next. Format 1 is the first one that was ever written."""


def read_version(db: sqlite3.Connection) -> int:
    """The ledger's format."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def check_version(db: sqlite3.Connection, *, newest: int = SCHEMA_VERSION) -> None:
    """Raise `LedgerTooNewError` or `LedgerOutdatedError` unless the ledger has the `newest` format."""
    version = read_version(db)
    if version > newest:
        raise LedgerTooNewError(
            f"the ledger was written by a newer pixian-batch (format {version}, this one knows {newest})"
        )
    if version < newest:
        raise LedgerOutdatedError(
            f"the ledger was written by an older pixian-batch (format {version}): the next run updates it"
        )


def migrate(
    db: sqlite3.Connection, path: str, steps: Steps = STEPS, *, newest: int = SCHEMA_VERSION
) -> int | None:
    """Bring the ledger at `path` to the `newest` format; the format it had, or None when there was nothing to do.

    db: a connection in autocommit mode that nobody else uses; its file is under the run's lock. Raises
    `LedgerTooNewError`; `LedgerError` when a step fails (the ledger is as it was before that step); and
    `sqlite3.DatabaseError` for a format that never was: the number itself is damaged.
    """
    began_with = read_version(db)
    if began_with == newest:
        return None
    if began_with > newest:
        check_version(db, newest=newest)
    if any(version not in steps for version in range(began_with, newest)):
        raise sqlite3.DatabaseError(f"there never was a format {began_with}")
    keep_copy(db, copy_path(path, began_with))
    for version in range(began_with, newest):
        _take(db, steps[version], version)
    return began_with


def copy_path(path: str, version: int) -> str:
    """Where the ledger is kept as it was: `ledger.db` -> `ledger.v1.db`."""
    stem, extension = os.path.splitext(path)
    return f"{stem}.v{version}{extension}"


def keep_copy(db: sqlite3.Connection, path: str) -> None:
    """A whole, synced copy of the ledger at `path`, or none: never a part of one. Raises `LedgerError`."""
    beside = f"{path}.part"
    try:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        with closing(sqlite3.connect(beside)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        with open(beside, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"the ledger cannot be copied before its update: {in_our_words(error)}") from error


def _take(db: sqlite3.Connection, step: Step, version: int) -> None:
    """One step and its number, or neither."""
    # Tables are rebuilt by steps: references are checked at the end, as SQLite's manual advises.
    db.execute("PRAGMA foreign_keys = OFF")
    try:
        db.execute("BEGIN IMMEDIATE")
        step(db)
        _check_references(db)
        db.execute(f"PRAGMA user_version = {version + 1}")
        db.execute("COMMIT")
    except Exception as error:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        message = (
            f"the ledger cannot be updated from format {version}: {in_our_words(error)}; it is as it was"
        )
        raise LedgerError(message) from error
    finally:
        db.execute("PRAGMA foreign_keys = ON")


def _check_references(db: sqlite3.Connection) -> None:
    if broken := db.execute("PRAGMA foreign_key_check").fetchall():
        raise sqlite3.IntegrityError(f"{len(broken)} rows refer to nothing")
