"""`plan` says what a run will do and cost, sends nothing and writes nothing."""

from __future__ import annotations

import json
import os
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

from support.pictures import announced_png, put

from pixian_batch.emulator.settings import Price

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

COUNTED = ("new", "done", "exists", "duplicate", "unreadable", "too_large", "collision")


def snapshot(folder: Path) -> set[str]:
    """All that is there, without the two files that SQLite makes where it reads."""
    found = {
        os.path.join(where, name) for where, folders, files in os.walk(folder) for name in folders + files
    }
    return {name for name in found if not name.endswith(("-wal", "-shm"))}


def test_every_fate_is_counted_by_folder_and_in_total(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("done.png", "a/done.png")
    assert home.run()[0] == 0
    home.add("new.png", "a/new.png", "a/other.png")
    shutil.copy(home.photos / "new.png", home.photos / "again.png")
    shutil.copy(home.photos / "done.png", home.photos / "bought.png")
    put(home.photos / "broken.png", b"\x89PNG\r\n\x1a\nnonsense")
    put(home.photos / "a" / "huge.png", announced_png(8000, 8000))
    put(home.photos / "a" / "twin.png", b"x")
    put(home.photos / "a" / "twin.jpg", b"x")
    home.add("theirs.png")
    put(home.out / "theirs.png", b"not ours")
    before = snapshot(home.root)
    found = home.plan()
    folders = {item["folder"]: item for item in found["folders"]}
    top, deep = folders[str(home.photos)], folders[str(home.photos / "a")]
    assert {name: top[name] for name in COUNTED if top[name]} == {
        "new": 1,
        "done": 1,
        "exists": 1,
        "duplicate": 2,
        "unreadable": 1,
    }
    assert {name: deep[name] for name in COUNTED if deep[name]} == {
        "new": 2,
        "done": 1,
        "unreadable": 1,
        "too_large": 1,
        "collision": 1,
    }
    assert {name: found[name] for name in COUNTED} == {name: top[name] + deep[name] for name in COUNTED}
    assert snapshot(home.root) == before
    # And the run does what was planned.
    requests = home.emulator.bill.totals.charges
    assert home.run()[0] == 3
    assert home.emulator.bill.totals.charges - requests == found["new"]


def test_it_sends_and_writes_nothing(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "b/c.png")
    found = home.plan()
    assert found["new"] == 2
    assert home.emulator.total == 0
    assert not home.out.exists()
    home.out.mkdir()
    home.plan()
    assert list(home.out.iterdir()) == []


def test_the_calibrated_range_holds_the_bill(workspace: Callable[..., Workspace]) -> None:
    price = Price(base=Decimal("0.07"), per_megapixel=Decimal("0.20"))
    home = workspace(price=price)
    for number in range(1, 13):
        home.add(f"{number}.png", size=(100 * number, 100))
    exact = sum(price.of(100 * number * 100) for number in range(1, 13))
    unknown = home.plan()
    assert (unknown["unpriced"], unknown["credits_high"]) == (12, "0")
    found = home.plan("--calibrate", "5")
    totals = home.emulator.bill.totals
    assert (totals.tests, totals.charges, totals.charged) == (5, 0, Decimal(0))
    assert Decimal(found["credits_low"]) <= exact <= Decimal(found["credits_high"])
    assert (found["unpriced"], found["extrapolated"]) == (0, 0)
    assert not home.out.exists()
    assert home.run()[0] == 0
    assert totals.charged == exact
    later = home.plan()
    assert (later["new"], later["done"], later["credits_high"]) == (0, 12, "0")


def test_it_reads_as_a_table(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "odd\x1b[31m/b.png")
    code, out, _ = home.do("plan", str(home.photos), "--out", str(home.out))
    assert code == 0
    assert "\x1b" not in out
    assert out.splitlines()[0].split() == ["folder", "new", "megapixels"]
    assert "not known yet: add --calibrate 5" in out
    assert home.do("plan", str(home.photos), "--out", str(home.out), "--test")[1].count("credits  free") == 1


def test_what_is_left_out_is_said_once_by_plan_and_run(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.JFIF", "b/@eaDir/thumb.jpg", "b/._c.jpg", "#recycle/d.jpg")
    for name in ("e.heic", "b/f.HEIC", "g.cr2", "h.txt"):
        put(home.photos / name, b"x")
    systems = "2 folders and 1 file of operating systems were left out — --include-system takes them"
    kinds = "2 .heic and 1 .cr2 were left out: the service does not take them"
    expected = {
        "system_folders": 2,
        "system_files": 1,
        "suffixes": [{"suffix": ".heic", "count": 2}, {"suffix": ".cr2", "count": 1}],
        "others": [{"suffix": ".txt", "count": 1}],
        **dict.fromkeys(
            (
                "older",
                "smaller",
                "larger",
                "urls",
                "unchanged",
                "nested",
                "outside",
                "not_sampled",
                "over_limit",
            ),
            0,
        ),
    }
    assert (home.plan()["new"], home.plan()["left_out"]) == (1, expected)
    planned = home.do("plan", str(home.photos), "--out", str(home.out))[1]
    for options in (
        (),
        ("--include", "*.jfif", "--include", "*.jpg", "--include", "*.heic", "--include", "*.cr2"),
    ):
        code, out, err = home.run("--json", "--no-progress", *options)
        assert code == 0
        # What the user's own patterns leave out is not told.
        told = {**expected, "others": []} if options else expected
        assert json.loads(out.splitlines()[-1])["left_out"] == told
        for text in (planned, err):
            assert (text.count(systems), text.count(kinds)) == (1, 1)
    assert (home.emulator.bill.totals.charges, home.plan("--include-system")["new"]) == (1, 3)
    assert home.run("--include-system")[0] == 0
    assert home.emulator.bill.totals.charges == 4
