"""One attempt over a real socket and a real ledger: the order of writes, and what each ending leaves behind."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import picture, put
from support.records import key
from support.wires import PNG, Connection, http, raw_server

from pixian_batch.adapters.landing import DiskError, Landing
from pixian_batch.adapters.ledger import Ledger
from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.adapters.wire.source import FileSource
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.job import Job
from pixian_batch.pipeline.sending import Recording
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from pixian_batch.policy.reply import Reply

PAID = "X-Credits-Charged: 0.25\r\n"


def job_of(folder: Path) -> Job:
    path = put(folder / "in" / "a.jpg", picture("jpg"))
    found = os.stat(path)
    source = FileSource(path, Kind.JPEG, (found.st_size, found.st_mtime_ns))
    return Job(path, source, key(), Params(), "sub/a.png", 48)


async def attempt(
    folder: Path, script: Callable[[Connection], Awaitable[None]], *, job: Job | None = None, idle: float = 20
) -> Reply:
    ledger = await Ledger.open(str(folder / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    try:
        async with (
            raw_server(script) as server,
            WireSession(Credentials("a", "b"), api_url=server.url, idle_timeout=idle) as wire,
        ):
            recording = Recording(
                session=wire, ledger=ledger, landing=Landing(str(folder / "out")), stop=StopSign(), free=False
            )
            return await recording(replace(job or job_of(folder), at_most=Decimal("0.30")))
    finally:
        await ledger.close()


def asked(folder: Path, sql: str) -> list[Any]:
    connection = sqlite3.connect(folder / "ledger.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@pytest.mark.asyncio
async def test_each_write_is_durable_before_the_next_byte(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def script(connection: Connection) -> None:
        await connection.head()
        seen.append(asked(tmp_path, "SELECT input, at_most FROM attempt"))
        length = len(http(headers=PAID)) - len(PNG)
        await asyncio.sleep(0.05)
        await connection.say(http(headers=PAID)[:length])
        while not (rows := asked(tmp_path, "SELECT charged FROM answer")):  # noqa: ASYNC110  # a database has no event
            await asyncio.sleep(0.01)
        seen.append(rows)
        assert asked(tmp_path, "SELECT * FROM verdict") == []
        await connection.say(PNG)

    job = job_of(tmp_path)
    reply = await attempt(tmp_path, script, job=job)
    assert seen == [[(job.input, "0.30")], [("0.25",)]]
    assert (reply.verdict, reply.problem) == (Verdict.DELIVERED, None)
    assert reply.body is not None
    assert (tmp_path / "out" / "sub" / os.path.basename(reply.body.path)).read_bytes() == PNG
    assert asked(tmp_path, "SELECT * FROM verdict") == [], "written by whoever finishes the result"
    assert (reply.ended().verdict, reply.ended().body_size) == (Verdict.DELIVERED, len(PNG))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("said", "verdict", "kept"),
    [
        (http(headers=PAID), Verdict.DELIVERED, PNG),
        (http(PNG[:-5], headers=PAID), Verdict.LOST, PNG[:-5]),
        (http(picture("jpg"), headers=PAID), Verdict.LOST, picture("jpg")),
        (http(b"<html>", kind="text/html"), Verdict.LOST, b"<html>"),
        (http(length=len(PNG) + 5, headers=PAID), Verdict.LOST, PNG),
        (http(b"", headers=PAID), Verdict.LOST, None),
        (http(b"{}", "429 x"), Verdict.THROTTLED, None),
        (http(b"{}", "402 x"), Verdict.HALTING, None),
        (http(b"{}", "503 x"), Verdict.UNAVAILABLE, None),
        (http(b"{}", "415 x"), Verdict.REFUSED, None),
        (http(b"", "302 x", headers="Location: https://elsewhere/\r\n"), Verdict.UNAVAILABLE, None),
        (b"", Verdict.IN_DOUBT, None),
        (b"HTTP/1.1 200 OK\r\nConte", Verdict.IN_DOUBT, None),
    ],
)
async def test_what_is_answered_decides_and_what_came_is_kept(
    tmp_path: Path, said: bytes, verdict: Verdict, kept: bytes | None
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.say(said)

    reply = await attempt(tmp_path, script)
    assert reply.verdict is verdict
    written = [] if verdict is Verdict.DELIVERED else [(verdict.value,)]
    assert asked(tmp_path, "SELECT verdict FROM verdict") == written
    left = [path.read_bytes() for path in (tmp_path / "out" / "sub").iterdir()]
    assert left == ([] if kept is None else [kept])
    if verdict is not Verdict.DELIVERED:
        assert reply.problem is not None
        assert reply.problem.message


@pytest.mark.asyncio
async def test_a_slow_disk_is_no_silence_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.say(http(headers=PAID))
        await connection.gone()

    real = os.fsync

    def slow(descriptor: int) -> None:
        time.sleep(1.5)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    assert (await attempt(tmp_path, script, idle=1.0)).verdict is Verdict.DELIVERED


@pytest.mark.asyncio
async def test_a_file_that_changed_was_not_sent(tmp_path: Path) -> None:
    async def script(connection: Connection) -> None:
        await connection.gone()

    job = job_of(tmp_path)
    put(job.input, b"changed")
    with pytest.raises(SourceChangedError):
        await attempt(tmp_path, script, job=job)
    assert asked(tmp_path, "SELECT verdict FROM verdict") == [("not_sent",)]
    assert asked(tmp_path, "SELECT state FROM image") == [("open",)]


@pytest.mark.asyncio
async def test_nothing_is_sent_when_no_spool_can_be_made(tmp_path: Path) -> None:
    put(tmp_path / "out" / "sub", b"a file")

    async def never(_connection: Connection) -> None:
        raise AssertionError("sent")

    with pytest.raises(DiskError):
        await attempt(tmp_path, never)
    assert asked(tmp_path, "SELECT verdict FROM verdict") == [("not_sent",)]
