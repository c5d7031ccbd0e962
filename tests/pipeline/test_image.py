"""Claims and spending: what keeps two workers from buying the same, or more than was allowed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from support import virtual
from support.records import answered, key
from support.virtual import now
from support.wires import Connection, http, raw_server

from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.image import Claims
from pixian_batch.pipeline.job import Job, Reply
from pixian_batch.pipeline.spending import NoPrice, Spending
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.budget import Budget, Limit
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.verdict import Verdict

D = Decimal
JOB = Job("a.jpg", BytesSource(b"x", Kind.JPEG), key(), Params(), "a.png", 1000)


def test_one_image_is_in_one_hand_at_a_time() -> None:
    async def main() -> None:
        claims = Claims()
        holding: dict[int, int] = {1: 0, 2: 0}

        async def work(number: int) -> None:
            async with claims.hold(key(number)):
                holding[number] += 1
                assert holding[number] == 1
                try:
                    await asyncio.sleep(10)
                finally:
                    holding[number] -= 1

        impatient = [asyncio.ensure_future(work(1)) for _ in range(3)]
        tasks = [asyncio.ensure_future(work(1 + n % 2)) for n in range(6)]
        await asyncio.sleep(5)
        for task in impatient:
            task.cancel()
        await asyncio.gather(*tasks)
        assert now() == 35, "other images did not wait"
        assert claims == Claims(), "nothing is remembered of what is in no hand"

    virtual.run(main())


def spending(limit: str = "10", *, wire: WireSession | None = None, free: bool = False) -> Spending:
    return Spending(
        wire or WireSession(Credentials("a", "b")),
        StopSign(),
        free,
        Budget((Limit("--max-credits", D(limit)),)),
    )


def charged(credits_: str | None, verdict: Verdict = Verdict.DELIVERED) -> Reply:
    headers = None if credits_ is None else answered(credits_).headers
    return Reply(1, verdict, 0.0, headers=headers)


def test_the_purse_waits_for_what_may_come_free_before_it_says_that_it_is_empty() -> None:
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
            assert isinstance(busy, NoPrice)
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
        assert isinstance(unknown, NoPrice)
        assert "price" in unknown.problem.message
        assert unknown.verdict is not Verdict.DELIVERED
    assert len(server.heard) == 1
