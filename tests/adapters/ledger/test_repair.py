"""A damaged ledger is found, kept, rebuilt from all that can be read, and never begun anew in silence."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.ledgers import (
    IMAGES,
    PAGE,
    PARAMS,
    charges,
    copy,
    make,
    read_by_sqlite,
    rows,
    states,
    would_send,
)
from support.records import key, sending

from pixian_batch.adapters.ledger import (
    Ledger,
    LedgerDamagedError,
    LedgerError,
    LedgerRebuiltError,
    default_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REFUSED = {number for number in range(1, IMAGES + 1) if number % 20 == 18}
RESOLVED = {number for number in range(IMAGES // 2 + 1, IMAGES + 1) if number % 20 == 19}
SENDABLE = REFUSED | RESOLVED
"""Images that cost nothing, or whose cost was accepted: they are sent again, as they should be."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a finished run; never change it."""
    out = tmp_path_factory.mktemp("whole") / "out"
    asyncio.run(make(out))
    return out


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of a run that was killed: half of the ledger is in its log."""
    source = tmp_path_factory.mktemp("killed") / "running"
    target = source.with_name("out")

    async def fill() -> None:
        ledger = await make(source, close=False)
        shutil.copytree(source, target)
        await ledger.close()

    asyncio.run(fill())
    assert os.path.getsize(default_path(str(target)) + "-wal") > 10 * PAGE
    return target


@pytest.fixture
def damage(tmp_path: Path) -> Iterator[Callable[..., tuple[str, Path]]]:
    """Makes copies of an output folder and lets `change` damage the ledger's bytes."""
    copies = 0

    def do(source: Path, change: Callable[[bytearray], object], file: str = "") -> tuple[str, Path]:
        nonlocal copies
        copies += 1
        out = tmp_path / f"out-{copies}"
        path = copy(source, out)
        with open(path + file, "rb") as stream:
            content = bytearray(stream.read())
        change(content)
        with open(path + file, "wb") as stream:
            stream.write(content)
        return path, out

    yield do
    shutil.rmtree(tmp_path, ignore_errors=True)


async def repair(path: str, out: Path) -> LedgerRebuiltError | None:
    """What the first run says; None when it found nothing wrong. The second one always opens."""
    rebuilt = None
    try:
        await (await Ledger.open(path, out=str(out))).close()
    except LedgerRebuiltError as error:
        rebuilt = error
        await (await Ledger.open(path, out=str(out))).close()
    return rebuilt


def readable(path: str, scratch: Path) -> dict[int, str]:
    scratch.mkdir()
    for companion in ("", "-wal"):
        if os.path.exists(path + companion):
            shutil.copy(path + companion, scratch / f"copy{companion}")
    legible = read_by_sqlite(str(scratch / "copy"))
    shutil.rmtree(scratch)
    return legible


def kept_bytes(rebuilt: LedgerRebuiltError) -> int:
    """The size of the damaged file that was set aside."""
    return os.path.getsize(str(rebuilt).rsplit(" kept as ", 1)[1])


def overwrite(path: str, content: bytes, at: int = 0) -> None:
    with open(path, "r+b") as stream:
        stream.seek(at)
        stream.write(content)


def zero(page: int) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        content[page * PAGE : (page + 1) * PAGE] = bytes(len(content[page * PAGE : (page + 1) * PAGE]))

    return change


def pages(path: Path, file: str = "") -> int:
    return os.path.getsize(default_path(str(path)) + file) // PAGE


@pytest.mark.asyncio
async def test_a_whole_ledger_is_left_alone(whole: Path, tmp_path: Path) -> None:
    path = copy(whole, tmp_path / "out")
    before = charges(path)
    assert await repair(path, tmp_path / "out") is None
    assert charges(path) == before
    assert would_send(path, tmp_path / "out") == SENDABLE


@pytest.mark.asyncio
@pytest.mark.parametrize("turn", range(8))
async def test_any_one_page_may_be_lost_and_nothing_is_bought_again(
    whole: Path, damage: Callable[..., tuple[str, Path]], tmp_path: Path, turn: int
) -> None:
    """Pages of tables are recovered from indices and the other sheets, pages of indices from tables."""
    known = charges(default_path(str(whole)))
    total = pages(whole)
    assert total > 40
    most_lost = 0
    for page in range(turn, total, 8):
        path, out = damage(whole, zero(page))
        legible = readable(path, tmp_path / "scratch")
        rebuilt = await repair(path, out)
        saved = charges(path)
        assert saved.items() >= legible.items(), page
        assert saved.items() <= known.items(), page
        most_lost = max(most_lost, len(known) - len(saved))
        assert would_send(path, out) <= SENDABLE, page
        if rebuilt is not None:
            assert kept_bytes(rebuilt) == total * PAGE
        shutil.rmtree(out)
    assert most_lost < 100  # rows of one page


@pytest.mark.asyncio
async def test_without_the_results_at_most_the_images_of_the_lost_page_are_sent_again(
    whole: Path, damage: Callable[..., tuple[str, Path]]
) -> None:
    """The results were moved away after the run: the ledger alone knows that they were bought."""
    total = pages(whole)
    for page in range(0, total, 6):
        path, out = damage(whole, zero(page))
        for folder in out.glob("folder-*"):
            shutil.rmtree(folder)
        await repair(path, out)
        # An image that is neither open nor unknown is at least listed for a decision.
        unknown = {number for number in would_send(path, out) if number not in SENDABLE}
        assert len(unknown) == 0, page
        shutil.rmtree(out)


@pytest.mark.asyncio
@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.5, 0.77, 0.99])
@pytest.mark.parametrize("odd", [0, 1, 100, 511])
async def test_a_cut_off_ledger_keeps_what_is_before_the_cut(
    whole: Path, damage: Callable[..., tuple[str, Path]], tmp_path: Path, part: float, odd: int
) -> None:
    def cut(content: bytearray) -> None:
        del content[int(len(content) * part) + odd :]

    path, out = damage(whole, cut)
    legible = readable(path, tmp_path / "scratch")
    rebuilt = await repair(path, out)
    assert rebuilt is not None
    assert charges(path).items() >= legible.items()
    if part < 0.005:
        assert "nothing in it could be read" in str(rebuilt) or "were saved" in str(rebuilt)
    assert kept_bytes(rebuilt) == int(pages(whole) * PAGE * part) + odd
    # The results that stand are never bought again, whatever was lost.
    lost = would_send(path, out)
    assert all(number % 20 in {17, 18, 19, 0} for number in lost)


@pytest.mark.asyncio
@pytest.mark.parametrize("length", [1, 16, 20, 72, 100, 512, PAGE])
async def test_a_destroyed_header_costs_nothing(
    whole: Path, damage: Callable[..., tuple[str, Path]], length: int
) -> None:
    def scratch(content: bytearray) -> None:
        content[:length] = os.urandom(length)

    path, out = damage(whole, scratch)
    rebuilt = await repair(path, out)
    assert rebuilt is not None
    assert "no attempt is missing" in str(rebuilt)
    assert charges(path) == charges(default_path(str(whole)))
    assert states(path) == states(default_path(str(whole)))


@pytest.mark.asyncio
async def test_a_killed_runs_log_is_read_too(
    killed: Path, damage: Callable[..., tuple[str, Path]], whole: Path
) -> None:
    path, out = damage(killed, lambda content: content.__setitem__(slice(0, 100), bytes(100)))
    overwrite(path + "-wal", os.urandom(100), at=32 + 24)
    assert await repair(path, out) is not None
    assert charges(path) == charges(default_path(str(whole)))
    assert would_send(path, out) == SENDABLE


@pytest.mark.asyncio
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
async def test_a_damaged_log_is_not_taken_for_ended(
    killed: Path, damage: Callable[..., tuple[str, Path]], whole: Path, part: float
) -> None:
    """SQLite drops all that comes after a wrong checksum, and says nothing."""

    def scribble(content: bytearray) -> None:
        at = 32 + int(len(content) * part)
        content[at : at + 8] = os.urandom(8)

    path, out = damage(killed, scribble, "-wal")
    assert await repair(path, out) is not None
    saved, known = charges(path), charges(default_path(str(whole)))
    assert saved.items() <= known.items()
    assert len(saved) >= len(known) - 100
    assert would_send(path, out) <= SENDABLE


@pytest.mark.asyncio
async def test_a_torn_last_transaction_is_what_a_power_cut_leaves(
    killed: Path, damage: Callable[..., tuple[str, Path]]
) -> None:
    for cut in (1, 700, PAGE + 24):
        path, out = damage(
            killed, lambda content, cut=cut: content.__delitem__(slice(len(content) - cut, None)), "-wal"
        )
        assert await repair(path, out) is None


@pytest.mark.asyncio
async def test_a_log_without_its_ledger_is_not_thrown_away(
    killed: Path, damage: Callable[..., tuple[str, Path]], tmp_path: Path
) -> None:
    path, out = damage(killed, lambda _content: None)
    os.unlink(path)
    rebuilt = await repair(path, out)
    assert rebuilt is not None
    assert len(charges(path)) > IMAGES // 4
    assert charges(path).items() <= charges(copy(killed, tmp_path / "again")).items()
    assert would_send(path, out) <= SENDABLE | {number for number in range(IMAGES) if number % 20 in {17, 19}}


@pytest.mark.asyncio
async def test_a_ledger_whose_log_is_lost_still_opens(
    killed: Path, damage: Callable[..., tuple[str, Path]], tmp_path: Path
) -> None:
    """Nothing shows that the log was there, so that the results on disk have to speak."""
    path, out = damage(killed, lambda _content: None)
    os.unlink(path + "-wal")
    legible = readable(path, tmp_path / "scratch")
    await repair(path, out)
    assert charges(path).items() >= legible.items()
    assert all(number % 20 in {17, 18, 19, 0} for number in would_send(path, out))


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**32),
    spots=st.integers(1, 40),
    length=st.sampled_from([1, 4, 64, PAGE]),
    log=st.booleans(),
)
@example(seed=3252, spots=25, length=4, log=False)
@example(seed=27207, spots=14, length=1, log=False)
@example(seed=326725, spots=22, length=1, log=False)  # SQLite's own words about it are not UTF-8
def test_random_bytes_never_break_more_than_themselves(  # fixtures and choices
    killed: Path,
    whole: Path,
    damage: Callable[..., tuple[str, Path]],
    seed: int,
    spots: int,
    length: int,
    *,
    log: bool,
) -> None:
    dice = random.Random(seed)  # noqa: S311  # repeatable on purpose

    def scribble(content: bytearray) -> None:
        for _ in range(spots):
            at = dice.randrange(len(content))
            content[at : at + length] = dice.randbytes(len(content[at : at + length]))

    async def check() -> None:
        path, out = damage(killed if log else whole, scribble, "-wal" if log else "")
        legible = readable(path, out / "scratch")
        try:
            rebuilt = await repair(path, out)
        except LedgerError:
            shutil.rmtree(out)
            return
        if rebuilt is not None:
            assert legible.keys() <= charges(path).keys()
        with_results = would_send(path, out)
        assert all(number % 20 in {17, 18, 19, 0} for number in with_results)
        shutil.rmtree(out)

    asyncio.run(check())


@pytest.mark.asyncio
async def test_a_result_that_was_removed_and_sent_again_stays_in_doubt(tmp_path: Path) -> None:
    """An older record of its place must not make the newer, interrupted attempt forgotten."""
    out = tmp_path / "out"
    await make(out, 5)
    path = default_path(str(out))
    os.unlink(out / "folder-1" / "0001.png")
    ledger = await Ledger.open(path, out=str(out))
    await ledger.begin_run(version="1", service="pixian")
    await ledger.sending(sending(ledger.next_attempt(), key=key(1, PARAMS), place="folder-1/0001.png"))
    await ledger.close()
    overwrite(path, bytes(16))
    assert await repair(path, out) is not None
    assert states(path)[key(1).digest] == "sending"


@pytest.mark.asyncio
async def test_damage_in_the_middle_of_a_run_is_told_and_repaired_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = default_path(str(out))
    ledger = await make(out, close=False)
    await ledger.close()
    with closing(sqlite3.connect(path)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'image'").fetchone()[0]
    ledger = await Ledger.open(path, out=str(out))
    overwrite(path, bytes(PAGE), at=(root - 1) * PAGE)
    await ledger.ask(lambda db: db.execute("PRAGMA shrink_memory").fetchall())
    asked = [ledger.standing(key(number, PARAMS)) for number in range(1, IMAGES + 1)]
    with pytest.raises(LedgerDamagedError, match="the next run"):
        await asyncio.gather(*asked)
    await ledger.close()
    assert await repair(path, out) is not None
    assert would_send(path, out) == SENDABLE


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE answer SET charged = 'abc' WHERE attempt_id = 7",
        "UPDATE answer SET charged = CAST(x'30ff' AS TEXT) WHERE attempt_id = 7",
        "UPDATE attempt SET at_most = '1..2' WHERE id = 17",
        "UPDATE verdict SET verdict = 'fine' WHERE attempt_id = 3",
    ],
)
async def test_values_that_make_no_sense_are_damage(tmp_path: Path, change: str) -> None:
    out = tmp_path / "out"
    await make(out, 40)
    path = default_path(str(out))
    with closing(sqlite3.connect(path)) as db, db:
        for trigger in ("answer_is_fixed", "attempt_is_fixed", "verdict_is_fixed"):
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute(change)
        db.execute("UPDATE image SET state = 'received' WHERE attempt = 3")
    ledger = await Ledger.open(path, out=str(out))
    with pytest.raises(LedgerDamagedError):
        await asyncio.gather(ledger.spending(), ledger.undecided(), ledger.unfinished())
    await ledger.close()
    assert await repair(path, out) is not None
    ledger = await Ledger.open(path, out=str(out))
    await asyncio.gather(ledger.spending(), ledger.undecided(), ledger.unfinished())
    await ledger.close()
    assert would_send(path, out) & set(range(1, 41)) <= {18, 38}


@pytest.mark.asyncio
@pytest.mark.parametrize("at", ["before", "after"])
async def test_a_repair_that_was_interrupted_is_finished(
    whole: Path, damage: Callable[..., tuple[str, Path]], at: str
) -> None:
    """`.rebuilt` appears whole, and takes the ledger's place whenever the next run comes."""
    path, out = damage(whole, zero(0))
    assert await repair(path, out) is not None
    shutil.move(path, path + (".rebuilt" if at == "after" else ".rebuilt.part"))
    aside = next(p for p in os.listdir(os.path.dirname(path)) if p.startswith("ledger.damaged-"))
    shutil.copy(os.path.join(os.path.dirname(path), aside), path)
    assert await repair(path, out) is not None
    assert charges(path) == charges(default_path(str(whole)))


@pytest.mark.asyncio
async def test_somebody_elses_file_is_never_touched(tmp_path: Path) -> None:
    for name, content in (("photo.jpg", b"\xff\xd8\xff" + bytes(5000)), ("notes.txt", b"hello" * 1000)):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(LedgerError, match="not a pixian-batch ledger"):
            await Ledger.open(str(path), out=str(tmp_path))
        assert path.read_bytes() == content
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE theirs (x)")
    before = other.read_bytes()
    with pytest.raises(LedgerError, match="not a pixian-batch ledger"):
        await Ledger.open(str(other), out=str(tmp_path))
    assert other.read_bytes() == before


@pytest.mark.asyncio
async def test_long_texts_on_overflow_pages_are_read(tmp_path: Path) -> None:
    out = tmp_path / "out"
    await make(out, 3)
    path = default_path(str(out))
    ledger = await Ledger.open(path, out=str(out))
    name = "in/" + "ä" * 9000
    await ledger.begin_run(version="1", service="pixian")
    await ledger.sending(sending(ledger.next_attempt(), 9, input=name, place="x" * 5000))
    await ledger.close()
    overwrite(path, bytes(100))
    assert await repair(path, out) is not None
    ledger = await Ledger.open(path, out=str(out))
    left = [item.sending for item in await ledger.unfinished()]
    await ledger.close()
    assert (left[0].input, left[0].place, left[0].at_most) == (name, "x" * 5000, Decimal("0.25"))


@pytest.mark.asyncio
async def test_results_whose_parameters_are_lost_are_left_alone(
    whole: Path, damage: Callable[..., tuple[str, Path]]
) -> None:
    """Both copies of the parameters are gone: no image is recognised, so no place may claim to be known."""
    with closing(sqlite3.connect(default_path(str(whole)))) as db:
        roots = db.execute("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'params'").fetchall()

    def change(content: bytearray) -> None:
        for (root,) in roots:
            zero(root - 1)(content)

    path, out = damage(whole, change)
    assert await repair(path, out) is not None
    assert charges(path) == charges(default_path(str(whole)))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM place").fetchone() == (0,)
    ledger = await Ledger.open(path, out=str(out))
    assert await ledger.unfinished() == []
    assert len(await ledger.undecided()) >= 20
    await ledger.close()


@pytest.mark.asyncio
async def test_how_many_workers_were_allowed_is_saved_too(tmp_path: Path) -> None:
    """Also when the run's own record is gone: then a stand-in takes its place."""
    await make(tmp_path, 40)
    path = default_path(str(tmp_path))
    question = "SELECT run_id, at, allowed, in_use, resting, reason FROM concurrency"
    known = rows(path, question)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript("PRAGMA foreign_keys = OFF; DELETE FROM run;")
    overwrite(path, b"no header " * 9)
    assert await repair(path, tmp_path) is not None
    assert (len(known), rows(path, question)) == (4, known)
    assert rows(path, "SELECT id FROM run WHERE id = 1") == [(1,)]
