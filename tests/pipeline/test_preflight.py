"""Before the first credit: one free request tells whether the credentials are good, for all who wait."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.wires import Connection, http, raw_server

from pixian_batch.adapters.ledger import Ledger
from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.contract.account import Credentials
from pixian_batch.pipeline.preflight import Preflight
from pixian_batch.pipeline.spending import Limits, Spending
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from pixian_batch.pipeline.job import Job
    from pixian_batch.policy.reply import Reply

ACCOUNT = http(b'{"creditPack":"x","state":"active","useBefore":null,"credits":7.5}', kind="application/json")


def _balances(db: sqlite3.Connection) -> list[tuple[object, object]]:
    return db.execute("SELECT balance_before, balance_after FROM run").fetchall()


def names(spending: Spending) -> list[str]:
    return [limit.name for limit in spending.budget.limits]


async def _no_send(_job: Job) -> Reply | None:
    raise AssertionError("sent")


async def asked(
    folder: Path, answer: bytes, *, needed: bool = True
) -> tuple[list[str], StopSign, list[object]]:
    """Ten images at once: the requests that were made, the stop sign, and the balances that were noted."""

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            await connection.say(ACCOUNT if request.line.startswith("GET") else answer)

    ledger = await Ledger.open(str(folder / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    stop = StopSign()
    async with (
        raw_server(script) as server,
        WireSession(Credentials("a", "b"), api_url=server.url) as session,
    ):
        spending = Spending(session=session, ledger=ledger, stop=stop, send=_no_send, free=not needed)
        preflight = Preflight(session=session, ledger=ledger, spending=spending, stop=stop, needed=needed)
        await asyncio.gather(*(preflight.once() for _ in range(10)))
        await preflight.afterwards()
        [balances] = await ledger.ask(_balances)
    await ledger.close()
    lines = [heard.line.split()[0] for heard in server.heard]
    return lines, stop, list(balances)


@pytest.mark.asyncio
async def test_the_first_image_asks_and_all_wait(tmp_path: Path) -> None:
    for number, status in enumerate(("400 Bad Request", "503 x", "500 x", "429 x")):
        folder = tmp_path / str(number)
        folder.mkdir()
        lines, stop, balances = await asked(folder, http(b"{}", status))
        assert lines == ["POST", "GET", "GET"], status
        assert not stop.up, "a service that is down says nothing of the credentials"
        assert [str(balance) for balance in balances] == ["7.5", "7.5"]


@pytest.mark.asyncio
async def test_what_it_hears_stops_the_run_before_anything_is_bought(tmp_path: Path) -> None:
    for status, cause in (
        ("401 x", Exit.CREDENTIALS),
        ("403 x", Exit.CREDENTIALS),
        ("402 x", Exit.CREDITS),
        ("404 x", Exit.SERVICE),
        ("405 x", Exit.SERVICE),
    ):
        folder = tmp_path / status[:3]
        folder.mkdir()
        lines, stop, balances = await asked(folder, http(b"{}", status))
        assert stop.stop is not None, status
        assert stop.stop.cause is cause, status
        assert lines[0] == "POST"
        assert lines.count("POST") == 1
        assert balances[0] is None, "nothing was bought, so nothing is compared"


@pytest.mark.asyncio
async def test_a_free_run_asks_nothing(tmp_path: Path) -> None:
    lines, stop, balances = await asked(tmp_path, http(b"{}", "401 x"), needed=False)
    assert (lines, stop.up, balances) == ([], False, [None, None])


@pytest.mark.asyncio
async def test_what_the_ledger_knows_is_taken_in_before_any_worker_is_asked_for(tmp_path: Path) -> None:
    """A large ledger takes seconds for it, in which nothing is sent: no time for the ramp to count."""

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            await connection.say(ACCOUNT if request.line.startswith("GET") else http(b"{}", "400 x"))

    ledger = await Ledger.open(str(tmp_path / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    stop = StopSign()
    async with (
        raw_server(script) as server,
        WireSession(Credentials("a", "b"), api_url=server.url) as session,
    ):
        spending = Spending(
            session=session,
            ledger=ledger,
            stop=stop,
            send=_no_send,
            free=False,
            limits=Limits(run=Decimal(3)),
        )
        preflight = Preflight(session=session, ledger=ledger, spending=spending, stop=stop, needed=True)
        assert names(spending) == []
        await preflight.once()
        assert names(spending) == ["--max-credits-per-run"]
    await ledger.close()
