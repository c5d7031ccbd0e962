"""Before the first credit: one free request tells whether the credentials are good, for all who wait."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.wires import Connection, http, raw_server, refusing_port

from pixian_batch.adapters.ledger import Ledger
from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.contract.account import Credentials
from pixian_batch.pipeline.preflight import Preflight
from pixian_batch.pipeline.spending import Limits, Spending
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.progress import Message
from pixian_batch.policy.retry import RetryPolicy
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


def preflight_of(
    session: WireSession, ledger: Ledger, spending: Spending, stop: StopSign, **more: Any
) -> Preflight:
    told: list[Message] = more.pop("told", [])
    return Preflight(
        session=session,
        ledger=ledger,
        spending=spending,
        stop=stop,
        retry_policy=RetryPolicy(step=0.001, retries=more.pop("retries", 3)),
        notify=told.append,
        **{"local": False, "free": False, **more},
    )


async def asked(
    folder: Path, answer: bytes, *, local: bool = False, free: bool = False, silent: int = 0
) -> tuple[list[str], StopSign, list[object]]:
    """Ten images at once: the requests that were made, the stop sign, and the balances that were noted.

    silent: so many connections are closed without an answer first.
    """
    closed = 0

    async def script(connection: Connection) -> None:
        nonlocal closed
        while True:
            request = await connection.request()
            if closed < silent:
                closed += 1
                return
            await connection.say(ACCOUNT if request.line.startswith("GET") else answer)

    ledger = await Ledger.open(str(folder / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    stop = StopSign()
    async with (
        raw_server(script) as server,
        WireSession(Credentials("a", "b"), api_url=server.url) as session,
    ):
        spending = Spending(session=session, ledger=ledger, stop=stop, send=_no_send, free=local or free)
        preflight = preflight_of(session, ledger, spending, stop, local=local, free=local or free)
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
async def test_a_local_run_asks_nothing(tmp_path: Path) -> None:
    lines, stop, balances = await asked(tmp_path, http(b"{}", "401 x"), local=True)
    assert (lines, stop.up, balances) == ([], False, [None, None])


@pytest.mark.asyncio
async def test_a_free_run_asks_whether_somebody_is_there_and_no_more(tmp_path: Path) -> None:
    for status, up in (("400 x", False), ("402 x", False), ("401 x", True)):
        folder = tmp_path / status[:3]
        folder.mkdir()
        lines, stop, balances = await asked(folder, http(b"{}", status), free=True)
        assert (lines, stop.up, balances) == (["POST"], up, [None, None]), status


@pytest.mark.asyncio
async def test_a_service_that_answers_at_the_second_try_is_there(tmp_path: Path) -> None:
    lines, stop, _ = await asked(tmp_path, http(b"{}", "400 x"), silent=2)
    assert (lines, stop.up) == (["POST", "POST", "POST", "GET", "GET"], False)


@pytest.mark.asyncio
@pytest.mark.parametrize("retries", [0, 2])
async def test_when_nobody_is_reached_the_run_stops_and_names_host_and_cause(
    tmp_path: Path, retries: int
) -> None:
    ledger = await Ledger.open(str(tmp_path / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    stop, told = StopSign(), list[Message]()
    with refusing_port() as port:
        async with WireSession(Credentials("a", "b"), api_url=f"http://127.0.0.1:{port}") as session:
            spending = Spending(session=session, ledger=ledger, stop=stop, send=_no_send, free=False)
            preflight = preflight_of(session, ledger, spending, stop, told=told, retries=retries)
            await asyncio.gather(*(preflight.once() for _ in range(10)))
            await preflight.afterwards()
    await ledger.close()
    assert stop.stop is not None
    assert stop.stop.cause is Exit.SERVICE
    assert stop.stop.message == f"nothing was sent: 127.0.0.1:{port} does not answer: Connection refused"
    assert len(told) == (retries > 0), "once, where there is something to wait for"


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
        preflight = preflight_of(session, ledger, spending, stop)
        assert names(spending) == []
        await preflight.once()
        assert names(spending) == ["--max-credits-per-run"]
    await ledger.close()
