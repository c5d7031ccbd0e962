"""The course of time as the ledger holds it: when runs sent, how exchanges ended, what pace was allowed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support.histories import NOON, History

from pixian_batch.adapters.ledger import LedgerError, history
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path


def made(path: Path) -> str:
    course = History(path)
    course.begin(NOON - 100)
    course.image(NOON + 2)
    course.image(NOON + 3, None, verdict=Verdict.THROTTLED, seconds=0.5, free=True)
    course.end(NOON + 9)
    course.begin(NOON + 20)  # sends nothing
    course.end(NOON + 21)
    course.begin(NOON + 30)
    course.pace(NOON + 31, ChangeReason.START, 5)
    course.image(NOON + 33, seconds=1.0)  # killed: it has no end
    return course.close()


def test_runs_exchanges_and_paces_come_in_their_order(tmp_path: Path) -> None:
    with closing(LedgerReader.open(made(tmp_path / "ledger.db"))) as reader:
        assert list(reader.each(history.spans)) == [(NOON, NOON + 9, 1), (NOON + 32, NOON + 32, 3)]
        assert list(reader.each(history.exchanges)) == [
            (NOON + 2, "delivered", 2.0, 0, "0.25", None, 1000),
            (NOON + 3, "throttled", 0.5, 1, None, None, 1000),
            (NOON + 33, "delivered", 1.0, 0, "0.25", None, 1000),
        ]
        assert list(reader.each(history.paces)) == [(NOON + 31, 3, 5, 5, 0, "start")]


def test_a_moment_that_makes_no_sense_is_damage(tmp_path: Path) -> None:
    path = made(tmp_path / "ledger.db")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER verdict_is_fixed")
        db.execute("UPDATE verdict SET at = 'yesterday'")
    with closing(LedgerReader.open(path)) as reader, pytest.raises(LedgerError):
        list(reader.each(history.exchanges))
