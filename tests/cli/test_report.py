"""`report` and `run --report`: where it goes, what it never replaces, what it says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.commands import CREDENTIALS, here
from support.emulators import EmulatorThread
from support.reports import Reported

from pixian_batch.review import page_file

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reported]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with EmulatorThread() as emulator:
        made = Reported(tmp_path, emulator)
        made.add("a.png", "deep/b.png")
        yield made


def contents(folder: str) -> set[str]:
    """All files; but for those that SQLite lets come and go beside a ledger that is read."""
    names = {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}
    return {name for name in names if not name.endswith(("-wal", "-shm"))}


def test_a_folder_that_is_made_again_for_what_is_new_only(home: Reported) -> None:
    home.run()
    done = here("report", home.out)
    assert (done.code, done.out) == (0, f"{home.page}\n")
    assert done.err == "2 images, 0 suspect, 2 looked at now\n"
    times = {path: path.stat().st_mtime_ns for path in Path(home.page).parent.rglob("*-*.*")}
    assert len(times) == 4
    home.add("c.png")
    home.run()
    assert home.report() == {
        "v": 1,
        "type": "report",
        "page": home.page,
        "pictures": 3,
        "fresh": 1,
        "suspect": 0,
        "unreadable": 0,
    }
    assert {path: path.stat().st_mtime_ns for path in times} == times
    os.unlink(next(iter(times)))  # somebody tidies up
    assert home.report()["fresh"] == 1
    os.unlink(Path(home.photos) / "c.png")
    assert home.report()["fresh"] == 1  # its photo is gone: another picture, and the old thumbnails go
    assert len(list(Path(home.page).parent.rglob("*-*.*"))) == 5
    assert not list(Path(home.page).parent.rglob("*.part"))


def test_nothing_else_is_written_and_nothing_is_sent(home: Reported, tmp_path: Path) -> None:
    home.run()
    before, bill = contents(home.out), home.emulator.bill.totals.requests
    target = tmp_path / "review"
    home.report("--to", str(target))
    assert contents(home.out) == before
    assert (target / "index.html").is_file()
    home.report("--to", str(target))  # ours is made again
    assert home.emulator.bill.totals.requests == bill


def test_what_is_not_ours_is_never_replaced(home: Reported, tmp_path: Path) -> None:
    home.run()
    foreign = tmp_path / "site"
    foreign.mkdir()
    (foreign / "index.html").write_text("mine", encoding="utf-8")
    cases = [
        (["--to", str(foreign)], "holds other files"),
        (["--to", home.out], "holds other files"),
        (["--to", str(foreign / "index.html")], "is a file"),
        (["--inline", "--to", str(foreign / "index.html")], "is no report"),
        (["--inline", "--to", str(foreign)], "name it *.html"),
        (["--inline", "--to", str(tmp_path / "no" / "x.html")], "in a folder that is there"),
        (["--by", "day", "--depth", "1"], "--depth goes with --by folder"),
        (["--by", "moon"], "none of folder, day, run"),
        (["--against", str(tmp_path / "nowhere")], "does not exist"),
    ]
    for arguments, words in cases:
        done = here("report", home.out, *arguments)
        assert done.code == 2, arguments
        assert words in done.err
    assert (foreign / "index.html").read_text(encoding="utf-8") == "mine"


def test_one_file(home: Reported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.run()
    page = tmp_path / "review.html"
    home.report("--inline", "--to", str(page))
    assert page.read_bytes().count(b"data:image/") == 4
    home.report("--inline", "--to", str(page))
    home.report("--inline")
    assert os.path.isfile(os.path.join(home.out, ".pixian-batch", "report.html"))
    monkeypatch.setattr("pixian_batch.review.building.INLINE_MOST", 1)
    done = here("report", home.out, "--inline")
    assert done.code == 2
    assert "leave --inline out" in done.err


def test_a_missing_extra_is_one_line(home: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = here("run", home.photos, *home.common, "--report")
    assert done.code == 2
    assert "pip install 'pixian-batch[review]'" in done.err
    assert home.emulator.bill.totals.requests == 0
    monkeypatch.undo()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    home.run()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = here("report", home.out)
    assert done.code == 2
    assert done.err.count("\n") == 2


def test_a_run_with_its_report(home: Reported) -> None:
    (Path(home.photos) / "bad.png").write_bytes(b"no picture")
    common = [word for word in home.common if word != "--quiet"]
    done = here("run", home.photos, *common, "--report", "--json")
    assert done.code == 3  # of the run, whatever the report says
    assert json.loads(done.out.splitlines()[-1])["type"] == "summary"
    assert done.err.endswith(f"report: {home.page}\n")
    assert os.path.isfile(home.page)
    one = here("run", str(Path(home.photos) / "a.png"), "--out", str(home.root / "one.png"), "--report")
    assert one.code == 2
    assert "--report is for a folder" in one.err


def test_a_report_that_cannot_be_made_changes_no_exit_code(home: Reported) -> None:
    os.makedirs(os.path.join(home.out, ".pixian-batch"))
    Path(home.page).parent.write_bytes(b"in the way")
    done = here("run", home.photos, *home.common, "--report")
    assert done.code == 0
    assert "the report could not be made" in done.err


def test_a_page_is_known_by_its_head(home: Reported, tmp_path: Path) -> None:
    home.run()
    home.report()
    assert page_file.is_page(home.page)
    assert not page_file.is_page(str(tmp_path / "none.html"))


def test_no_ledger_and_no_folder(tmp_path: Path) -> None:
    assert here("report", str(tmp_path / "nowhere")).code == 2
    assert here("report", str(tmp_path)).code == 2
    assert list(tmp_path.iterdir()) == []
