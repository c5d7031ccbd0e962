"""What can be wrong with a ledger, and whose move it is. No database is touched here.

Every error carries its `hint`, so that all commands give the same advice for the same trouble.

Proved by tests/cli/test_damage.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.stopping import MAKE_ROOM

if TYPE_CHECKING:
    from collections.abc import Iterator


class LedgerError(Exception):
    """The ledger cannot be read or written (a full disk, most often). Nothing more may be sent."""

    hint: str = "check the path, its rights and the free room"
    """What to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.hint


class LedgerUnwritableError(LedgerError):
    """A ledger that was open does not take what is written: a full disk, most often."""

    hint = MAKE_ROOM

    def __init__(self, message: str) -> None:
        super().__init__(
            message, hint=next((hint for words, hint in _UNWRITABLE.items() if words in message), "")
        )


class LedgerUnsupportedError(LedgerError):
    """The file system cannot lock or carry a ledger, as many network shares. Nothing was sent."""

    hint = "keep the ledger on a local disk: --ledger PATH; the results may stay where they are"


_UNWRITABLE: Final = {
    "disk I/O error": "check the ledger's disk and its free room, then run the same command again",
    "readonly database": "the ledger was moved, removed or made read-only while it was in use: run again",
    "unable to open": "the ledger's folder was removed or closed while it was in use: run again",
    "locking protocol": LedgerUnsupportedError.hint,
}
"""What SQLite says of a ledger that it had open, and what to do about it; otherwise its disk is full."""


class LedgerMissingError(LedgerError):
    """There is no ledger at that path."""

    hint = "name the output folder of a run, or use --ledger"


class LedgerInUseError(LedgerError):
    """Another run holds the lock."""

    hint = "wait for that run to end; two runs at the same time need an --out each"


class LedgerTooNewError(LedgerError):
    """A newer pixian-batch wrote this ledger."""

    hint = "upgrade pixian-batch"


class LedgerOutdatedError(LedgerError):
    """An older pixian-batch wrote this ledger, and it has not been brought up to date yet."""

    hint = "a copy of how it was will stay beside it"


class LedgerDamagedError(LedgerError):
    """SQLite finds the file damaged, or its values make no sense. reason: what was found."""

    hint = "leave it as it is: the next run saves what can be read, sets the damaged file aside, and stops to say so"

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class LedgerRebuiltError(LedgerDamagedError):
    """The ledger was damaged; a new one, made of what could be saved, is in its place."""

    hint = "run the same command again to go on; images without a record or a result are sent then"


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is damaged, not that the disk is full or the statement wrong."""
    # SQLITE_CORRUPT and SQLITE_NOTADB have no class of their own; neither have values that make no sense.
    # Text that is not UTF-8 comes as an OperationalError without a code.
    return type(error) is sqlite3.DatabaseError or "Could not decode to UTF-8" in str(error)


@contextmanager
def meaningful() -> Iterator[None]:
    """Values that this program cannot have written are damage of the file, as SQLite's own errors are."""
    try:
        yield
    except (ArithmeticError, TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"a value makes no sense: {error}") from error
