"""`export`: the same sums as `status` and as the emulator's bill, and tables that other programs read as they are meant."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.schema import violation

from pixian_batch.cli.periods import read_period
from pixian_batch.display.tables import harmless
from pixian_batch.emulator.weather import Fault, FaultKind, Weather

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

NAMES = ["one.png", "ann/a.png", "ann/b/c.png", "bob/d.png", "bob/e.png"]


def spent(workspace: Callable[..., Workspace], *names: str) -> Workspace:
    """Two runs: all but one of them bought, one charged and in doubt, one that is no picture."""
    home = workspace()
    home.add(*NAMES, *names, size=(400, 300))
    faults = {home.digest("bob/e.png"): (Fault(FaultKind.RESET_AFTER_CHARGE),)}
    made = workspace(weather=Weather(by_image=faults), credits=Decimal(50))
    made.root = home.root
    assert made.do("run", str(made.photos / "one.png"), "--out", str(made.out), *made.common)[0] == 0
    (made.photos / "broken.png").write_bytes(b"not a picture")
    assert made.run()[0] == 10
    return made


def rows(home: Workspace, *options: str) -> list[dict[str, str]]:
    code, out, err = home.do("export", str(home.out), "--csv", *options)
    assert code == 0, err
    assert out.count("\n") == out.count("\r\n")
    return list(csv.DictReader(io.StringIO(out, newline="")))


def records(home: Workspace, *options: str) -> list[dict[str, Any]]:
    code, out, err = home.do("export", str(home.out), "--json", *options)
    assert code == 0, err
    read = [json.loads(line) for line in out.splitlines()]
    for record in read:
        assert violation(record) == ""
    return read


def added(lines: list[dict[str, str]], name: str) -> Decimal:
    return sum((Decimal(line[name] or 0) for line in lines), Decimal(0))


@pytest.mark.parametrize(
    "options",
    [[], ["--by", "folder"], ["--by", "folder", "--depth", "1"], ["--by", "day"], ["--by", "run"]],
)
def test_every_grouping_adds_up_to_what_status_and_the_bill_say(
    workspace: Callable[..., Workspace], options: list[str]
) -> None:
    home = spent(workspace)
    status, bill = home.status(), home.emulator.bill.totals
    lines = rows(home, *options)
    charged, doubt = added(lines, "credits_charged"), added(lines, "credits_in_doubt")
    assert charged == Decimal(status["credits_charged"])
    assert doubt == Decimal(status["credits_in_doubt"]) > 0
    assert (
        charged + doubt == bill.charged
    )  # the one in doubt was charged, and its price is known from the others
    assert added(records(home, *options), "credits_charged") == charged
    if options:
        assert added(lines, "images") == bill.charges - 1 == 4


def test_the_bill_of_a_client_is_a_table_for_people(workspace: Callable[..., Workspace]) -> None:
    home = spent(workspace)
    code, out, _err = home.do("export", str(home.out), "--by", "folder", "--depth", "1")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == ["folder", "images", "megapixels", "credits", "in", "doubt", "at", "most"]
    assert [line[0] for line in lines[1:]] == [".", "ann", "bob", "total"]
    assert lines[-1][1] == "4"


def test_a_row_tells_of_one_image(workspace: Callable[..., Workspace]) -> None:
    home = spent(workspace)
    read = {os.path.relpath(line["input"], home.photos): line for line in rows(home)}
    assert {name: line["status"] for name, line in read.items()} == {
        **dict.fromkeys(NAMES, "done"),
        "bob/e.png": "in_doubt",
        "broken.png": "failed",
    }
    one = read["one.png"]
    assert one["output"] == str(home.out / "one.png")
    assert (one["megapixels"], one["attempts"], one["run"]) == ("0.120000", "1", "1")
    assert one["parameters"] == "output.format=png"
    assert datetime.fromisoformat(one["date"]).tzinfo is not None
    assert read["broken.png"]["attempts"] == "0"
    assert read["broken.png"]["error"]
    # A row an image: a duplicate is another result of the same one.
    (home.photos / "twin.png").write_bytes((home.photos / "one.png").read_bytes())
    home.run()
    again = {line["output"]: line["results"] for line in rows(home)}
    assert again[str(home.out / "one.png")] == "2"
    assert len(again) == len(read)


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not take")
def test_names_are_harmless_and_can_be_had_back(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    names = [
        "=1+1.png",
        "+a.png",
        "-b.png",
        "@c.png",
        "'d.png",
        'quo"te,e.png',
        "new\nline.png",
        "caf\udce9.png",
    ]
    home.add(*names)
    here = os.getcwd()
    os.chdir(home.photos)
    try:
        code, _, err = home.do("run", "--out", str(home.out), *home.common, "--", *names)
    finally:
        os.chdir(here)
    assert code == 0, err
    inputs = [line["input"] for line in rows(home)]
    assert sorted(inputs) == sorted(
        [
            "'=1+1.png",
            "'+a.png",
            "'-b.png",
            "'@c.png",
            "''d.png",
            'quo"te,e.png',
            "new\\x0aline.png",
            "caf\\xe9.png",
        ]
    )
    read = {record["input"]: record for record in records(home)}
    assert "new\nline.png" in read
    assert base64.b64decode(read["caf\ufffd.png"]["input_bytes"]) == b"caf\xe9.png"


def test_what_a_spreadsheet_takes_for_a_formula_is_marked() -> None:
    for text in ("=a", "+a", "-a", "@a", "\ta", "\ra", " =a", "\uff1da", "'a"):
        assert harmless(text) == f"'{text}"
    for text in ("a", "a=b", "1-2.png", "", "a'b"):
        assert harmless(text) == text


def test_parquet_has_decimals_and_moments(workspace: Callable[..., Workspace], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    home = spent(workspace)
    file = tmp_path / "images.parquet"
    for options in ([], ["--by", "day"], ["--by", "run"]):
        assert home.do("export", str(home.out), "--parquet", "--to", str(file), *options) == (0, "", "")
        read = parquet.read_table(file).to_pylist()
        assert sum(row["credits_charged"] for row in read) == Decimal(home.status()["credits_charged"])
    assert home.do("export", str(home.out), "--parquet", "--to", str(file))[0] == 0
    first = parquet.read_table(file).to_pylist()[0]
    assert first["date"].utcoffset().total_seconds() == 0
    assert first["date"] == datetime.fromisoformat(rows(home)[0]["date"]).astimezone(UTC)


def test_without_pyarrow_the_install_line_is_named(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = spent(workspace)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, out, err = home.do("export", str(home.out), "--parquet", "--to", str(tmp_path / "x.parquet"))
    assert (code, out) == (2, "")
    assert "pip install 'pixian-batch[parquet]'" in err
    assert not (tmp_path / "x.parquet").exists()


def test_a_file_is_whole_or_as_it_was(workspace: Callable[..., Workspace], tmp_path: Path) -> None:
    home = spent(workspace)
    file = tmp_path / "images.csv"
    assert home.do("export", str(home.out), "--to", str(file)) == (0, "", "")
    whole = file.read_bytes()
    with closing(sqlite3.connect(home.ledger)) as db, db:
        db.execute("DROP TRIGGER answer_is_fixed")
        db.execute("UPDATE answer SET charged = 'x' WHERE attempt_id = (SELECT max(attempt_id) FROM answer)")
    code, out, _err = home.do("export", str(home.out), "--to", str(file))
    assert (code, out) == (8, "")
    assert file.read_bytes() == whole
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_what_is_no_table_is_never_replaced(workspace: Callable[..., Workspace]) -> None:
    home = spent(workspace)
    for precious in (home.ledger, str(home.out / "one.png"), str(home.photos / "one.png")):
        with open(precious, "rb") as stream:
            before = stream.read()
        code, _, err = home.do("export", str(home.out), "--to", precious)
        assert (code, "name another file" in err) == (2, True)
        with open(precious, "rb") as stream:
            assert stream.read() == before
    assert home.do("export", str(home.out), "--to", str(home.out))[0] == 2
    assert home.do("export", str(home.out), "--to", str(home.out / "gone" / "x.csv"))[0] == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--csv", "--json"], "choose one of --csv, --json"),
        (["--depth", "1"], "--by folder"),
        (["--by", "month"], "folder, day, run"),
        (["--since", "yesterday"], "2026-11-30"),
        (["--since", "2026-12", "--until", "2026-11"], "not before"),
    ],
)
def test_what_cannot_be_meant_is_said(
    workspace: Callable[..., Workspace], options: list[str], word: str
) -> None:
    home = workspace()
    code, out, err = home.do("export", str(home.out), *options)
    assert (code, out) == (2, "")
    assert word in err


def test_a_format_on_the_command_line_goes_before_one_of_the_environment(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = spent(workspace)
    monkeypatch.setenv("PIXIAN_BATCH_JSON", "true")
    assert home.do("export", str(home.out), "--csv")[1].startswith("date,input,output,status,")
    assert home.do("export", str(home.out))[1].startswith("{")


def test_a_period_is_of_months_days_or_moments(workspace: Callable[..., Workspace]) -> None:
    november = read_period("2026-11", "2026-11")
    assert (november.since, november.until) == (
        "2026-11-01T00:00:00.000+00:00",
        "2026-12-01T00:00:00.000+00:00",
    )
    assert read_period("2026-11-01", "2026-11-30") == november
    assert read_period("2026-12", "2026-12").until == "2027-01-01T00:00:00.000+00:00"
    assert read_period("2026-11-01T13:00+13:00", None).since == november.since
    home = spent(workspace)
    assert rows(home, "--until", "2020-01-01") == []
    assert len(rows(home, "--since", "2020-01-01")) == len(rows(home)) == 6
    assert home.do("export", str(home.out), "--by", "run", "--until", "2020")[0] == 2
    assert home.do("export", str(home.out), "--by", "run", "--until", "2020-01")[1] == (
        "nothing was sent in that time\n"
    )


def test_free_results_are_on_nobodys_bill(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "b.png")
    assert home.run("--test")[0] == 0
    [line] = rows(home, "--by", "folder")
    assert (line["images"], line["free"], line["credits_charged"]) == ("0", "2", "0")
    out = home.do("export", str(home.out), "--by", "folder")[1]
    assert "2 images made for free (--test, --local) are not counted" in out


def test_it_reads_while_a_run_holds_the_ledger(workspace: Callable[..., Workspace]) -> None:
    home = spent(workspace)
    with closing(sqlite3.connect(home.ledger)) as run:
        run.execute("BEGIN IMMEDIATE")
        run.execute("INSERT INTO run (started_at, version, service) VALUES ('2026', '1', 'pixian')")
        assert len(rows(home)) == 6
