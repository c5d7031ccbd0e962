"""One thread commits for all who wait: groups, mistakes of one, full disks, and the end."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from support.ledgers import rows
from support.records import change, sending

from pixian_batch.adapters.ledger import Ledger, LedgerError


@pytest.mark.asyncio
async def test_many_workers_share_few_transactions(ledger: Ledger) -> None:
    statements: list[str] = []
    await ledger.ask(lambda db: db.set_trace_callback(statements.append))
    await asyncio.gather(*(ledger.sending(sending(attempt)) for attempt in range(1, 201)))
    await ledger.ask(lambda db: db.set_trace_callback(None))
    begun = sum(sql.startswith("BEGIN") for sql in statements)
    assert sum("INTO attempt" in sql for sql in statements) == 200
    assert begun <= 20, "each transaction is an fsync"
    assert rows(ledger.path, "SELECT count(*) FROM attempt") == [(200,)]


@pytest.mark.asyncio
async def test_every_commit_is_synced(ledger: Ledger) -> None:
    assert await ledger.ask(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (2,)
    assert await ledger.ask(lambda db: db.execute("PRAGMA journal_mode").fetchone()) == ("wal",)


@pytest.mark.asyncio
async def test_one_callers_mistake_is_not_anothers(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    results = await asyncio.gather(
        ledger.sending(sending(2)), ledger.sending(sending(1)), ledger.sending(sending(3)),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(result) for result in results] == [type(None), sqlite3.IntegrityError, type(None)]
    assert rows(ledger.path, "SELECT id FROM attempt ORDER BY id") == [(1,), (2,), (3,)]


@pytest.mark.asyncio
async def test_a_caller_that_is_cancelled_does_not_take_its_work_back(ledger: Ledger) -> None:
    task = asyncio.ensure_future(ledger.sending(sending(1)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await ledger.sending(sending(2))
    assert rows(ledger.path, "SELECT id FROM attempt ORDER BY id") == [(1,), (2,)]


@pytest.mark.asyncio
async def test_a_full_disk_is_told_to_all_who_wait_and_nothing_is_half_written(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    pages = await ledger.ask(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await ledger.ask(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 2}"))
    tasks = (ledger.sending(sending(n, input="n" * 3000)) for n in range(2, 40))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [result for result in results if result is not None]
    assert failed
    assert all(isinstance(error, LedgerError) and "full" in str(error) for error in failed)
    written = rows(ledger.path, "SELECT count(*) FROM attempt")[0][0]
    assert written == 1 + len(results) - len(failed)
    assert rows(ledger.path, "SELECT count(*) FROM image") == [(written,)]
    assert rows(ledger.path, "PRAGMA integrity_check") == [("ok",)]
    await ledger.ask(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
    await ledger.sending(sending(99))


@pytest.mark.asyncio
async def test_damage_that_shows_only_later_is_a_ledger_error(ledger: Ledger) -> None:
    def fail(_db: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with pytest.raises(LedgerError, match="malformed"):
        await ledger.ask(fail)
    await ledger.sending(sending(1))


@pytest.mark.asyncio
async def test_a_closed_ledger_says_so(path: str) -> None:
    closed = await Ledger.open(path)
    await closed.close()
    with pytest.raises(LedgerError):
        async with asyncio.timeout(5):
            await closed.sending(sending(1))


@pytest.mark.asyncio
async def test_closing_writes_what_nobody_waited_for(path: str) -> None:
    one = await Ledger.open(path)
    one.note_source("/photos/a.jpg", 3, 4, b"d")
    await one.close()
    assert rows(path, "SELECT folder, name, size, mtime_ns, digest FROM source") == [
        ("/photos", "a.jpg", 3, 4, b"d")
    ]


@pytest.mark.asyncio
async def test_what_nobody_waits_for_takes_nobodys_work_with_it(ledger: Ledger) -> None:
    """The disk has no room for it, or its table is gone: who waits is served all the same."""

    def full(_db: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    ledger._committer.soon(full)
    await ledger.sending(sending(1))
    ledger.note_concurrency(change())
    await ledger.sending(sending(2))
    await ledger.ask(lambda db: db.execute("DROP TABLE concurrency"))
    ledger.note_concurrency(change())
    await ledger.sending(sending(3))
    assert rows(ledger.path, "SELECT id FROM attempt ORDER BY id") == [(1,), (2,), (3,)]


@pytest.mark.asyncio
async def test_a_change_of_concurrency_costs_no_commit_of_its_own(ledger: Ledger) -> None:
    statements: list[str] = []
    await ledger.ask(lambda db: db.set_trace_callback(statements.append))
    for resting in range(50):
        ledger.note_concurrency(change(resting=resting))
    await ledger.sending(sending(1))
    await ledger.ask(lambda db: db.set_trace_callback(None))
    assert sum("INTO concurrency" in sql for sql in statements) == 50
    assert sum(sql.startswith("BEGIN") for sql in statements) <= 2
