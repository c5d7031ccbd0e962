"""What a fall of the balance proves about doubts, judged by an emulator whose balance is finite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pixian_batch.emulator.weather import Fault, FaultKind, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workspaces import Workspace

CHARGED, FREE = Fault(FaultKind.RESET_AFTER_CHARGE), Fault(FaultKind.RESET_BEFORE_CHARGE)


def after(workspace: Callable[..., Workspace], faults: list[Fault]) -> Workspace:
    """A workspace with one image in doubt for each fault. The first run teaches the price of their size."""
    home = workspace()
    home.add("first.png", *(f"{number}.png" for number in range(len(faults))), size=(400, 400))
    by_image = {home.digest(f"{number}.png"): (fault,) for number, fault in enumerate(faults)}
    made = workspace(weather=Weather(by_image=by_image), credits=Decimal(100))
    made.root = home.root
    assert made.do("run", str(made.photos / "first.png"), "--out", str(made.out), *made.common)[0] == 0
    assert made.run()[0] == (10 if faults else 0)
    return made


def reconcile(home: Workspace) -> tuple[int, str, str]:
    return home.do("reconcile", str(home.out), "--api-url", home.emulator.url)


@pytest.mark.parametrize(
    ("faults", "finding"),
    [
        ([FREE, FREE], "None of the images in doubt was charged"),
        ([CHARGED, CHARGED], "All of the images in doubt can have been charged"),
        ([CHARGED, FREE, FREE], "Some of the images in doubt were charged; the balance cannot tell which."),
    ],
)
def test_the_balance_proves_what_it_can(
    workspace: Callable[..., Workspace], faults: list[Fault], finding: str
) -> None:
    home = after(workspace, faults)
    requests = home.emulator.total
    code, out, err = reconcile(home)
    assert code == 0, err
    assert finding in out
    assert f"{len(faults)} in doubt" in out
    assert home.emulator.total == requests
    assert ("resolve" in out) == ("Some" not in out)


def test_a_refill_or_another_user_proves_nothing(workspace: Callable[..., Workspace]) -> None:
    home = after(workspace, [FREE])
    account = home.emulator.emulator.account
    account.start += 7
    assert "This proves nothing" in reconcile(home)[1]
    account.start -= 57
    assert "This proves nothing" in reconcile(home)[1]


def test_results_of_unknown_price_may_explain_it_as_well(workspace: Callable[..., Workspace]) -> None:
    home = after(workspace, [CHARGED])
    with closing(sqlite3.connect(home.out / ".pixian-batch" / "ledger.db")) as db, db:
        # As a run leaves it when neither its ledger nor its disk took the head of an answer.
        db.execute(
            "INSERT INTO attempt SELECT 99, run_id, image_id, sent_at, input, place, spool, at_most, 0 FROM attempt"
            " WHERE id = (SELECT max(id) FROM attempt)"
        )
        db.execute(
            "INSERT INTO verdict (attempt_id, at, verdict, message, seconds) VALUES (99, '', 'delivered', '', 1)"
        )
    assert "This proves nothing: 1 image of unknown price may have cost it." in reconcile(home)[1]


def test_the_address_may_be_a_variable(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = after(workspace, [FREE])
    monkeypatch.setenv("PIXIAN_BATCH_API_URL", home.emulator.url)
    code, out, err = home.do("reconcile", str(home.out))
    assert (code, err) == (0, "")
    assert "None of the images in doubt was charged" in out


def test_nothing_in_doubt_asks_nothing(workspace: Callable[..., Workspace]) -> None:
    home = after(workspace, [])
    code, out, _ = reconcile(home)
    assert (code, out) == (0, "nothing is in doubt: there is nothing to reconcile\n")


def test_what_a_person_settled_is_no_doubt_any_more(workspace: Callable[..., Workspace]) -> None:
    """An image that was taken for charged, and was, explains its part of the fall."""
    home = after(workspace, [CHARGED, FREE])
    listed = {item["input"].rpartition("/")[2]: item["attempt"] for item in home.status()["in_doubt"]}
    assert home.do("resolve", str(home.out), str(listed["0.png"]), "--charged")[0] == 0
    assert "None of the images in doubt was charged" in reconcile(home)[1]


def test_a_service_that_is_away_is_said(workspace: Callable[..., Workspace]) -> None:
    home = after(workspace, [CHARGED])
    code, out, err = home.do("reconcile", str(home.out), "--api-url", "http://127.0.0.1:9/api/v2")
    assert (code, out) == (7, "")
    assert "could not be asked" in err
