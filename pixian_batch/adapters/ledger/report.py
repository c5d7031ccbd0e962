"""Questions of `status` and `reconcile`: what is in the ledger, by day, folder and outcome. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger.store import Spent, from_db, spending, undecided

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from pixian_batch.policy.record import Standing

_TOP: Final = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that has no result yet, and why."""

    input: str
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """One bought image."""

    input: str
    pixels: int | None
    charged: Decimal


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run. ended_at None: it goes on, or was killed."""

    number: int
    started_at: str
    ended_at: str | None
    exit_code: int | None
    balance_before: Decimal | None
    balance_after: Decimal | None


@dataclass(frozen=True, slots=True)
class Status:
    """The whole ledger at a glance."""

    results: int
    images: int
    spending: Spent
    failures: list[Failure]
    undecided: list[Standing]
    by_day: dict[str, Decimal]
    by_folder: dict[str, Decimal]
    dearest: list[Purchase]
    largest: list[Purchase]
    runs: list[RunFacts]


def read_status(db: sqlite3.Connection) -> Status:
    """The status, from one consistent moment of the ledger."""
    db.execute("BEGIN")
    try:
        return Status(
            results=_count(db, "SELECT count(*) FROM place"),
            images=_count(db, "SELECT count(*) FROM image WHERE state = 'done'"),
            spending=spending(db),
            failures=read_failures(db),
            undecided=list(undecided(db)),
            by_day=_sums(db.execute(_BY_DAY)),
            by_folder=_sums(db.execute(_BY_FOLDER)),
            dearest=_purchases(db, "CAST(charged AS REAL)"),
            largest=_purchases(db, "pixels"),
            runs=read_runs(db),
        )
    finally:
        db.execute("ROLLBACK")


def read_failures(db: sqlite3.Connection) -> list[Failure]:
    """The inputs whose latest attempt failed, by name."""
    rows = db.execute("SELECT input, code, message FROM failure ORDER BY input")
    return [Failure(from_db(source), code, from_db(message)) for source, code, message in rows]


def read_runs(db: sqlite3.Connection) -> list[RunFacts]:
    """All runs, oldest first."""
    rows = db.execute(
        "SELECT id, started_at, ended_at, exit_code, balance_before, balance_after FROM run ORDER BY id"
    )
    return [
        RunFacts(number, started, ended, code, _decimal(before), _decimal(after))
        for number, started, ended, code, before, after in rows
    ]


def charged_since(db: sqlite3.Connection, run: int) -> Decimal:
    """Credits charged by attempts of `run` and later ones: as the service said it, or a person decided."""
    rows = db.execute(
        "SELECT coalesce(charged, at_most), count(*) FROM attempt LEFT JOIN answer ON answer.attempt_id = id"
        " LEFT JOIN resolution ON resolution.attempt_id = id"
        " WHERE run_id >= ? AND (charged IS NOT NULL OR (how = 'charged' AND at_most IS NOT NULL)) GROUP BY 1",
        (run,),
    )
    return sum((Decimal(charged) * count for charged, count in rows), Decimal(0))


def run_of(db: sqlite3.Connection, attempt: int) -> int:
    """The run that made an attempt."""
    return _count(db, "SELECT run_id FROM attempt WHERE id = ?", attempt)


_BY_DAY: Final = """
    SELECT substr(sent_at, 1, 10), charged, count(*) FROM answer JOIN attempt ON attempt.id = attempt_id
    WHERE charged IS NOT NULL GROUP BY 1, 2 ORDER BY 1
"""
# A place's folder is the place without its last part.
_BY_FOLDER: Final = """
    SELECT rtrim(rtrim(place, replace(place, '/', '')), '/'), charged, count(*)
    FROM answer JOIN attempt ON attempt.id = attempt_id WHERE charged IS NOT NULL GROUP BY 1, 2 ORDER BY 1
"""


def _sums(rows: Iterable[tuple[str | bytes, str, int]]) -> dict[str, Decimal]:
    """Exact sums of (name, credits, count) rows by name."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for name, charged, count in rows:
        sums[from_db(name) or "."] += Decimal(charged) * count
    return dict(sums)


def _purchases(db: sqlite3.Connection, order: str) -> list[Purchase]:
    rows = db.execute(
        "SELECT input, pixels, charged FROM answer JOIN attempt ON attempt.id = attempt_id"  # noqa: S608  # ours
        f" JOIN image ON image.id = image_id WHERE charged IS NOT NULL ORDER BY {order} DESC LIMIT {_TOP}"
    )
    return [Purchase(from_db(source), pixels, Decimal(charged)) for source, pixels, charged in rows]


def _count(db: sqlite3.Connection, question: str, *values: int) -> int:
    return int(db.execute(question, values).fetchone()[0])


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
