"""Rounds: what has come meanwhile is finished together, and each hears of its own trouble. A real ledger and disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import put
from support.records import answered, ended, key, sending

from pixian_batch.adapters.landing import DiskError, Landing
from pixian_batch.adapters.ledger import Ledger, LedgerError, writing
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.pipeline.finishing import Finisher, Received

if TYPE_CHECKING:
    from pathlib import Path

BODY = b"paid for"


async def received(ledger: Ledger, out: Path, number: int, place: str) -> Received:
    """An image that was sent and answered, and whose body lies in its spool."""
    attempt = ledger.next_attempt()
    spool = put(out / f".pixian-{attempt}.part", BODY)
    await ledger.sending(sending(attempt, number, place=place, spool=spool))
    await ledger.answered(attempt, answered())
    return Received(
        attempt=attempt,
        key=key(number),
        input=f"in/{number}.jpg",
        place=place,
        body=spool,
        headers=ResultHeaders(),
        rebuild=False,
        original=f"in/{number}.jpg",
        ended=ended(body_size=len(BODY)),
    )


def states(folder: Path) -> list[Any]:
    connection = sqlite3.connect(folder / "ledger.db")
    try:
        return connection.execute("SELECT state, count(*) FROM image GROUP BY state").fetchall()
    finally:
        connection.close()


async def finished(folder: Path, places: list[str]) -> list[int | BaseException]:
    ledger = await Ledger.open(str(folder / "ledger.db"))
    try:
        await ledger.begin_run(version="1", service="test")
        landing = Landing(str(folder / "out"))
        bodies = [
            await received(ledger, folder / "out", number, place) for number, place in enumerate(places, 1)
        ]
        finisher = Finisher(ledger, landing)
        return await asyncio.gather(*map(finisher.finish, bodies), return_exceptions=True)
    finally:
        await ledger.close()


@pytest.mark.asyncio
async def test_what_has_come_meanwhile_shares_its_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []

    def counted(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def wrapped(*arguments: Any) -> Any:
            seen.append((name, len(arguments[-1])))
            return inner(*arguments)

        monkeypatch.setattr(owner, name, wrapped)

    counted(writing, "write_ended")
    counted(writing, "write_placed")
    synced: list[int] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    assert await finished(tmp_path, [f"{number}.png" for number in range(40)]) == [len(BODY)] * 40
    assert seen == [("write_ended", 40), ("write_placed", 40)]
    assert len(synced) == (sys.platform != "win32"), "the folder, once for all its renames"
    assert states(tmp_path) == [("done", 40)]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(f"{number}.png" for number in range(40))


@pytest.mark.asyncio
async def test_one_that_has_no_place_does_not_hold_the_others_up(tmp_path: Path) -> None:
    (tmp_path / "out" / "taken.png").mkdir(parents=True)
    said = await finished(tmp_path, ["a.png", "taken.png", "b.png"])
    assert isinstance(said.pop(1), DiskError)
    assert said == [len(BODY)] * 2
    assert states(tmp_path) == [("done", 2), ("received", 1)]
    assert (tmp_path / "out" / ".pixian-2.part").read_bytes() == BODY, "what was paid for is kept"


@pytest.mark.asyncio
@pytest.mark.parametrize(("fails", "left"), [("write_ended", "sending"), ("write_placed", "received")])
async def test_a_ledger_that_takes_nothing_is_told_to_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, left: str
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(writing, fails, full)
    said = await finished(tmp_path, ["a.png", "b.png"])
    assert all(isinstance(one, LedgerError) for one in said)
    assert states(tmp_path) == [(left, 2)]
    spooled = [name for name in os.listdir(tmp_path / "out") if name.endswith(".part")]
    assert len(spooled) == (2 if fails == "write_ended" else 0), (
        "nothing is renamed before its verdict is durable"
    )
