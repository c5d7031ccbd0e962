"""Images in doubt are listed and settled; the next run sends exactly the settled ones."""

from __future__ import annotations

import json
import re
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
    assert (code, out) == (0, "settled 1 image in doubt: the next run sends it again\n")
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
    assert home.do("resolve", str(home.out))[1] == "nothing is in doubt or lost\n"


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


def lost(workspace: Callable[..., Workspace]) -> tuple[Workspace, dict[str, int]]:
    """One image of three in doubt, one lost with its charge known; their numbers by name."""
    home = workspace()
    home.add("done.png", "doubt.png", "lost.png")
    by_image = {home.digest("doubt.png"): (RESET,), home.digest("lost.png"): (Fault(FaultKind.CUT_BODY),)}
    stormy = workspace(weather=Weather(by_image=by_image))
    stormy.root = home.root
    assert stormy.run()[0] == 10
    status = stormy.status()
    items = [*status["in_doubt"], *status["lost"]]
    return stormy, {item["input"].rpartition("/")[2].removesuffix(".png"): item["attempt"] for item in items}


def test_in_doubt_and_lost_are_counted_and_named_alike_everywhere(
    workspace: Callable[..., Workspace],
) -> None:
    home, numbers = lost(workspace)
    assert set(numbers) == {"doubt", "lost"}
    status = home.status()
    assert [len(status["in_doubt"]), len(status["lost"])] == [1, 1]
    assert status["lost"][0]["credits_charged"] is not None
    code, out, err = home.run("--json")
    summary = json.loads(out.splitlines()[-1])
    assert (code, summary["in_doubt"], summary["lost"]) == (10, 1, 1)
    states = {item["input"].rpartition("/")[2]: item["state"] for item in summary["in_doubt_images"]}
    assert states == {"doubt.png": "in_doubt", "lost.png": "lost"}
    for page in (err, home.do("status", str(home.out))[1], home.do("resolve", str(home.out))[1]):
        assert "in_doubt" not in page.replace(str(home.root), "")
        assert re.search(r"(?m)doubt.png, sent \S+, in doubt|in doubt: \S+doubt.png", page), page
        assert re.search(r"(?m)lost.png, sent \S+, lost|lost: \S+lost.png", page), page
    assert "decide about 1 image in doubt and 1 lost: charged or not" in err
    assert "of earlier runs: 1 image in doubt and 1 image lost, charged or not:" in err
    assert re.search(r"(?m)^in doubt +1$", home.do("status", str(home.out))[1])
    assert re.search(r"(?m)^lost +1$", home.do("status", str(home.out))[1])
    assert home.do("doctor", "--out", str(home.out), "--local")[1].count("1 image in doubt and 1 lost") == 1


def test_what_the_service_said_it_has_charged_cannot_be_called_not_charged(
    workspace: Callable[..., Workspace],
) -> None:
    home, numbers = lost(workspace)
    for which in ([str(numbers["lost"])], ["--all"]):
        code, out, err = home.do("resolve", str(home.out), *which, "--not-charged")
        assert (code, out) == (2, "")
        first, *steps = err.splitlines()
        assert re.fullmatch(
            rf"error: #{numbers['lost']} \S+lost.png was charged: the service said \S+ credits; nothing was settled",
            first,
        ), first
        assert steps[0] == f"  pixian-batch resolve {home.out} {numbers['lost']} --charged"
        assert len(home.status()["lost"]) == len(home.status()["in_doubt"]) == 1
    assert steps[1] == f"  pixian-batch resolve {home.out} {numbers['doubt']} --not-charged"
    for step in steps:  # they can be copied as they are
        assert home.do(*step.split()[1:])[0] == 0
    assert home.do("resolve", str(home.out))[1] == "nothing is in doubt or lost\n"


def test_wrong_numbers_get_advice_that_works(workspace: Callable[..., Workspace]) -> None:
    home, numbers = lost(workspace)
    valid = ", ".join(map(str, sorted(numbers.values())))
    code, out, err = home.do("resolve", str(home.out), "99", str(numbers["doubt"]), "--charged")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "error: 99 waits for no decision: nothing was settled",
        f"  those that do: {valid}",
        f"  list them with: pixian-batch resolve {home.out}",
    ]
    assert home.do(*err.splitlines()[-1].partition("pixian-batch ")[2].split())[0] == 0
    home.do("resolve", str(home.out), "--all", "--charged")
    err = home.do("resolve", str(home.out), "99", "--charged")[2]
    assert err.endswith("  nothing is in doubt or lost: there is nothing to settle\n")


def test_half_a_decision_is_refused(workspace: Callable[..., Workspace]) -> None:
    home = doubtful(workspace, ["a.png", "b.png"], 1)
    for arguments in (
        ["--charged", "--not-charged", "--all"],
        ["--charged"],
        ["--all"],
        ["2"],
        ["999", "--charged"],
        ["2", "--all", "--charged"],
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
