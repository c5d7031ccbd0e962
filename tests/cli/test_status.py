"""`status` tells what a ledger knows: after runs, during one, and of names of every kind."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pixian_batch.adapters.ledger import LedgerError, questions
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.emulator.weather import Fault, FaultKind, Latency, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workspaces import Workspace


def test_the_sums_are_the_bills(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "deep/er/b.png", "deep/c.png")
    (home.photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    assert home.run()[0] == 3
    found = home.status()
    bill = home.emulator.bill.totals
    assert Decimal(found["credits_charged"]) == bill.charged
    assert (found["results"], found["images"]) == (3, 3)
    assert set(found["credits_by_folder"]) == {".", "deep", "deep/er"}
    assert sum(map(Decimal, found["credits_by_folder"].values())) == bill.charged
    assert sum(map(Decimal, found["credits_by_day"].values())) == bill.charged
    assert [item["input"] for item in found["failed"]] == [str(home.photos / "broken.png")]
    assert [run["exit_code"] for run in found["runs"]] == [3]
    code, out, _ = home.do("status", str(home.out))
    assert code == 0
    assert "bought images" in out
    assert "dearest" in out
    assert home.do("status", str(home.out), "--failed")[1].startswith(str(home.photos / "broken.png") + "\t")


def test_names_of_every_kind_are_shown_and_are_valid_json(workspace: Callable[..., Workspace]) -> None:
    names = ["new\nline.png", "tab\t.png", "esc\x1b[2J.png", "[bold]x.png", "ä\u202e.png", "q'\"uote.png"]
    home = workspace(weather=Weather(script=(None,) + (Fault(FaultKind.RESET_AFTER_CHARGE),) * 99))
    home.add(*names)
    try:
        with open(os.fsencode(str(home.photos)) + b"/\xff\xfe.png", "wb") as stream:
            stream.write((home.photos / names[0]).read_bytes() + b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    home.run()
    found = home.status()
    assert len(found["in_doubt"]) >= len(names) - 1
    for options in ([], ["--in-doubt"], ["--failed"]):
        code, out, _ = home.do("status", str(home.out), *options)
        assert code == 0
        assert not set(out) & {"\x1b", "\u202e", "\t"} or options == ["--failed"]
    lines = home.do("status", str(home.out), "--in-doubt")[1].splitlines()
    assert len(lines) == len(found["in_doubt"])
    assert all(line.startswith("#") for line in lines)


def test_it_reads_while_a_run_writes(workspace: Callable[..., Workspace]) -> None:
    home = workspace(weather=Weather(latency=Latency(0.01)))
    home.add(*(f"{number}.png" for number in range(60)))
    seen: list[int] = []
    problems: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            try:
                with closing(LedgerReader.open(home.ledger)) as reader:
                    found = asyncio.run(reader.ask(questions.status))
            except LedgerError as error:
                if "there is no ledger" not in str(error):
                    problems.append(str(error))
                continue
            seen.append(found.images)
            if found.spending.charged < Decimal("0.05") * found.images:
                problems.append("more images than credits")

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        assert home.run("--concurrency-start", "4")[0] == 0
    finally:
        over.set()
        watcher.join()
    assert problems == []
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert home.status()["images"] == 60


@pytest.mark.parametrize("command", ["status", "resolve", "reconcile"])
def test_a_damaged_ledger_is_said_and_left_as_it_is(
    workspace: Callable[..., Workspace], command: str
) -> None:
    home = workspace()
    home.add("a.png")
    home.run()
    size = os.path.getsize(home.ledger)
    with open(home.ledger, "r+b") as stream:
        stream.seek(4096)
        stream.write(bytes(size - 4096))
    with open(home.ledger, "rb") as stream:
        before = stream.read()
    code, out, err = home.do(command, str(home.out))
    assert (code, out) == (8, "")
    assert "ledger" in err
    with open(home.ledger, "rb") as stream:
        assert stream.read() == before


def test_a_damaged_ledger_stops_one_run_and_costs_nothing_in_the_next(
    workspace: Callable[..., Workspace],
) -> None:
    home = workspace()
    home.add(*(f"{number:02}.png" for number in range(40)))
    assert home.run()[0] == 0
    with open(home.ledger, "r+b") as stream:
        stream.write(bytes(4096))
    code, out, err = home.run("--json")
    assert code == 8
    assert "40 attempts, 40 images and 40 results were saved" in err
    assert "kept as" in err
    assert json.loads(out.splitlines()[-1])["exit_code"] == 8
    assert home.run()[0] == 0
    assert set(home.emulator.requests.values()) == {1}
    assert home.status()["images"] == 40


def test_a_newer_ledger_is_refused(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    home.run()
    with closing(sqlite3.connect(home.ledger)) as db:
        db.execute("PRAGMA user_version = 99")
    for arguments in (
        ["status", str(home.out)],
        ["run", str(home.photos), "--out", str(home.out), *home.common],
    ):
        code, _, err = home.do(*arguments)
        assert code == 2
        assert "newer pixian-batch" in err
