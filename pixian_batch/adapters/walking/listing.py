"""All names of a walk at once, to be sorted or sampled: in a temporary database, so that memory stays flat.

SQLite sorts and ranks; what does not fit into its few megabytes of cache goes into its own temporary files,
which are gone with the connection, however the process ends. Where there is no folder for temporary files, all
stays in memory. Blocking; opens no photo.

Proved by tests/adapters/test_choosing.py.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.walking.lists import ListingError
from pixian_batch.adapters.walking.tree import BATCH, Batch, FoundUrl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SCHEMA: Final = """
    CREATE TABLE folder (id INTEGER PRIMARY KEY, absolute BLOB, place BLOB, path BLOB, UNIQUE (absolute, place));
    CREATE TABLE file (id INTEGER PRIMARY KEY, folder INTEGER, name BLOB, result BLOB, rank INTEGER, mix INTEGER,
        UNIQUE (folder, name));
"""
_FILES: Final = "SELECT id, folder, name, result, rank, mix FROM file"
_SAMPLE: Final = """
    SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY folder ORDER BY mix, id) AS turn FROM file)
    ORDER BY turn, mix, id LIMIT ?
"""
"""Each folder gives its first, then each its second, ...: the first of them by chance, but always by the same one."""
_SORTED: Final = """
    SELECT folder.id, folder.path, folder.place, name, result
    FROM ({}) AS chosen JOIN folder ON folder.id = chosen.folder ORDER BY rank, chosen.id
"""
LAST: Final = (1 << 63) - 1
"""The rank of what has no date or size of its own."""
_URLS: Final = b""
"""Stands for the folder of all URLs: no path is empty."""


class Listing:
    """Names with their ranks; a file that is added twice is in it once. Use it in a `with`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rivals: dict[int, Mapping[str, list[str]]] = {}
        self._latest: tuple[tuple[bytes, bytes], int] | None = None

    def add(self, batch: Batch, ranks: Sequence[int]) -> None:
        """The files of a batch, each with its rank."""
        folder = self._folder(os.path.abspath(batch.folder), batch.place, batch.folder)
        if batch.rivals:
            self._rivals[folder] = batch.rivals
        results = batch.results or batch.names
        self._db.executemany(
            "INSERT OR IGNORE INTO file (folder, name, result, rank, mix) VALUES (?, ?, ?, ?, ?)",
            (
                (folder, os.fsencode(name), os.fsencode(result), rank, _mix(f"{batch.place}/{name}"))
                for name, result, rank in zip(batch.names, results, ranks, strict=True)
            ),
        )

    def add_url(self, found: FoundUrl) -> None:
        """A URL: after all that has a rank."""
        row = (
            self._folder("", "", ""),
            os.fsencode(found.url),
            os.fsencode(found.place),
            LAST,
            _mix(found.url),
        )
        self._db.execute(
            "INSERT OR IGNORE INTO file (folder, name, result, rank, mix) VALUES (?, ?, ?, ?, ?)", row
        )

    def __len__(self) -> int:
        number: int = self._db.execute("SELECT count(*) FROM file").fetchone()[0]
        return number

    def chosen(self, sample: int | None) -> Iterator[Batch | FoundUrl]:
        """All, or a sample of so many, sorted by rank; files of one folder that follow each other in one batch."""
        query, values = (_FILES, ()) if sample is None else (_SAMPLE, (sample,))
        batch: Batch | None = None
        latest = 0
        for folder, path, place, name, result in self._db.execute(_SORTED.format(query), values):
            if batch is None or folder != latest or len(batch.names) >= BATCH:
                if batch is not None and batch.names:
                    yield batch
                latest, batch = folder, self._batch(folder, path, place)
            if path == _URLS:
                yield FoundUrl(os.fsdecode(name), os.fsdecode(result))
            else:
                batch.names.append(os.fsdecode(name))
                batch.results.append(os.fsdecode(result))
        if batch is not None and batch.names:
            yield batch

    def _batch(self, folder: int, path: bytes, place: bytes) -> Batch:
        return Batch(os.fsdecode(path), os.fsdecode(place), [], rivals=self._rivals.get(folder, {}))

    def _folder(self, absolute: str, place: str, path: str) -> int:
        """The number of a folder; a batch of it nearly always follows another one."""
        key = os.fsencode(absolute), os.fsencode(place)
        if self._latest is None or self._latest[0] != key:
            written = os.fsencode(path or os.curdir) if absolute else _URLS
            self._db.execute(
                "INSERT OR IGNORE INTO folder (absolute, place, path) VALUES (?, ?, ?)", (*key, written)
            )
            found = self._db.execute("SELECT id FROM folder WHERE absolute = ? AND place = ?", key)
            self._latest = key, found.fetchone()[0]
        return self._latest[1]


def _mix(text: str) -> int:
    """The same number for the same text, everywhere and always, and none like its neighbour's."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@contextmanager
def listing() -> Iterator[Listing]:
    """A listing, gone afterwards. Raises `ListingError` when the temporary folder does not take it."""
    where = "" if _has_temporary_folder() else ":memory:"
    # Whoever walks no further may end the walk from another thread.
    with closing(sqlite3.connect(where, isolation_level=None, check_same_thread=False)) as db:
        try:
            db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA} BEGIN;")
            yield Listing(db)
        except sqlite3.Error as error:
            raise ListingError(
                "the inputs cannot be put in order: their list cannot be kept",
                "make room in the folder for temporary files (TMPDIR), or leave --order and --sample out",
            ) from error


def _has_temporary_folder() -> bool:
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return True
