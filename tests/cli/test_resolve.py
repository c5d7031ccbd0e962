"""Images in doubt are listed and settled; the next run sends exactly the settled ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pixian_batch.emulator.weather import Fault, FaultKind, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workspaces import Workspace

RESET = Fault(FaultKind.RESET_AFTER_CHARGE)


def doubtful(workspace: Callable[..., Workspace], names: list[str], doubts: int) -> Workspace:
    """A workspace after a run in which the last `doubts` images were charged and never answered."""
    made = workspace()
    made.add(*names)
    by_image = {made.digest(name): (RESET,) for name in names[-doubts:]}
    other = workspace(weather=Weather(by_image=by_image))
    other.root = made.root
    code, _, err = other.run()
    assert code == 10, err
    return other


def test_all_are_listed_with_a_number_and_the_most_they_can_cost(workspace: Callable[..., Workspace]) -> None:
    home = doubtful(workspace, ["a.png", "b.png", "odd ä\u202e[red]\x1b[31m.png"], 2)
    code, out, _ = home.do("resolve", str(home.out))
    assert code == 0
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert f"pixian-batch reconcile {home.out}" in out
    lines = [line for line in out.splitlines() if line.startswith("#")]
    assert len(lines) == 2
    code, out, _ = home.do("resolve", str(home.out), "--json")
    listed = [json.loads(line) for line in out.splitlines()]
    assert [item["state"] for item in listed] == ["in_doubt", "in_doubt"]
    assert all(f"#{item['attempt']} " in line for item, line in zip(listed, lines, strict=True))
    assert [item["attempt"] for item in home.status()["in_doubt"]] == [item["attempt"] for item in listed]


@pytest.mark.parametrize("how", ["--charged", "--not-charged"])
def test_one_by_number_is_sent_again_and_no_other(workspace: Callable[..., Workspace], how: str) -> None:
    home = doubtful(workspace, ["a.png", "b.png", "c.png", "d.png"], 3)
    held = {item["input"].rpartition("/")[2]: item["attempt"] for item in home.status()["in_doubt"]}
    assert set(held) == {"b.png", "c.png", "d.png"}
    code, out, _ = home.do("resolve", str(home.out), str(held["c.png"]), how)
    assert (code, out) == (0, "settled 1: the next run sends them again\n")
    before = home.emulator.requests
    assert home.run()[0] == 10
    after = home.emulator.requests
    assert {digest for digest in after if after[digest] != before[digest]} == {home.digest("c.png")}
    assert {item["input"].rpartition("/")[2] for item in home.status()["in_doubt"]} == {"b.png", "d.png"}


@pytest.mark.parametrize("how", ["--charged", "--not-charged"])
def test_all_are_sent_again(workspace: Callable[..., Workspace], how: str) -> None:
    home = doubtful(workspace, ["a.png", "b.png", "c.png"], 2)
    assert home.do("resolve", str(home.out), "--all", how)[0] == 0
    before = home.emulator.requests
    assert home.run()[0] == 0
    again = {digest for digest, number in home.emulator.requests.items() if number != before[digest]}
    assert again == {home.digest("b.png"), home.digest("c.png")}
    assert home.do("resolve", str(home.out))[1] == "nothing is in doubt\n"


def test_charged_counts_against_the_budget_and_not_charged_does_not(
    workspace: Callable[..., Workspace],
) -> None:
    counted = []
    for how in ("--charged", "--not-charged"):
        home = workspace()
        home.add("first.png", "second.png", size=(900, 900))
        by_image = {home.digest("second.png"): (RESET,)}
        (home.photos / "second.png").rename(home.root / "later.png")
        stormy = workspace(weather=Weather(by_image=by_image))
        stormy.root = home.root
        assert stormy.run()[0] == 0  # from now on the price of this size is known
        (home.root / "later.png").rename(home.photos / "second.png")
        assert stormy.run()[0] == 10
        stormy.do("resolve", str(stormy.out), "--all", how)
        counted.append(stormy.status()["credits_in_doubt"])
    assert counted[0] != "0"
    assert counted[1] == "0"


def test_half_a_decision_is_refused(workspace: Callable[..., Workspace]) -> None:
    home = doubtful(workspace, ["a.png", "b.png"], 1)
    for arguments in (
        ["--charged", "--not-charged", "--all"],
        ["--charged"],
        ["--all"],
        ["2"],
        ["999", "--charged"],
    ):
        code, out, err = home.do("resolve", str(home.out), *arguments)
        assert (code, out) == (2, ""), arguments
        assert err
    assert len(home.status()["in_doubt"]) == 1


def test_a_folder_without_a_ledger_is_left_without_one(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.out.mkdir(parents=True)
    for command in ("resolve", "status", "reconcile"):
        code, _, err = home.do(command, str(home.out))
        assert code == 2
        assert "no ledger" in err
    assert home.do("resolve", str(home.out), "--all", "--charged")[0] == 2
    assert list(home.out.iterdir()) == []
