"""What a run tells of itself with `--json`: first what it was asked for, then each change of its pace."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from support.schema import violation

from pixian_batch import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workspaces import Workspace


def lines(out: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in out.splitlines()]
    assert [violation(record) for record in records] == [""] * len(records)
    return records


def test_the_first_record_says_what_was_asked_for_and_the_ledger_what_pace_it_had(
    workspace: Callable[..., Workspace],
) -> None:
    home = workspace()
    home.add("a.png", "b.png")
    code, out, err = home.run("--json", "--output-format", "png")
    assert code == 0, err
    launch, *between, summary = lines(out)
    assert launch == {
        "v": 1,
        "type": "launch",
        "pid": os.getpid(),
        "version": __version__,
        "started_at": launch["started_at"],
        "inputs": [str(home.photos)],
        "files_from": None,
        "out": str(home.out),
        "ledger": home.ledger,
        "parameters": "output.format=png",
        "service": home.emulator.url,
        "control": None,
    }
    assert summary["type"] == "summary"
    changes = [record for record in between if record["type"] == "concurrency"]
    assert [(change["reason"], change["allowed"]) for change in changes] == [("start", 5), ("end", 0)]
    assert launch["started_at"] <= changes[0]["at"] <= changes[1]["at"]
    with closing(sqlite3.connect(home.ledger)) as db:
        rows = db.execute("SELECT at, allowed, in_use, resting, reason FROM concurrency").fetchall()
    assert rows == [
        tuple(change[name] for name in ("at", "allowed", "in_use", "resting", "reason")) for change in changes
    ]
    _, out, _ = home.run("--json")
    assert [line["type"] for line in lines(out)] == ["launch", "image", "image", "summary"], (
        "nothing was sent"
    )


def test_a_run_that_is_refused_has_said_what_it_was_asked_for(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    assert home.run()[0] == 0
    code, out, _ = home.run("--json", "--crop-to-foreground")
    assert (code, [line["type"] for line in lines(out)]) == (2, ["launch", "summary"])
    assert "crop_to_foreground" in lines(out)[0]["parameters"]


def test_what_stands_behind_a_question_mark_of_an_address_is_nobodys(
    workspace: Callable[..., Workspace],
) -> None:
    home = workspace()
    home.add("a.png")
    address = f"{home.emulator.url}?key=geheim#geheim"
    _, out, _ = home.do("run", str(home.photos), "--out", str(home.out), "--api-url", address, "--json")
    assert lines(out)[0]["service"] == home.emulator.url
    assert "geheim" not in out.splitlines()[0]
