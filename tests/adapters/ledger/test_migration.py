"""A ledger of an older format is copied, then brought up to date; whatever is interrupted begins again."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.ledgers import charges, make, rows, states
from support.records import change

from pixian_batch.adapters.ledger import Ledger, LedgerError, LedgerTooNewError, default_path
from pixian_batch.adapters.ledger.errors import LedgerOutdatedError
from pixian_batch.adapters.ledger.migration import SCHEMA_VERSION, STEPS, migrate
from pixian_batch.adapters.ledger.opening import read_only

ROOT = Path(__file__).parents[3]


def older(path: str) -> None:
    """Make format 0 of a ledger: the made-up one had no failures, and said 'maybe' for 'in_doubt'."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE failure")
        db.execute("DROP TABLE concurrency")
        db.execute("DROP TRIGGER verdict_is_fixed")
        db.execute("UPDATE verdict SET verdict = 'maybe' WHERE verdict = 'in_doubt'")
        db.execute("PRAGMA user_version = 0")


def from_0(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE failure (input TEXT NOT NULL PRIMARY KEY, run_id INTEGER NOT NULL, at TEXT NOT NULL,"
        " code TEXT, message TEXT NOT NULL) WITHOUT ROWID"
    )
    db.execute("UPDATE verdict SET verdict = 'in_doubt' WHERE verdict = 'maybe'")
    db.execute(
        "CREATE TRIGGER verdict_is_fixed BEFORE UPDATE ON verdict BEGIN SELECT RAISE(ABORT, 'append only'); END"
    )


FROM_0 = {**STEPS, 0: from_0}


def version(path: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.asyncio
async def test_an_older_ledger_is_brought_up_to_date_and_kept_as_it_was(tmp_path: Path) -> None:
    await make(tmp_path, 40)
    path = default_path(str(tmp_path))
    known, stood = charges(path), states(path)
    older(path)
    with pytest.raises(LedgerOutdatedError, match="the next run updates it"):
        read_only(path)
    ledger = await Ledger.open(path, out=str(tmp_path), steps=FROM_0)
    assert {item.attempt for item in await ledger.undecided()} == {17, 19, 37, 39}
    await ledger.close()
    assert (charges(path), states(path), version(path)) == (known, stood, SCHEMA_VERSION)
    kept = os.path.join(os.path.dirname(path), "ledger.v0.db")
    assert version(kept) == 0
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("SELECT count(*) FROM verdict WHERE verdict = 'maybe'").fetchone() == (2,)
    read_only(path).close()


@pytest.mark.asyncio
async def test_a_step_that_fails_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    await make(tmp_path, 20)
    path = default_path(str(tmp_path))
    older(path)

    def fails(db: sqlite3.Connection) -> None:
        from_0(db)
        raise ValueError("no idea")

    def breaks_references(db: sqlite3.Connection) -> None:
        from_0(db)
        db.execute("DELETE FROM params")

    for step, why in ((fails, "its content does not allow it"), (breaks_references, "refer to nothing")):
        with pytest.raises(LedgerError, match=why):
            await Ledger.open(path, out=str(tmp_path), steps={**STEPS, 0: step})
        assert version(path) == 0
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'failure'").fetchone() == (0,)
    await (await Ledger.open(path, out=str(tmp_path), steps=FROM_0)).close()
    assert version(path) == SCHEMA_VERSION


KILLED_IN_A_STEP = """
import asyncio, os, signal, sys
sys.path.insert(0, "tests")
from adapters.ledger.test_migration import STEPS, from_0
from pixian_batch.adapters.ledger import Ledger

def step(db):
    from_0(db)
    if sys.argv[2] == "step":
        os.kill(os.getpid(), signal.SIGKILL)

def replaced(source, target, replace=os.replace):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "copy":
    os.replace = replaced
asyncio.run(Ledger.open(sys.argv[1], steps={**STEPS, 0: step}))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("where", ["copy", "step", "after"])
@pytest.mark.asyncio
async def test_a_kill_in_the_middle_begins_again(tmp_path: Path, where: str) -> None:
    await make(tmp_path, 20)
    path = default_path(str(tmp_path))
    known = charges(path)
    older(path)
    command = [sys.executable, "-c", KILLED_IN_A_STEP, path, where]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await process.wait() == -signal.SIGKILL
    ledger = await Ledger.open(path, out=str(tmp_path), steps=FROM_0)
    await ledger.close()
    assert (charges(path), version(path)) == (known, SCHEMA_VERSION)
    assert version(os.path.join(os.path.dirname(path), "ledger.v0.db")) == 0


def test_steps_are_taken_one_after_another_from_where_the_ledger_is(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    taken: list[int] = []

    def step(number: int, *, fail: bool = False) -> object:
        def take(db: sqlite3.Connection) -> None:
            db.execute(f"CREATE TABLE t{number} (x)")
            taken.append(number)
            if fail:
                raise ValueError(number)

        return take

    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(LedgerError):
            migrate(db, path, {0: step(0), 1: step(1, fail=True), 2: step(2)}, newest=3)  # type: ignore[dict-item]
        assert (taken, version(path)) == ([0, 1], 1)
        steps = {number: step(number) for number in range(3)}
        assert migrate(db, path, steps, newest=3) == 1  # type: ignore[arg-type]
        assert migrate(db, path, steps, newest=3) is None  # type: ignore[arg-type]
    assert (taken, version(path)) == ([0, 1, 1, 2], 3)
    assert version(str(tmp_path / "x.v0.db")) == 0
    assert version(str(tmp_path / "x.v1.db")) == 1


@pytest.mark.asyncio
async def test_a_newer_ledger_is_refused_and_not_touched(tmp_path: Path) -> None:
    await make(tmp_path, 3)
    path = default_path(str(tmp_path))
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for _ in range(2):
        with pytest.raises(LedgerTooNewError, match=f"format {SCHEMA_VERSION + 1}"):
            await Ledger.open(path, out=str(tmp_path))
    with pytest.raises(LedgerTooNewError):
        read_only(path)
    assert version(path) == SCHEMA_VERSION + 1
    assert not [name for name in os.listdir(os.path.dirname(path)) if "damaged" in name or ".v" in name]


FORMAT_1 = """
    DROP TRIGGER concurrency_is_kept; DROP TRIGGER concurrency_is_fixed; DROP TABLE concurrency;
    PRAGMA user_version = 1;
"""
"""Makes of a ledger what version 0.1's first format was: it did not know how many workers were allowed."""


@pytest.mark.asyncio
async def test_a_ledger_of_format_1_gets_the_same_tables_as_a_new_one(tmp_path: Path) -> None:
    await make(tmp_path / "new", 20)
    await make(tmp_path / "old", 20)
    new, old = (default_path(str(tmp_path / name)) for name in ("new", "old"))
    known = charges(old)
    with closing(sqlite3.connect(old)) as db:
        db.executescript(FORMAT_1)
    with pytest.raises(LedgerOutdatedError, match="format 1"):
        read_only(old)
    ledger = await Ledger.open(old, out=str(tmp_path / "old"))
    await ledger.begin_run(version="2", service="pixian")
    ledger.note_concurrency(change())
    await ledger.end_run(0)
    await ledger.close()
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
    assert rows(old, schema) == rows(new, schema)
    assert (charges(old), version(old)) == (known, 2)
    assert rows(old, "SELECT run_id, allowed, reason FROM concurrency") == [(2, 5, "start")]
    for forbidden in ("DELETE FROM concurrency", "UPDATE concurrency SET allowed = 1"):
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            rows(old, forbidden)
