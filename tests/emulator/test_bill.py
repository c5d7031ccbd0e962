"""The emulator's own bill: what it counts, what it shows, and that its file survives a kill."""

from __future__ import annotations

import asyncio
import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.emulator_lab import lab, picture

from pixian_batch.contract.account import read_account
from pixian_batch.emulator.server import Emulator
from pixian_batch.emulator.settings import EmulatorSettings, EngineName
from pixian_batch.emulator.weather import Latency, Weather

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator_lab import Lab


def test_arrivals_are_dated_by_the_clock_that_the_emulator_is_handed() -> None:
    moments = iter([1_000_000_000.5, 1_000_000_001.0])
    bill = Emulator(EmulatorSettings(engine=EngineName.CANNED), now=lambda: next(moments)).bill
    assert [bill.arrive().time, bill.arrive().time] == [1_000_000_000.5, 1_000_000_001.0]
    assert [arrival["time"] for arrival in bill.as_json(arrivals=9)["arrivals"]] == [
        1_000_000_000.5,
        1_000_000_001.0,
    ]


@pytest.mark.asyncio
async def test_a_delivered_result_is_on_the_bill_under_its_hash() -> None:
    data = picture()
    async with lab() as here:
        await here.post(data)
        await here.post(data, {"test": "true"})
        bill = await here.bill("?entries=5&arrivals=5")
    account = bill["images"][hashlib.sha256(data).hexdigest()]
    assert account == {"requests": 2, "charges": 1, "charged": "0.05", "delivered": 2, "tests": 1}
    assert bill["totals"]["by_status"] == {"200": 2}
    assert (bill["totals"]["charged"], bill["totals"]["calculated"]) == ("0.05", "0.05")
    assert [entry["params"] for entry in bill["entries"]] == [
        "output.format=png",
        "test=true;output.format=png",
    ]
    assert [arrival["at_once"] for arrival in bill["arrivals"]] == [1, 1]


@pytest.mark.asyncio
async def test_the_bill_can_be_reset_and_shown_without_images() -> None:
    async with lab() as here:
        await here.post(picture())
        assert "images" not in await here.bill("?images=false")
        assert (await here.ask("DELETE", here.emulator.origin + "/emulator/bill")).status == 200
        assert (await here.bill())["totals"]["requests"] == 0


@pytest.mark.asyncio
async def test_most_at_once_is_counted() -> None:
    async with lab(weather=Weather(latency=Latency(0.2))) as here:
        await asyncio.gather(*(here.post(picture(shade=shade)) for shade in range(7)))
        totals = (await here.bill())["totals"]
        assert (totals["most_at_once"], totals["at_once"]) == (7, 0)


@pytest.mark.asyncio
async def test_the_bill_file_survives_a_kill_and_is_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "bills" / "bill.jsonl"
    async with lab(bill_file=file) as here:
        await here.post(picture())
        await here.post(picture(), {"test": "true"})
        await here.post(b"nonsense")
        before = here.emulator.bill.as_json()
        # Already readable while the emulator runs: a kill -9 now would lose none of it.
        assert file.read_text(encoding="utf-8").count('"event": "charge"') == 2
    with file.open("a") as out:
        out.write('{"event": "charge", "numb')  # what a crash leaves behind
    async with lab(bill_file=file) as here:
        again = here.emulator.bill.as_json()
        assert again["images"] == before["images"]
        for name in ("requests", "charges", "charged", "calculated", "delivered", "tests", "by_status"):
            assert again["totals"][name] == before["totals"][name]
        await here.post(picture(shade=5))
    async with lab(bill_file=file) as here:
        assert here.emulator.bill.totals.requests == 4
        assert here.emulator.bill.totals.charges == 2


@pytest.mark.asyncio
async def test_the_balance_falls_with_the_bill_and_goes_on_with_its_file(tmp_path: Path) -> None:
    async def balance(here: Lab) -> Decimal:
        account = read_account((await here.ask("GET", here.emulator.url + "/account")).body)
        assert account.credits is not None
        return account.credits

    start, file = Decimal("0.16"), tmp_path / "bill.jsonl"
    async with lab(bill_file=file, credits=start) as here:
        assert await balance(here) == start
        await here.post(picture())
        await here.post(picture(), {"test": "true"})
        assert await balance(here) == start - here.emulator.bill.totals.charged == Decimal("0.11")
    async with lab(bill_file=file, credits=start) as here:
        assert await balance(here) == Decimal("0.11")
        await asyncio.gather(*(here.post(picture(shade=shade)) for shade in range(1, 6)))
        assert here.emulator.bill.totals.by_status == {"200": 4, "402": 3}
        assert await balance(here) == Decimal("0.01"), "nothing is charged that is not there"
        await here.ask("DELETE", here.emulator.origin + "/emulator/bill")
        assert await balance(here) == start


@pytest.mark.asyncio
async def test_an_account_that_nobody_spoke_of_falls_as_well() -> None:
    async with lab() as here:
        before = here.emulator.account.as_json()["credits"]
        await here.post(picture())
        assert Decimal(str(before)) - Decimal(str(here.emulator.account.as_json()["credits"])) == Decimal(
            "0.05"
        )
