"""Every fault of the emulator's weather under each policy for doubt: the class by DESIGN's table, by the bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pixian_batch.contract.headers import CREDITS_CHARGED
from pixian_batch.emulator.weather import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.sandboxes import Sandbox


@dataclass(frozen=True)
class Expected:
    """What becomes of an image whose first request meets a fault, and which is fair weather after.

    held: its status under `hold`; charges: results made for it under `hold`; resent: under `resend`.
    """

    held: str
    charges: int
    resent: int = 1
    code: int = 0


DONE = Expected("done", 1)
DOUBT_UNCHARGED = Expected("in_doubt", 0, 1, 10)
DOUBT_CHARGED = Expected("in_doubt", 1, 2, 10)
LOST_CHARGED = Expected("lost", 1, 2, 10)

TABLE = {
    "slow_down": DONE,
    "slow_down_bare": DONE,
    "redirect_same": DONE,
    "redirect_other": DONE,
    "redirect_other_307": DONE,
    "error_500": DONE,
    "error_502_html": DONE,
    "error_503": DONE,
    "html_500": DONE,
    "html_200": Expected("lost", 0, 1, 10),
    # Small uploads are out in one piece, before the reset is seen: they may have been complete.
    "reset_before_read": DOUBT_UNCHARGED,
    "reset_before_charge": DOUBT_UNCHARGED,
    "stall_before_charge": DOUBT_UNCHARGED,
    "reset_after_charge": DOUBT_CHARGED,
    "stall_before_answer": DOUBT_CHARGED,
    "stall_in_body": LOST_CHARGED,
    "cut_body": LOST_CHARGED,
    "garbage": LOST_CHARGED,
    f"header_missing:{CREDITS_CHARGED}": DONE,
    f"header_wrong:{CREDITS_CHARGED}": DONE,
    "wrong_type": DONE,
    "unauthorized": Expected("", 0, 0, 4),
    "out_of_credits": Expected("", 0, 0, 5),
}


CASES = [
    # The emulator's 503 asks for a rest of 5 s.
    pytest.param(fault, expected, id=fault, marks=[pytest.mark.slow] if fault == "error_503" else [])
    for fault, expected in TABLE.items()
]


def test_the_table_is_complete() -> None:
    assert {name.partition(":")[0] for name in TABLE} == {kind.value for kind in FaultKind}


def patience(fault: str) -> list[str]:
    """Only what waits for a stall to end waits for a short time: a busy machine is no fault."""
    return ["--idle-timeout", "1s"] if fault.startswith("stall") else []


def stormy(sandbox: Callable[..., Sandbox], fault: str) -> Sandbox:
    """A sandbox with one image, whose first request (after the free look at the credentials) meets `fault`."""
    home = sandbox(f"weather.script = {['fair', fault]!r}".replace("'", '"'))
    home.add(1)
    return home


@pytest.mark.parametrize(("fault", "expected"), CASES)
def test_hold(sandbox: Callable[..., Sandbox], fault: str, expected: Expected) -> None:
    home = stormy(sandbox, fault)
    outcome = home.run(*patience(fault))
    if fault == "reset_before_read" and outcome.code == 0:
        expected = DONE  # the reset was seen before the upload was out: not sent, and free to send again
    assert outcome.code == expected.code, outcome.stderr
    assert list(outcome.statuses()) == [expected.held] * bool(expected.held)
    bill = home.emulator.bill()
    assert bill.totals["charges"] == expected.charges
    assert len(home.results()) == (expected.held == "done")
    assert (home.undecided() != {}) == (expected.code == 10)
    # Held means held: further runs send nothing. Halted means: it is simply new.
    again = home.run()
    if expected.held in {"in_doubt", "lost"}:
        assert again.code == 10
        assert home.emulator.bill().payload == bill.payload
    else:
        assert again.code == 0
        assert home.emulator.bill().totals["charges"] == 1


@pytest.mark.parametrize(("fault", "expected"), CASES)
def test_resend(sandbox: Callable[..., Sandbox], fault: str, expected: Expected) -> None:
    home = stormy(sandbox, fault)
    outcome = home.run("--in-doubt", "resend", *patience(fault))
    assert outcome.code == (expected.code if expected.code in {4, 5} else 0), outcome.stderr
    assert home.emulator.bill().totals["charges"] == expected.resent
    assert home.undecided() == {}


@pytest.mark.parametrize(("fault", "expected"), CASES)
def test_free_requests_are_simply_sent_again(
    sandbox: Callable[..., Sandbox], fault: str, expected: Expected
) -> None:
    home = stormy(sandbox, fault)
    outcome = home.run("--test", *patience(fault))
    assert outcome.code == (expected.code if expected.code in {4, 5} else 0), outcome.stderr
    assert home.emulator.bill().charged == 0
    assert home.emulator.bill().totals["charges"] == 0
    assert outcome.summary["done"] == (outcome.code == 0)


@pytest.mark.parametrize("fault", ["stall_before_answer", "garbage", "error_500"])
def test_a_free_image_that_never_comes_has_failed_and_is_no_doubt(
    sandbox: Callable[..., Sandbox], fault: str
) -> None:
    home = sandbox(f'weather.chances = [{{fault = "{fault}", every = 1}}]')
    home.add(2)
    outcome = home.run("--test", "--retries", "1", "--idle-timeout", "300ms")
    assert outcome.code == 3, outcome.stdout
    assert outcome.summary["failed"] == 2
    assert outcome.summary["in_doubt"] == outcome.summary["lost"] == 0


def test_free_doubts_are_no_doubts_of_a_paid_run(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox('weather.script = ["fair", "stall_before_answer", "stall_before_answer"]')
    home.add(1)
    assert home.run("--test", "--retries", "1", *patience("stall_before_answer")).code == 3
    outcome = home.run()
    assert outcome.code == 0, outcome.stderr
    assert outcome.summary["in_doubt_images"] == []
    assert "resolve" not in outcome.stderr


@pytest.mark.parametrize("fault", ["stall_before_answer", "cut_body"])
def test_resend_gives_up_and_every_attempt_counts(sandbox: Callable[..., Sandbox], fault: str) -> None:
    """A doubt that resending does not settle is still a doubt, with all its attempts in the ledger."""
    home = sandbox(f'weather.chances = [{{fault = "{fault}", every = 1}}]')
    home.add(1)
    options = ["--in-doubt", "resend", "--retries", "2", *patience(fault)]
    outcome = home.run(*options)
    assert outcome.code == 10, outcome.stderr
    assert home.emulator.bill().totals["charges"] == 3
    assert len(home.ask("SELECT 1 FROM attempt")) == 3


def test_a_doubt_is_sent_again_in_a_later_run_when_asked(sandbox: Callable[..., Sandbox]) -> None:
    home = stormy(sandbox, "reset_after_charge")
    assert home.run().code == 10
    assert home.run("--in-doubt", "resend").code == 0
    assert home.emulator.bill().totals["charges"] == 2
    assert home.undecided() == {}
