"""Judged by the bill: whichever page of a ledger is lost, nothing that was bought or is in doubt is sent again."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pixian_batch.emulator.weather import Chance, Fault, FaultKind, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workspaces import Workspace

PAGE = 4096
STORMY = Weather(
    chances=(
        Chance(Fault(FaultKind.RESET_AFTER_CHARGE), every=9),
        Chance(Fault(FaultKind.CUT_BODY), every=13),
    )
)


@pytest.mark.parametrize("turn", range(3))
def test_any_lost_page_stops_one_run_and_costs_nothing(
    workspace: Callable[..., Workspace], turn: int
) -> None:
    home = workspace(weather=STORMY)
    home.add(*(f"{number % 3}/{number:02}.png" for number in range(60)))
    assert home.run("--concurrency-start", "8")[0] == 10
    bought = home.emulator.requests
    doubts = len(home.status()["in_doubt"])
    assert doubts > 3
    kept = home.root / "kept"
    shutil.move(home.out, kept)
    pages = os.path.getsize(kept / ".pixian-batch" / "ledger.db") // PAGE
    stopped = 0
    for page in range(turn, pages, 3):
        shutil.rmtree(home.out, ignore_errors=True)
        shutil.copytree(kept, home.out)
        with open(home.ledger, "r+b") as stream:
            stream.seek(page * PAGE)
            stream.write(bytes(PAGE))
        code, _, err = home.run()
        assert code in {8, 10}, err  # 10: the page held nothing, and nothing is amiss
        stopped += code == 8
        assert home.run()[0] == 10
        assert home.emulator.requests == bought, page
        assert len(home.status()["in_doubt"]) >= doubts, page
    assert stopped > 2


def test_a_ledger_of_which_nothing_is_left_costs_only_what_has_no_result(
    workspace: Callable[..., Workspace],
) -> None:
    home = workspace()
    home.add(*(f"{number}.png" for number in range(10)))
    assert home.run()[0] == 0
    bought = home.emulator.requests
    with open(home.ledger, "r+b") as stream:
        stream.write(bytes(os.path.getsize(home.ledger)))
    os.unlink(home.out / "3.png")
    code, _, err = home.run()
    assert code == 8
    assert "nothing in it could be read" in err
    assert home.emulator.requests == bought
    assert home.run()[0] == 0
    again = {digest for digest, number in home.emulator.requests.items() if number != bought[digest]}
    assert again == {home.digest("3.png")}


def test_every_command_gives_the_same_advice_and_the_run_keeps_it(
    workspace: Callable[..., Workspace],
) -> None:
    """The ledger's own words, whoever opens it: the next run saves, sets aside, and stops to say so."""
    home = workspace()
    home.add("a.png", "b.png")
    assert home.run()[0] == 0
    with open(home.ledger, "r+b") as stream:
        stream.seek(PAGE)
        stream.write(bytes(os.path.getsize(home.ledger) - PAGE))
    out, url = str(home.out), home.common[:2]
    commands = {
        "status": ("status", out),
        "resolve": ("resolve", out),
        "resolve --all": ("resolve", out, "--all", "--charged"),
        "reconcile": ("reconcile", out),
        "plan": ("plan", str(home.photos), "--out", out, *url),
        "run --only-failed": ("run", str(home.photos), "--out", out, *home.common, "--only-failed"),
        "doctor": ("doctor", "--local", "--out", out),
    }
    advice = {}
    for name, words in commands.items():
        code, text, wrong = home.do(*words)
        assert code == 8, (name, text, wrong)
        lines = (wrong or text.split(" ledger ", 1)[1]).splitlines()
        assert "damaged" in lines[0], (name, lines)
        advice[name] = lines[1].strip().removeprefix("-> ")
    assert set(advice.values()) == {
        "leave it as it is: the next run saves what can be read, sets the damaged file aside, and stops to say so"
    }, advice
    code, _, wrong = home.run()
    assert code == 8
    aside = wrong.split("the damaged one is kept as ", 1)[1].split()[0]
    assert os.path.getsize(aside) > PAGE
    assert "saved" in wrong or "nothing in it could be read" in wrong
    assert "run the same command again to go on" in wrong
    assert home.run()[0] == 0, "and the results that stand were not bought again"
    assert set(home.emulator.requests.values()) == {1}


def test_no_command_promises_to_repair_somebody_elses_file(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    theirs = home.root / "photo.jpg"
    theirs.write_bytes(b"\xff\xd8\xff\xe0photo" * 1000)
    before = theirs.read_bytes()
    for words in (
        ("status", str(home.out)),
        ("resolve", str(home.out), "--all", "--charged"),
        ("plan", str(home.photos), "--out", str(home.out), *home.common[:2]),
        ("run", str(home.photos), "--out", str(home.out), *home.common),
    ):
        code, _, wrong = home.do(*words, "--ledger", str(theirs))
        assert code == 8, words
        assert "is not a pixian-batch ledger: it was not touched" in wrong, words
        assert "damaged" not in wrong, words
        assert theirs.read_bytes() == before
    assert home.emulator.total == 0


def test_damage_under_a_running_run_is_never_paid_for_twice(workspace: Callable[..., Workspace]) -> None:
    """The file loses its content under a run that is writing to it. Its cache may carry that run to its end."""
    home = workspace()
    home.add(*(f"{number:03}.png" for number in range(120)))
    code, _, err = _run_and_damage(home)
    assert code in {0, 8}, err
    codes = [home.run()[0] for _ in range(3)]
    assert 8 in [code, *codes]
    assert codes[-1] in {0, 10}
    assert max(home.emulator.requests.values()) == 1
    undecided = len(home.status()["in_doubt"])
    results = [name for name in os.listdir(home.out) if name.endswith(".png")]
    assert len(results) + undecided >= 120


def _run_and_damage(home: Workspace) -> tuple[int, str, str]:
    def damage() -> None:
        if home.emulator.total < 30:
            asyncio.get_running_loop().call_later(0.002, damage)
            return
        for name in (home.ledger, home.ledger + "-wal"):
            with open(name, "r+b") as stream:
                size = os.path.getsize(name)
                stream.seek(64)
                stream.write(os.urandom(size - 64))

    home.emulator.call(damage)  # so that the run cannot come to its end meanwhile
    return home.run("--concurrency-start", "4")
