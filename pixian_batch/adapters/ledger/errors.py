"""What can be wrong with a ledger, and whose move it is. No database is touched here.

Every error carries its `hint`, so that all commands give the same advice for the same trouble.

Proved by tests/cli/test_damage.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.disk import system_word
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

    def __init__(self, error: sqlite3.Error) -> None:
        super().__init__(
            f"the ledger cannot be written: {in_our_words(error)}", hint=_UNWRITABLE.get(_code(error), "")
        )


class LedgerUnsupportedError(LedgerError):
    """The file system cannot lock or carry a ledger, as many network shares. Nothing was sent."""

    hint = "keep the ledger on a local disk: --ledger PATH; the results may stay where they are"


_UNWRITABLE: Final = {
    sqlite3.SQLITE_IOERR: "check the ledger's disk and its free room, then run the same command again",
    sqlite3.SQLITE_READONLY: "the ledger was moved, removed or made read-only while it was in use: run again",
    sqlite3.SQLITE_CANTOPEN: "the ledger's folder was removed or closed while it was in use: run again",
    sqlite3.SQLITE_PROTOCOL: LedgerUnsupportedError.hint,
}
"""What SQLite finds of a ledger that it had open, and what to do about it; otherwise its disk is full."""
_WORDS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_READONLY: "it may only be read",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_BUSY: "another program holds it",
    sqlite3.SQLITE_LOCKED: "another program holds it",
    sqlite3.SQLITE_PROTOCOL: "files cannot be locked there",
    sqlite3.SQLITE_PERM: "it may not be opened",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
    sqlite3.SQLITE_TOOBIG: "a value is too long",
    sqlite3.SQLITE_CORRUPT: "its pages are damaged",
    sqlite3.SQLITE_NOTADB: "its beginning is not that of a ledger",
}
"""SQLite's primary codes in our words."""


def _code(error: BaseException) -> int:
    """SQLite's primary code; 0 for what we have raised ourselves."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def in_our_words(error: BaseException) -> str:
    """What SQLite or the system has against a ledger; what we have found ourselves is said already."""
    if isinstance(error, OSError):
        return system_word(error)
    if (code := _code(error)) or not isinstance(error, sqlite3.Error):
        return _WORDS.get(code, f"its content does not allow it ({type(error).__name__})")
    return _WORDS[sqlite3.SQLITE_CORRUPT] if "Could not decode" in str(error) else str(error)


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
        raise sqlite3.DatabaseError("a value in it makes no sense") from error
