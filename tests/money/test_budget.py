"""Limits on credits hold whatever the workers do, by the emulator's bill."""

from __future__ import annotations

import json
import signal
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.sandboxes import Sandbox, png, until_bill

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET, IN_DOUBT, SERVICE, CREDENTIALS = 6, 10, 7, 4
STEEP = 'price = {base = "0.05", per_megapixel = "40"}\n'
"""A price at which small pictures of different sizes cost very different amounts: 0.05 to 4.15."""


def mixed(home: Sandbox, count: int) -> None:
    """Photos of many sizes, in no order of size."""
    for number in range(count):
        side = 8 + number * 37 % 300
        (home.photos / f"{number:04}.png").write_bytes(png(number, side, side))


@pytest.mark.parametrize("option", ["--max-credits", "--max-credits-per-run", "--max-credits-per-day"])
def test_never_exceeded_by_a_hundred_workers_with_unknown_prices(
    sandbox: Callable[..., Sandbox], option: str
) -> None:
    home = sandbox(STEEP + "weather.latency = {median = 0.05, sigma = 0.5}")
    mixed(home, 120)
    outcome = home.run(option, "20", workers=100)
    bill = home.emulator.bill()
    assert outcome.code == BUDGET, outcome.stderr
    assert bill.charged <= 20
    assert bill.charged > 10, "it stopped long before it had to"
    assert outcome.summary["failed"] == 0
    assert home.charged() == bill.charged


def test_counts_across_runs_and_goes_on_with_a_larger_one(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox(STEEP)
    mixed(home, 60)
    for limit in (5, 5, 12, 30):
        assert home.run("--max-credits", str(limit), workers=20).code == BUDGET
        assert home.emulator.bill().charged <= limit
    assert home.run(workers=20).code == 0
    bill = home.emulator.bill()
    assert (bill.totals["charges"], bill.most_charges) == (60, 1)


def test_what_is_in_doubt_counts(sandbox: Callable[..., Sandbox]) -> None:
    """Killed and held attempts may have been charged: a later run's limit must leave room for them."""
    storm = 'weather.chances = [{fault = "reset_after_charge", probability = 0.3}]'
    home = sandbox(STEEP + storm)
    mixed(home, 60)
    outcome = home.run("--max-credits", "10", workers=20)
    assert outcome.code == BUDGET
    assert home.emulator.bill().charged <= 10
    for passage in (3, 6):
        home.run("--max-credits", "15", workers=20, kill=["upload_after_tail", passage])
        assert home.emulator.bill().charged <= 15
    home.run("--max-credits", "25", "--in-doubt", "resend", workers=20)
    assert home.emulator.bill().charged <= 25


def test_a_doubt_of_unknown_price_counts_as_soon_as_a_price_is_known(sandbox: Callable[..., Sandbox]) -> None:
    """A run without a limit asks for no price before it sends; what was in flight then was charged all the same."""
    script = ["fair", *["stall_before_answer"] * 8]  # charged, and no answer comes that could name a price
    home = sandbox(f'price = {{base = "1", per_megapixel = "0"}}\nweather.script = {json.dumps(script)}')
    home.add(20)
    run = home.begin(workers=8)
    until_bill(home, lambda bill: bill.totals["charges"] == 8)
    run.send(signal.SIGKILL)
    run.wait()
    outcome = home.run("--max-credits", "10", workers=8)
    assert outcome.code == BUDGET
    assert home.emulator.bill().charged <= 10


def test_nothing_may_be_spent(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(3)
    assert home.run("--max-credits", "0").code == BUDGET
    assert home.emulator.bill().charged == 0


def test_exactly_enough_is_enough(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox('price = {base = "0.10", per_megapixel = "0"}')
    home.add(10)
    assert home.run("--max-credits", "1.0", workers=10).code == 0
    assert home.emulator.bill().charged == Decimal("1.00")


def test_a_service_that_names_no_price_buys_nothing(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox('weather.chances = [{fault = "header_missing:X-Credits-Calculated", every = 1}]')
    home.add(3)
    outcome = home.run("--max-credits", "5")
    assert outcome.code == 3, outcome.stderr
    assert {image["error"]["code"] for image in outcome.images} == {"no_price"}
    assert home.emulator.bill().totals["charges"] == 0


def test_asking_for_prices_stops_with_the_service(sandbox: Callable[..., Sandbox]) -> None:
    """A service that is down while prices are asked for is the service's trouble, not each image's."""
    home = sandbox('weather.chances = [{fault = "error_500", every = 1}]')
    home.add(300)
    outcome = home.run("--max-credits", "5", "--give-up-after", "500ms", probe_interval=0.1)
    assert outcome.code == SERVICE, outcome.stderr
    assert home.emulator.bill().requests < 60


def test_asking_for_prices_with_credentials_that_stopped_working(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox("weather.unauthorized_from = 2")
    home.add(50)
    outcome = home.run("--max-credits", "5")
    assert outcome.code == CREDENTIALS, outcome.stderr
    assert outcome.summary["failed"] == 0
    assert home.emulator.bill().requests < 10
