"""What was seen of every picture, remembered in the report's folder, so that a second report looks at new ones only.

A file `report.db` beside the thumbnails: one row a picture, by a key that says which files it was made of. It is a
cache: a damaged one, or one of another version, is begun again, and nothing is ever lost by that. No pickles: a folder
that somebody else can write into must not be able to run anything. Proved by tests/review/test_remembering.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import types
import typing
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pixian_batch.adapters.ledger.errors import in_our_words
from pixian_batch.review.measures import MatteMeasures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_T = TypeVar("_T")
NAME: Final = "report.db"
_APPLICATION: Final = 0x50584C52
"""Tells our file from any other SQLite file: "PXLR"."""
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, what TEXT NOT NULL) WITHOUT ROWID"


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is of one row. sizes: width and height of the files themselves, upright; bytes: of the thumbnails.

    None where a picture is not there or cannot be read.
    """

    photo_size: tuple[int, int] | None = None
    result_size: tuple[int, int] | None = None
    photo_bytes: int | None = None
    result_bytes: int | None = None
    measures: MatteMeasures | None = None


class MemoryFileError(Exception):
    """What was seen cannot be written down: why, in our words."""


class Memory:
    """The pictures seen so far, of one report's folder. Raises `MemoryFileError` where that cannot be kept."""

    def __init__(self, folder: str) -> None:
        path = os.path.join(folder, NAME)
        with _in_our_words():
            try:
                self._db = _opened(path)
            except sqlite3.DatabaseError as error:
                if isinstance(
                    error, sqlite3.OperationalError
                ):  # locked, or not to be written: it is none of its own
                    raise
                os.unlink(path)
                self._db = _opened(path)

    def recall(self, key: str) -> Seen | None:
        """What was seen; None where it is new, or was written by another version."""
        row = self._db.execute("SELECT what FROM seen WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            return from_json(Seen, json.loads(row[0]))
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def keep(self, seen: Iterable[tuple[str, Seen]]) -> None:
        """Write some down, together."""
        with _in_our_words(), self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO seen VALUES (?, ?)",
                [(key, json.dumps(asdict(what), default=_plain)) for key, what in seen],
            )

    def forget_all_but(self, keys: Iterable[str]) -> list[str]:
        """Forget what no row has any more; the keys of those."""
        known = {key for (key,) in self._db.execute("SELECT key FROM seen")}
        old = sorted(known.difference(keys))
        with _in_our_words(), self._db:
            self._db.executemany("DELETE FROM seen WHERE key = ?", [(key,) for key in old])
        return old

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise MemoryFileError(f"{NAME}: {in_our_words(error)}") from error


def is_ours(folder: str) -> bool:
    """Whether a report was made in this folder. Reads a few bytes."""
    try:
        with open(os.path.join(folder, NAME), "rb") as stream:
            head = stream.read(72)
    except OSError:
        return False
    return head[:15] == b"SQLite format 3" and int.from_bytes(head[68:72], "big") == _APPLICATION


def _opened(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30)
    try:
        db.execute("PRAGMA synchronous = OFF")  # a cache: what a power failure takes is made again
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.execute(_SCHEMA)
        db.commit()
        db.execute("SELECT count(*) FROM seen").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db


@cache
def shape() -> str:
    """Which measures there are: what was seen by a version that knew others is looked at again."""
    return ",".join(item.name for item in fields(MatteMeasures))


def _plain(number: Any) -> Any:
    """A number of numpy's as Python's."""
    return number.item()


# --- plain data and back ---------------------------------------------------------------------------------------


def from_json(kind: type[_T], value: Any) -> _T:
    """A value of `kind` from what `asdict` and JSON have made of it. Raises ValueError, TypeError or KeyError."""
    return typing.cast("_T", _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        hints = _hints(typing.cast("type", kind))
        return typing.cast("Any", kind)(**{name: _read(hints[name], item) for name, item in value.items()})
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return None if value is None else _read(next(part for part in parts if part is not type(None)), value)
    if origin is tuple:
        repeated = parts[1:] == (...,)
        kinds = [parts[0]] * len(value) if repeated else parts
        return tuple(_read(one, item) for one, item in zip(kinds, value, strict=True))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return kind(value) if kind in {float, int} and not isinstance(value, bool) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
