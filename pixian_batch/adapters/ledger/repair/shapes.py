"""Knows the table of a row by its looks, and puts carved rows where they belong. Judges values, not what they mean.

Proved by tests/adapters/ledger/test_repair.py.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.record import State
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.adapters.ledger.repair.carving import CarvedRow, Value

    Check: TypeAlias = Callable[[Value], bool]

_LARGEST_ID: Final = 1 << 40
_TELLING: Final = 3
"""So many columns tell a table's rows from others' also when some are missing, or too many."""


def _is_money(value: Value) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{1,20}(\.\d{1,20})?", value, re.ASCII) is not None


_STATES: Final = frozenset(State)
_VERDICTS: Final = frozenset(Verdict)
_REASONS: Final = frozenset(ChangeReason)
_CHECKS: Final[dict[str, Check]] = {
    "id": lambda value: type(value) is int and 0 < value < _LARGEST_ID,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in {int, float},
    "text": lambda value: isinstance(value, str),
    "name": lambda value: isinstance(value, (str, bytes)),
    "digest": lambda value: isinstance(value, bytes) and len(value) == 32,  # bytes of BLAKE3
    "money": _is_money,
    "flag": lambda value: value in (0, 1),
    "state": lambda value: value in _STATES,
    "verdict": lambda value: value in _VERDICTS,
    "reason": lambda value: value in _REASONS,
    "how": lambda value: value in ("charged", "not_charged"),
    # The index of unsettled images looks the same as that of parameters, with a state in their place.
    "params": lambda value: isinstance(value, str) and value not in _STATES,
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """How rows of a table (or of an index of it) look.

    checks: of its columns in their order, each with whether the column makes a row what it is; the others
    become NULL when they make no sense. rowid: it stands for the first column.
    """

    insert: str
    checks: tuple[tuple[Check, bool], ...]
    rowid: bool

    def read(self, row: CarvedRow) -> tuple[Value, ...] | None:
        """The values for `insert` of a row that has a rowid as this shape does; None when it is not of this shape."""
        values = row.values
        if self.rowid:
            if values[0] is not None:
                return None
            # SQLite, too, takes columns that a record does not have for NULL, and those beyond for nothing.
            values = (row.rowid, *values[1:], *(None,) * len(self.checks))[: len(self.checks)]
        read = [
            value if check(value) else None for value, (check, _) in zip(values, self.checks, strict=True)
        ]
        lacks = any(needed and value is None for value, (_, needed) in zip(read, self.checks, strict=True))
        return None if lacks else tuple(read)


def _shape(insert: str, columns: str, *, rowid: bool = True) -> _Shape:
    """A shape; the columns by the names of their checks, `?` behind those that are soft."""
    checks = tuple((_CHECKS[name.rstrip("?")], not name.endswith("?")) for name in columns.split())
    return _Shape(insert, checks, rowid)


_SHAPES: Final = (
    _shape(
        "INSERT OR IGNORE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        "id text text? text text integer? money? money?",
    ),
    _shape("INSERT OR IGNORE INTO params VALUES (?, ?)", "id text"),
    _shape("INSERT OR IGNORE INTO image VALUES (?, ?, ?, ?, ?, ?)", "id digest id state integer? id"),
    _shape(
        "INSERT OR IGNORE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "id id id text name name name money? flag",
    ),
    _shape(
        "INSERT OR IGNORE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "id text integer money? money? integer? text? text? text? text? integer?",
    ),
    _shape(
        "INSERT OR IGNORE INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "id text verdict integer? text? name integer? number name?",
    ),
    _shape("INSERT OR IGNORE INTO resolution VALUES (?, ?, ?)", "id text how"),
    _shape(
        "INSERT OR IGNORE INTO concurrency VALUES (?, ?, ?, ?, ?, ?, ?)",
        "id id text integer integer integer reason",
    ),
    _shape("INSERT OR IGNORE INTO place VALUES (?, ?, ?, ?)", "name name id integer", rowid=False),
    _shape(
        "INSERT OR IGNORE INTO source VALUES (?, ?, ?, ?, ?)", "name name integer integer digest", rowid=False
    ),
    _shape(
        "INSERT OR IGNORE INTO failure VALUES (?, ?, ?, ?, ?)", "name integer text text? name", rowid=False
    ),
    # Indices repeat what a lost page of their table held.
    _shape("INSERT INTO seen_image VALUES (?, ?, ?)", "digest id id", rowid=False),
    _shape("INSERT INTO seen_params VALUES (?, ?)", "params id", rowid=False),
    _shape("INSERT OR IGNORE INTO seen_place VALUES (?, ?, ?)", "id name name", rowid=False),
)
_SEEN: Final = """
    CREATE TEMP TABLE seen_image (digest, params_id, id);
    CREATE TEMP TABLE seen_params (canonical, id);
    CREATE TEMP TABLE seen_place (image_id, folder, name, PRIMARY KEY (image_id, folder, name));
"""


@cache
def _exact(columns: int, *, rowid: bool) -> tuple[_Shape, ...]:
    """The shapes of rows with so many columns."""
    return tuple(shape for shape in _SHAPES if shape.rowid == rowid and len(shape.checks) == columns)


@cache
def _near(columns: int) -> tuple[_Shape, ...]:
    """The shapes that a table's row may have whose damaged header gives it too few columns, or too many."""
    if columns < _TELLING:
        return ()
    return tuple(
        shape for shape in _SHAPES if shape.rowid and len(shape.checks) not in {columns, *range(_TELLING)}
    )


def take_rows(db: sqlite3.Connection, rows: Iterator[CarvedRow]) -> None:
    """Put every row where it belongs; of several versions the first, which is the newest.

    Rows whose columns had to be guessed come last: they fill holes, and stand in no whole row's place.
    """
    for statement in _SEEN.split(";"):
        db.execute(statement)
    guessed = [
        row for row in rows if not _take(db, row, _exact(len(row.values), rowid=row.rowid is not None))
    ]
    for row in guessed:
        if row.rowid is not None:
            _take(db, row, _near(len(row.values)))


def _take(db: sqlite3.Connection, row: CarvedRow, shapes: tuple[_Shape, ...]) -> bool:
    """Whether the row is of one of these shapes; then it is where it belongs."""
    for shape in shapes:
        values = shape.read(row)
        if values is not None:
            # A rowid may be spelt twice: in its table and, stale, on a freed page.
            with suppress(sqlite3.IntegrityError):
                db.execute(shape.insert, values)
            return True
    return False
