"""The ledger: what it keeps, that it only grows, that it is durable in groups, and what it refuses."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from support.pictures import put
from support.records import answered, ended, key, sending

from pixian_batch.adapters.ledger import (
    Ledger,
    LedgerDamagedError,
    LedgerError,
    LedgerInUseError,
    LedgerTooNewError,
    default_path,
)
from pixian_batch.adapters.ledger.migration import SCHEMA_VERSION
from pixian_batch.adapters.ledger.opening import read_only
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.record import Placed, State
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="names that only POSIX systems have")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return default_path(str(tmp_path / "out"))


@pytest_asyncio.fixture
async def ledger(path: str) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(path)
    await opened.begin_run(version="1", service="test")
    yield opened
    await opened.close()


def rows(path: str, sql: str) -> list[Any]:
    """What any other program reads, while the ledger is open."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


# --- an image's way ------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_each_step_is_durable_when_its_call_returns(ledger: Ledger) -> None:
    state = "SELECT state FROM image"
    assert await ledger.standing(key(1)) is None
    await ledger.sending(sending(1))
    assert rows(ledger.path, state) == [("sending",)]
    assert rows(ledger.path, "SELECT input, at_most, free FROM attempt") == [("in/1.jpg", "0.25", 0)]
    await ledger.answered(1, answered(length=77))
    assert rows(ledger.path, "SELECT charged, length FROM answer") == [("0.25", 77)]
    assert rows(ledger.path, state) == [("sending",)]
    await ledger.ended(1, ended(body_size=77))
    assert rows(ledger.path, state) == [("received",)]
    await ledger.placed("in/1.jpg", "a/1.png", Placed(key(1), 77))
    assert rows(ledger.path, state) == [("done",)]
    assert await ledger.places_of(key(1)) == [("a/1.png", 77)]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.DELIVERED, State.RECEIVED),
        (Verdict.IN_DOUBT, State.IN_DOUBT),
        (Verdict.LOST, State.LOST),
        (Verdict.THROTTLED, State.OPEN),
        (Verdict.REFUSED, State.OPEN),
        (Verdict.NOT_SENT, State.OPEN),
        (Verdict.UNAVAILABLE, State.OPEN),
        (Verdict.HALTING, State.OPEN),
    ],
)
async def test_the_verdict_decides_the_state(ledger: Ledger, verdict: Verdict, state: State) -> None:
    await ledger.sending(sending(1))
    await ledger.ended(1, ended(verdict, message="so it went"))
    standing = await ledger.standing(key(1))
    assert standing is not None
    assert (standing.state, standing.message, standing.input) == (state, "so it went", "in/1.jpg")
    waits = [item.attempt for item in await ledger.undecided()]
    assert waits == ([1] if state in {State.IN_DOUBT, State.LOST} else [])


@pytest.mark.asyncio
async def test_a_late_verdict_of_an_old_attempt_does_not_undo_a_newer_one(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    await ledger.ended(1, ended(Verdict.THROTTLED))
    await ledger.sending(sending(2, 1))
    await ledger.lost(1)
    standing = await ledger.standing(key(1))
    assert standing is not None
    assert (standing.state, standing.attempt) == (State.SENDING, 2)


@pytest.mark.asyncio
async def test_other_parameters_are_another_image(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    assert await ledger.standing(key(1, "test=true")) is None
    await ledger.sending(sending(2, key=key(1, "test=true")))
    await ledger.ended(2, ended(Verdict.LOST))
    standing = await ledger.standing(key(1))
    assert standing is not None
    assert standing.state is State.SENDING


@pytest.mark.asyncio
async def test_what_an_interrupted_run_left_is_named(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    await ledger.sending(sending(2))
    await ledger.answered(2, answered(length=5))
    await ledger.sending(sending(3))
    await ledger.ended(3, ended(body_size=9))
    await ledger.sending(sending(4))
    await ledger.ended(4, ended(Verdict.IN_DOUBT))
    left = await ledger.unfinished()
    assert [item.sending for item in left] == [sending(1), sending(2), sending(3)]
    assert [item.answered and item.answered.length for item in left] == [None, 5, None]
    assert [item.ended and item.ended.body_size for item in left] == [None, None, 9]


@pytest.mark.asyncio
async def test_a_decision_opens_an_image_and_keeps_the_trail(ledger: Ledger) -> None:
    for attempt, charged in ((1, True), (2, False)):
        await ledger.sending(sending(attempt))
        await ledger.ended(attempt, ended(Verdict.IN_DOUBT))
        await ledger.resolve(attempt, charged=charged)
    assert await ledger.undecided() == []
    assert (await ledger.spending()).doubtful == Decimal("0.25")
    assert rows(ledger.path, "SELECT count(*) FROM attempt") == [(2,)]


@pytest.mark.asyncio
async def test_a_failure_is_forgotten_when_its_input_is_done(ledger: Ledger) -> None:
    await ledger.failed("in/1.jpg", Problem(415, "what is this?"))
    assert rows(ledger.path, "SELECT input, code, message FROM failure") == [
        ("in/1.jpg", "415", "what is this?")
    ]
    await ledger.sending(sending(1))
    await ledger.placed("in/1.jpg", "1.png", Placed(key(1), 1))
    assert rows(ledger.path, "SELECT * FROM failure") == []


@pytest.mark.asyncio
async def test_attempts_are_numbered_on_across_runs(path: str) -> None:
    for expected in (1, 2):
        again = await Ledger.open(path)
        await again.begin_run(version="1", service="test")
        assert again.run == expected
        number = again.next_attempt()
        assert number == expected
        await again.sending(sending(number))
        await again.end_run(0)
        await again.close()
    assert [code for (code,) in rows(path, "SELECT exit_code FROM run")] == [0, 0]


# --- only ever appended to -----------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE attempt SET input = ''",
        "UPDATE answer SET charged = '0'",
        "UPDATE verdict SET message = 'x'",
        "DELETE FROM attempt",
        "DELETE FROM answer",
        "DELETE FROM verdict",
    ],
)
async def test_the_audit_trail_cannot_be_changed(ledger: Ledger, sql: str) -> None:
    await ledger.sending(sending(1))
    await ledger.answered(1, answered())
    await ledger.ended(1, ended())
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        await ledger.ask(lambda db: db.execute(sql))
    with pytest.raises(sqlite3.IntegrityError):
        await ledger.ended(1, ended(Verdict.REFUSED))
    assert rows(ledger.path, "SELECT verdict FROM verdict") == [("delivered",)]


# --- money ---------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_many_tiny_amounts_are_summed_exactly(ledger: Ledger) -> None:
    amounts = [Decimal(n) / 1000 for n in range(1, 300)] + [Decimal("0.1")] * 300

    async def buy(attempt: int, amount: Decimal) -> None:
        await ledger.sending(sending(attempt, at_most=Decimal("0.3")))
        await ledger.answered(attempt, answered(str(amount), str(amount)))

    await asyncio.gather(*(buy(n, amount) for n, amount in enumerate(amounts, 1)))
    spent, total = await ledger.spending(), sum(amounts, Decimal(0))
    assert (spent.charged, spent.calculated, spent.doubtful) == (total, total, Decimal(0))
    assert sum(map(float, amounts)) != float(sum(amounts)), "floats would have been wrong"
    assert sorted(cost for _pixels, cost in await ledger.prices("")) == sorted(set(amounts))


@pytest.mark.asyncio
async def test_what_is_out_or_in_doubt_counts_at_its_most(ledger: Ledger) -> None:
    ways: dict[int, Verdict | None] = dict(enumerate([None, *Verdict], 1))
    for attempt, verdict in ways.items():
        await ledger.sending(sending(attempt, at_most=Decimal(10) ** attempt))
        if verdict is not None:
            await ledger.ended(attempt, ended(verdict))
    counted = {Verdict.IN_DOUBT, Verdict.LOST, Verdict.DELIVERED, None}
    expected = sum(Decimal(10) ** attempt for attempt, verdict in ways.items() if verdict in counted)
    assert (await ledger.spending()).doubtful == expected
    assert (await ledger.spending("9999")).counted == 0


@pytest.mark.asyncio
async def test_free_attempts_are_never_doubtful(ledger: Ledger) -> None:
    await ledger.sending(sending(1, free=True))
    await ledger.ended(1, ended(Verdict.IN_DOUBT))
    assert (await ledger.spending()).counted == 0


@pytest.mark.asyncio
async def test_credits_are_written_as_plain_decimals(ledger: Ledger) -> None:
    await ledger.sending(sending(1, at_most=Decimal("1E+2")))
    await ledger.sending(sending(2, at_most=Decimal("1E-7")))
    assert rows(ledger.path, "SELECT at_most FROM attempt") == [("100",), ("0.0000001",)]


# --- group commits -------------------------------------------------------------------------------


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


# --- questions a folder at a time ----------------------------------------------------------------

NAMES = [
    "a.jpg", "A.jpg", "a'b.jpg", 'a"b.jpg', "100%.jpg", "a_b.jpg", "ü.jpg", "u\u0308.jpg", "日本.jpg", "z",
    "\uffee.jpg", "\U0001f4f7.jpg", "~", " ", "new\nline", "[a]", "\ue000.jpg",
]  # fmt: skip
BYTES = [os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"\xff\xfe"), os.fsdecode(b"\x80")] * (
    sys.platform != "win32"
)


async def remember(ledger: Ledger, folder: str, names: list[str]) -> None:
    for number, name in enumerate(names, 1):
        ledger.note_source(os.path.join(f"/in{folder}", name), number, number, bytes([number]))
        await ledger.sending(sending(ledger.next_attempt(), number))
        await ledger.placed("x", f"{folder}/{name}" if folder else name, Placed(key(number), number))


@pytest.mark.asyncio
@pytest.mark.parametrize("folder", ["", "a", 'it\'s 100% "odd"', "ü/日本", *BYTES[:1]])
async def test_every_name_of_a_folder_is_found_again(ledger: Ledger, folder: str) -> None:
    names = NAMES + BYTES
    await remember(ledger, folder, names)
    [(sources, placed)] = await ledger.known([(f"/in{folder}", names, folder, names)])
    assert sources == {n: (i, i, bytes([i])) for i, n in enumerate(names, 1)}
    assert placed == {n: (key(i).digest, key(i).params, i) for i, n in enumerate(names, 1)}
    elsewhere = await ledger.known([("/in/b", names, "b", names)])
    assert elsewhere == [({}, {})]


@pytest.mark.asyncio
async def test_each_part_of_a_folder_finds_its_own(ledger: Ledger) -> None:
    names = sorted(NAMES + BYTES)
    await remember(ledger, "f", names)
    for start in range(0, len(names), 4):
        batch = names[start : start + 4]
        [(sources, placed)] = await ledger.known([("/inf", batch, "f", batch)])
        assert set(batch) <= set(sources)
        assert set(batch) <= set(placed)


@posix
@pytest.mark.asyncio
async def test_names_that_are_not_utf8_survive(ledger: Ledger) -> None:
    odd = BYTES[0]
    await ledger.sending(sending(1, input=odd, place=f"{odd}/{odd}", spool=f"{odd}.part"))
    await ledger.ended(1, ended(Verdict.LOST, message=f"about {odd}", kept=f"{odd}.kept"))
    standing = await ledger.standing(key(1))
    assert standing is not None
    assert (standing.input, standing.place, standing.kept) == (odd, f"{odd}/{odd}", f"{odd}.kept")
    assert standing.message == f"about {odd}"
    await ledger.failed(odd, Problem("x", f"about {odd}"))
    await ledger.sending(sending(2, input=odd, place=odd, spool=odd))
    await ledger.ended(2, ended(message=f"about {odd}"))
    [left] = await ledger.unfinished()
    assert left.sending.input == odd
    assert left.ended is not None
    assert left.ended.message == f"about {odd}"


# --- opening -------------------------------------------------------------------------------------


@posix
@pytest.mark.asyncio
@pytest.mark.parametrize("folder", ["it's 100%?#", "new\nline", os.fsdecode(b"caf\xe9"), ":memory:"])
async def test_a_ledger_may_lie_anywhere(tmp_path: Path, folder: str) -> None:
    path = default_path(str(tmp_path / folder))
    opened = await Ledger.open(path)
    await opened.begin_run(version="1", service="test")
    reader = read_only(path)
    assert reader.execute("SELECT count(*) FROM run").fetchone() == (1,)
    reader.close()
    await opened.close()
    assert os.path.isfile(path)  # a test


@pytest.mark.asyncio
async def test_a_second_run_on_one_ledger_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerInUseError, match="another run"):
        await Ledger.open(ledger.path)
    script = (
        "import asyncio, sys\n"
        "from pixian_batch.adapters.ledger import Ledger, LedgerInUseError\n"
        "try: asyncio.run(Ledger.open(sys.argv[1]))\n"
        "except LedgerInUseError: sys.exit(11)\n"
    )
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, ledger.path)
    assert await other.wait() == 11


@pytest.mark.asyncio
async def test_the_lock_is_gone_with_its_process(path: str) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from pixian_batch.adapters.ledger import Ledger\n"
        "asyncio.run(Ledger.open(sys.argv[1])); os._exit(9)\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", script, path], check=False).returncode == 9
    )  # nothing else runs
    await (await Ledger.open(path)).close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "content", [b"garbage" * 2000, b"SQLite format 3\0" + b"\xff" * 8000, b"x", b"\xff\xd8\xff\xe0photo"]
)
async def test_garbage_is_said_to_be_damaged_and_left_as_it_is(path: str, content: bytes) -> None:
    put(path, content)
    with pytest.raises(LedgerDamagedError):
        await Ledger.open(path)
    with pytest.raises(LedgerDamagedError):
        read_only(path)
    with open(path, "rb") as stream:  # a test
        assert stream.read() == content


@pytest.mark.asyncio
async def test_a_damaged_ledger_can_be_looked_for_again(path: str) -> None:
    put(path, b"garbage" * 2000)
    for _ in range(2):  # the lock was let go of
        with pytest.raises(LedgerDamagedError):
            await Ledger.open(path)


async def filled(path: str) -> None:
    opened = await Ledger.open(path)
    await opened.begin_run(version="1", service="test")
    await asyncio.gather(*(opened.sending(sending(n, input="n" * 500)) for n in range(1, 200)))
    await opened.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("part", [0.3, 0.9])
async def test_a_truncated_ledger_is_found_damaged(path: str, part: float) -> None:
    await filled(path)
    os.truncate(path, int(os.path.getsize(path) * part))  # a test
    with pytest.raises(LedgerDamagedError):
        await Ledger.open(path)


@pytest.mark.asyncio
async def test_overwritten_pages_are_found(path: str) -> None:
    await filled(path)
    with open(path, "rb+") as stream:  # a test
        stream.seek(3 * 4096)
        stream.write(b"\xa5" * 4096 * 4)
    with pytest.raises(LedgerDamagedError):
        await Ledger.open(path)


@pytest.mark.asyncio
async def test_somebody_elses_database_is_refused_and_left_as_it_is(path: str) -> None:
    put(path)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    with open(path, "rb") as stream:  # a test
        before = stream.read()
    with pytest.raises(LedgerDamagedError, match="not a pixian-batch ledger"):
        await Ledger.open(path)
    with open(path, "rb") as stream:  # a test
        assert stream.read() == before


@pytest.mark.asyncio
async def test_a_newer_ledger_is_refused(path: str) -> None:
    await (await Ledger.open(path)).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(LedgerTooNewError, match="newer"):
        await Ledger.open(path)
    with pytest.raises(LedgerTooNewError, match="newer"):
        read_only(path)


@pytest.mark.asyncio
async def test_an_empty_file_becomes_a_ledger_unless_it_had_been_one(path: str, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere.db")
    await (await Ledger.open(elsewhere)).close()
    read_only(elsewhere).close()
    put(path)  # where only ledgers are: this one has lost its content
    with pytest.raises(LedgerDamagedError, match="cut off"):
        await Ledger.open(path)


@pytest.mark.asyncio
async def test_a_ledger_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    put(tmp_path / "file")
    with pytest.raises(LedgerError, match="cannot be made"):
        await Ledger.open(str(tmp_path / "file" / "ledger.db"))
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(LedgerError, match="cannot be opened"):
        await Ledger.open(str(tmp_path / "folder.db"))
    with pytest.raises(LedgerError, match="no ledger"):
        read_only(str(tmp_path / "nothing.db"))


@pytest.mark.asyncio
async def test_readers_read_while_a_run_writes_and_cannot_write(ledger: Ledger) -> None:
    reader = read_only(ledger.path)
    writing = asyncio.gather(*(ledger.sending(sending(n)) for n in range(1, 100)))
    while not writing.done():
        assert reader.execute("SELECT count(*) FROM attempt").fetchone()[0] >= 0
        await asyncio.sleep(0)
    assert reader.execute("SELECT count(*) FROM attempt").fetchone() == (99,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM source")
    reader.close()
