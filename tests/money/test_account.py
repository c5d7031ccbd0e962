"""Every credit is in the account, also when the ledger could not be written; else its upper bound is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.kill_points import HEAD_POINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.forks import Outcome
    from support.sandboxes import Sandbox

DISK, BUDGET, KILLED = 8, 6, -9
COUNT, WORKERS = 12, 4


def stopped(home: Sandbox, *options: str, count: int = COUNT, **request: Any) -> tuple[Outcome, int]:
    """A run whose ledger takes nothing from the first answer on, and how many images it bought."""
    home.add(count)
    outcome = home.run(*options, workers=WORKERS, full_after_sending=True, **request)
    return outcome, home.emulator.bill().totals["charges"]


def status(home: Sandbox) -> dict[str, Any]:
    outcome = home.fork_server.ask(run=["status", str(home.out), "--json"]).wait()
    report: dict[str, Any] = json.loads(outcome.stdout)
    return report


@pytest.mark.parametrize("options", [[], ["--via-delta"]])
def test_what_a_dead_ledger_did_not_take_is_in_the_account(
    sandbox: Callable[..., Sandbox], options: list[str]
) -> None:
    home = sandbox()
    full, bought = stopped(home, *options)
    assert full.code == DISK
    assert 0 < bought < COUNT
    assert Decimal(full.summary["credits_charged"]) == home.emulator.bill().charged
    again = home.run(*options)
    assert again.code == 0, again.stderr
    assert again.summary["repaired"] == bought
    assert again.summary["credits_unknown"] == status(home)["credits_unknown"] == 0
    assert home.charged() == Decimal(again.summary["credits_ever"]) == home.emulator.bill().charged
    assert len(home.results()) == COUNT
    assert home.strays() == []


def test_a_result_that_waits_asks_for_no_decision(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    full, bought = stopped(home)
    assert full.summary["kept"] == bought == full.statuses()["kept"]
    assert full.summary["in_doubt"] == full.summary["lost"] == 0
    assert "the next run finishes them for free" in full.stderr
    assert "decide about" not in full.stderr
    assert "in doubt" not in full.stderr


def test_credits_that_could_be_kept_nowhere_count_as_their_upper_bound(
    sandbox: Callable[..., Sandbox],
) -> None:
    home = sandbox()
    home.add(2, first=COUNT)
    assert home.run().code == 0  # so that a price is known
    full, charges = stopped(home, no_heads=True)
    bought = charges - 2
    assert full.code == DISK
    again = home.run()
    assert again.code == 0, again.stderr
    bill, price = home.emulator.bill(), Decimal("0.05")
    assert bill.most_charges == 1
    assert again.summary["repaired"] == again.summary["credits_unknown"] == bought
    assert Decimal(again.summary["credits_in_doubt"]) == bought * price
    assert home.charged() == bill.charged - bought * price
    report = status(home)
    assert report["credits_unknown"] == bought
    assert Decimal(report["credits_charged"]) + Decimal(report["credits_in_doubt"]) == bill.charged
    home.add(1, first=99)
    assert home.run("--max-credits", f"{bill.charged}").code == BUDGET
    assert home.emulator.bill().charged == bill.charged


def test_an_unknown_price_without_a_bound_is_named(sandbox: Callable[..., Sandbox]) -> None:
    """The very first images: nothing is known of any price when they are sent."""
    home = sandbox()
    _full, bought = stopped(home, no_heads=True)
    again = home.run()
    assert again.summary["credits_unknown"] == bought > 0
    plain = home.fork_server.ask(run=["status", str(home.out)]).wait()
    assert f"the unknown cost of {bought} images" in plain.stdout
    # As soon as there is a price, they count against a limit at that price.
    home.add(1, first=99)
    assert home.run("--max-credits", f"{home.emulator.bill().charged}").code == BUDGET


@pytest.mark.parametrize("point", HEAD_POINTS)
def test_a_kill_around_a_head_costs_nothing_twice(sandbox: Callable[..., Sandbox], point: str) -> None:
    home = sandbox()
    killed_first = point.endswith("kept")
    home.add(COUNT)
    first = home.run(workers=WORKERS, full_after_sending=True, kill=[point, 2] if killed_first else None)
    assert first.code == (KILLED if killed_first else DISK)
    if not killed_first:
        assert home.run(workers=WORKERS, kill=[point, 1]).code == KILLED
    again = home.run(workers=WORKERS)
    bill, undecided = home.emulator.bill(), home.undecided()
    assert again.code == (10 if undecided else 0), again.stderr
    assert bill.most_charges == bill.most_delivered == 1
    hidden = [name for name, state in undecided.items() if state == "in_doubt"]
    assert len(undecided) <= (WORKERS if killed_first else 0)
    assert home.charged() == bill.charged - sum(bill.charged_for(home.digests()[name]) for name in hidden)
    assert again.summary["credits_unknown"] == 0
    assert home.strays() == []


@pytest.mark.parametrize("point", ["before_answered_written", "after_answered_written", "after_verdict"])
def test_the_recovery_of_a_head_may_be_killed(sandbox: Callable[..., Sandbox], point: str) -> None:
    home = sandbox()
    _full, bought = stopped(home)
    assert home.run(workers=WORKERS, kill=[point, 1]).code == KILLED
    again = home.run(workers=WORKERS)
    assert again.code == 0, again.stderr
    assert home.charged() == home.emulator.bill().charged
    assert home.emulator.bill().totals["charges"] == COUNT
    assert 0 < bought < COUNT
    assert home.strays() == []
