"""Spending: nothing more is bought than was allowed, and what a price is where nobody said one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest
from support import virtual
from support.records import answered, ended, key, sending
from support.wires import Connection, http, raw_server

from pixian_batch.adapters.ledger import Ledger
from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.job import Job, Send
from pixian_batch.pipeline.spending import Limits, Spending
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.budget import Budget, Limit
from pixian_batch.policy.reply import Reply
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

D = Decimal
JOB = Job("a.jpg", BytesSource(b"x", Kind.JPEG), key(), Params(), "a.png", 1000)


async def _no_send(_job: Job) -> Reply | None:
    raise AssertionError("sent")


def spending(
    limit: str = "10", *, wire: WireSession | None = None, free: bool = False, send: Send = _no_send
) -> Spending:
    """With one limit, and as if the ledger had been asked already."""
    made = Spending(
        session=wire or WireSession(Credentials("a", "b")),
        ledger=cast("Ledger", None),
        stop=StopSign(),
        send=send,
        free=free,
        budget=Budget((Limit("--max-credits", D(limit)),)),
    )
    made._opened = True
    return made


def charged(credits_: str | None, verdict: Verdict = Verdict.DELIVERED) -> Reply:
    headers = None if credits_ is None else answered(credits_).headers
    return Reply(verdict, headers=headers)


def test_it_waits_for_what_may_come_free_before_it_says_that_the_budget_is_used_up() -> None:
    async def main() -> None:
        mine = spending("10")
        assert await mine.reserve(D(6))
        second = asyncio.ensure_future(mine.reserve(D(6)))
        await asyncio.sleep(100)
        assert not second.done()
        assert not mine.stop.up
        mine.settle(D(6), charged("1"), 1000)
        assert await second
        third = asyncio.ensure_future(mine.reserve(D(6)))
        await asyncio.sleep(100)
        mine.settle(D(6), charged("6"), 1000)
        assert not await third
        assert mine.stop.stop is not None
        assert mine.stop.stop.cause is Exit.BUDGET
        assert "--max-credits" in mine.stop.stop.message

    virtual.run(main())


@pytest.mark.parametrize(
    ("reply", "spent"),
    [
        (charged("0.5"), "0.5"),
        (charged("0.5", Verdict.LOST), "0.5"),
        (charged(None, Verdict.IN_DOUBT), "6"),
        (charged(None, Verdict.LOST), "6"),
        (charged(None), "6"),
        (charged(None, Verdict.THROTTLED), "0"),
        (charged(None, Verdict.REFUSED), "0"),
        (charged(None, Verdict.NOT_SENT), "0"),
        (None, "0"),
    ],
)
def test_what_counts_against_the_budget(reply: Reply | None, spent: str) -> None:
    async def main() -> None:
        mine = spending("10")
        assert await mine.reserve(D(6))
        mine.settle(D(6), reply, 1000)
        assert mine.budget.reserved == 0
        assert mine.budget.limits[0].spent == D(spent)

    virtual.run(main())


def test_many_workers_never_exceed_the_budget() -> None:
    async def main() -> None:
        mine = spending("10")
        spent: list[Decimal] = []

        async def work(number: int) -> None:
            while await mine.reserve(D("0.7")):
                await asyncio.sleep(number)
                cost = D("0.1") * (number % 7 + 1)
                spent.append(cost)
                mine.settle(D("0.7"), charged(str(cost)), 1000)
                assert sum(spent) + mine.budget.reserved <= 10

        await asyncio.gather(*(work(number) for number in range(1, 20)))
        assert D("9.3") < sum(spent) <= 10
        assert mine.budget.reserved == 0

    virtual.run(main())


def test_a_free_run_neither_limits_nor_asks() -> None:
    async def main() -> None:
        mine = spending("0", free=True)
        assert await mine.at_most(JOB) == 0
        assert await mine.reserve(D(0))

    virtual.run(main())


@pytest.mark.asyncio
async def test_an_unknown_price_is_found_by_a_free_request_and_remembered() -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            busy = len(connection.server.heard) < 3
            said = http(b"", "429 x") if busy else http(headers="X-Credits-Calculated: 0.37\r\n")
            await connection.say(said)

    async with raw_server(script) as server, WireSession(Credentials("a", "b"), api_url=server.url) as wire:
        mine = spending(wire=wire)
        for _ in range(2):
            busy = await mine.at_most(JOB)
            assert isinstance(busy, Reply)
            assert busy.verdict is Verdict.THROTTLED, "the worker rests, as for the image itself"
        assert await mine.at_most(JOB) == D("0.37")
        assert await mine.at_most(JOB) == D("0.37")
        assert await mine.at_most(replace(JOB, pixels=10)) == D("0.37"), "a smaller one costs no more"
    assert len(server.heard) == 3
    for heard in server.heard:
        assert b'name="test"\r\n\r\ntrue' in heard.body, "a price is never asked for money"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "said", [http(), http(b"", "500 x"), http(b"", "401 x"), http(headers="X-Credits-Calculated: much\r\n")]
)
async def test_with_a_limit_nothing_is_bought_at_an_unknown_price(said: bytes) -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.say(said)

    async with raw_server(script) as server, WireSession(Credentials("a", "b"), api_url=server.url) as wire:
        unknown = await spending(wire=wire).at_most(JOB)
        assert isinstance(unknown, Reply)
        assert unknown.problem is not None
        assert "price" in unknown.problem.message
        assert unknown.verdict is not Verdict.DELIVERED
    assert len(server.heard) == 1


@pytest.mark.asyncio
async def test_what_the_ledger_knows_counts_from_the_first_image_on(tmp_path: Path) -> None:
    ledger = await Ledger.open(str(tmp_path / "ledger.db"))
    await ledger.begin_run(version="1", service="test")
    for attempt, at_most in ((1, D("0.25")), (2, D("0.75")), (3, None)):
        await ledger.sending(sending(attempt, pixels=1000 * attempt, at_most=at_most))
    await ledger.answered(1, answered("0.25"))
    for attempt in (2, 3):
        await ledger.ended(attempt, ended(Verdict.IN_DOUBT))
    asked: list[Decimal | None] = []

    async def send(job: Job) -> Reply:
        asked.append(job.at_most)
        return replace(charged("0.25"), attempt=4)

    mine = Spending(
        session=WireSession(Credentials("a", "b")),
        ledger=ledger,
        stop=StopSign(),
        send=send,
        free=False,
        limits=Limits(ever=D(2), run=D(1)),
        all_key_params=[""],
    )
    first, second = await asyncio.gather(mine(JOB), mine(JOB))
    await ledger.close()
    assert (first is None, second) == (False, None)
    assert asked == [D("0.25")], "the price that an image of this size has cost"
    ever, run = mine.budget.limits
    # Charged 0.25, in doubt 0.75, and 3,000 pixels of unknown price at the dearest rate: 0.75; then one of 0.25.
    assert (ever.spent, run.spent) == (D(2), D("0.25"))
    assert mine.stop.stop is not None
    assert mine.stop.stop.cause is Exit.BUDGET
