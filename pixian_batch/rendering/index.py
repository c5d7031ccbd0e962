"""What stands in a folder of variants, and of what it was made: `DIR/.pixian-batch/rendered.db`.

What is about to be made is written down first: so a file that a killed command has left is known to be ours, and is
made again. What is not in here was made by somebody else, and is not touched. One command at a time holds the lock.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OURS: Final = ".pixian-batch"
_NAME: Final = "rendered.db"
_PARTS: Final = "rendering"
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS variant (
        place   BLOB PRIMARY KEY,   -- under the folder, as the system's bytes
        made_of TEXT NOT NULL,      -- the result and the recipe
        size    INTEGER             -- in bytes; NULL while it is being made
    ) WITHOUT ROWID;
    PRAGMA user_version = 1;
"""


class IndexInUseError(Exception):
    """Another command makes variants in this folder."""


class IndexBrokenError(Exception):
    """The index is there and cannot be used: its path."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be read: it is damaged, or was made by something else")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a place. size: None for what may not have been finished."""

    made_of: str
    size: int | None


class Index:
    """The index of one folder; `open` it to write, `read` what is there without making anything."""

    def __init__(self, folder: str, db: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = db

    @staticmethod
    def read(folder: str) -> dict[str, Known]:
        """All places of a folder, known or about to be made. Raises `IndexBrokenError`."""
        path = os.path.join(folder, OURS, _NAME)
        if not os.path.isfile(path):
            return {}
        with _broken(path), contextlib.closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT place, made_of, size FROM variant").fetchall()
        return {os.fsdecode(place): Known(made_of, size) for place, made_of, size in rows}

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: str) -> Iterator[Index]:
        """Under its lock, its folders made. Raises OSError, `IndexInUseError`, `IndexBrokenError`."""
        home = os.path.join(folder, OURS)
        os.makedirs(os.path.join(home, _PARTS), exist_ok=True)
        path = os.path.join(home, _NAME)
        lock = FileLock(path + ".lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            raise IndexInUseError from error
        try:
            with _broken(path), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                db.executescript(_SCHEMA)
                index = cls(folder, db)
                index.clear_parts()
                yield index
        finally:
            lock.release()

    @property
    def parts(self) -> str:
        """The folder for files that are not whole yet."""
        return os.path.join(self.folder, OURS, _PARTS)

    def clear_parts(self) -> None:
        """Remove what a killed command has left."""
        for name in os.listdir(self.parts):
            if name.startswith(".") and name.endswith(".part"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.parts, name))

    def intend(self, places: Iterable[tuple[str, str]]) -> None:
        """Write down (place, made_of) of what is about to be made: all of it, or nothing."""
        rows = [(os.fsencode(place), made_of) for place, made_of in places]
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO variant VALUES (?, ?, NULL)", rows)

    def made(self, place: str, size: int) -> None:
        """A file is there."""
        self._db.execute("UPDATE variant SET size = ? WHERE place = ?", (size, os.fsencode(place)))

    def forget(self, place: str) -> None:
        """Nothing was made there, and nothing of ours stands there."""
        self._db.execute("DELETE FROM variant WHERE place = ?", (os.fsencode(place),))


@contextlib.contextmanager
def _broken(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in {
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_READONLY,
        }:
            raise OSError(_ERRNO.get(error.sqlite_errorcode, 5), "the disk does not take it", path) from error
        raise IndexBrokenError(path) from error
    except sqlite3.DatabaseError as error:
        raise IndexBrokenError(path) from error


_ERRNO: Final = {sqlite3.SQLITE_FULL: 28, sqlite3.SQLITE_READONLY: 30, sqlite3.SQLITE_CANTOPEN: 13}
"""The system's numbers for SQLite's words of the disk."""
