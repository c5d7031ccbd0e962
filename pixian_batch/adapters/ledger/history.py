"""Questions about the course of time: when runs sent, how each exchange ended, how many workers were allowed.

Asked through `LedgerReader.each`, a row at a time and in memory that does not grow with the ledger; moments come as seconds
since 1970, UTC. What of it belongs into which bucket is for who asks.

Proved by tests/adapters/ledger/test_history.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from pixian_batch.adapters.ledger.statements import PIXELS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_EXCHANGES: Final = f"""
    SELECT coalesce(verdict.at, answer.at, sent_at), verdict, seconds, free, charged, calculated, {PIXELS}
    FROM attempt JOIN image ON image.id = image_id LEFT JOIN answer ON answer.attempt_id = attempt.id
    LEFT JOIN verdict ON verdict.attempt_id = attempt.id ORDER BY attempt.id
"""  # noqa: S608  # its parts are this program's own text


class Span(NamedTuple):
    """From a run's first sending to its end; of one that goes on, or was killed, to its last sending."""

    begin: float
    end: float
    run: int


class ExchangeRow(NamedTuple):
    """One attempt: when it ended (or was last heard of), how, and what it cost. seconds: on the wire, None when unknown."""

    at: float
    verdict: str | None
    seconds: float | None
    free: int
    charged: str | None
    calculated: str | None
    pixels: int | None


class PaceRow(NamedTuple):
    """How many workers were allowed from a moment on, and why; see `policy.concurrency`."""

    at: float
    run: int
    allowed: int
    in_use: int
    resting: int
    reason: str


def spans(db: sqlite3.Connection) -> Iterator[Span]:
    """When runs were sending, in the order of runs; those that sent nothing have none."""
    seen: dict[int, tuple[str, str]] = {}
    for run, sent_at in db.execute("SELECT run_id, sent_at FROM attempt ORDER BY id"):
        first, last = seen.get(run, (sent_at, sent_at))
        seen[run] = min(first, sent_at), max(last, sent_at)
    ended = dict(db.execute("SELECT id, ended_at FROM run WHERE ended_at IS NOT NULL"))
    for run, (first, last) in sorted(seen.items()):
        yield Span(_seconds(first), _seconds(max(last, ended.get(run, last))), run)


def exchanges(db: sqlite3.Connection) -> Iterator[ExchangeRow]:
    """Every attempt, in the order of sending."""
    text, at = "", 0.0
    for moment, *rest in db.execute(_EXCHANGES):
        if moment != text:  # many end together
            text, at = moment, _seconds(moment)
        yield ExchangeRow(at, *rest)


def paces(db: sqlite3.Connection) -> Iterator[PaceRow]:
    """Every change of concurrency that was recorded, oldest first."""
    rows = db.execute("SELECT at, run_id, allowed, in_use, resting, reason FROM concurrency ORDER BY id")
    for at, *rest in rows:
        yield PaceRow(_seconds(at), *rest)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
