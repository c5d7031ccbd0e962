"""`redo` buys once more, on purpose, and says its price first; `--trust-ledger` never does."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from cli.test_ask import talk
from support.told import endings_told

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workspaces import Workspace

PRICE = Decimal("0.05")


def bought(workspace: Callable[..., Workspace], *names: str) -> Workspace:
    home = workspace()
    home.add(*names)
    assert home.run()[0] == 0
    return home


def redo(home: Workspace, *arguments: str) -> tuple[int, str, str]:
    return home.do("redo", *arguments, "--out", str(home.out), *home.common)


def test_it_is_bought_again_where_it_stood(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "a.png", "deep/a.png", "deep/er/b.png")
    old = (home.out / "deep" / "er" / "b.png").read_bytes()
    code, out, err = redo(home, str(home.photos / "deep" / "er" / "b.png"), "--yes", "--json")
    assert code == 0, err
    assert "buys 1 image once more, for at most 0.05 credits; the old results are kept" in err
    records = endings_told(out)
    assert records[0]["output"] == str(home.out / "deep" / "er" / "b.png")
    assert records[-1]["credits_charged"] == str(PRICE)
    kept = [path for path in (home.out / ".pixian-batch" / "kept").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [old]
    assert home.emulator.bill.totals.charges == 4
    assert home.run()[0] == 0
    assert home.emulator.bill.totals.charges == 4
    # Twice more: every old one is kept.
    assert redo(home, str(home.photos / "deep" / "er" / "b.png"), "--yes")[0] == 0
    kept = [path for path in (home.out / ".pixian-batch" / "kept").rglob("*") if path.is_file()]
    assert len(kept) == 2


@pytest.mark.parametrize(
    "naming",
    [
        ["--flat"],
        ["--name", "{stem}-cut.{ext}"],
        ["--name", "{folder}/{stem}-{hash:8}.{ext}"],
        ["--name", "{date:%Y}/{folder}/{counter:3}.{ext}"],
    ],
)
def test_it_is_found_by_the_name_that_it_was_given(
    workspace: Callable[..., Workspace], naming: list[str]
) -> None:
    home = workspace()
    home.add("a.png", "deep/er/b.png")
    assert home.run(*naming)[0] == 0
    before = sorted(path.relative_to(home.out) for path in home.out.rglob("*.png"))
    code, out, err = redo(home, str(home.photos / "deep" / "er" / "b.png"), "--yes", "--json", *naming)
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["done"] == 1
    standing = [path.relative_to(home.out) for path in home.out.rglob("*.png")]
    assert sorted(path for path in standing if path.parts[0] != ".pixian-batch") == before
    assert home.emulator.bill.totals.charges == 3
    assert home.run(*naming)[0] == 0
    assert home.emulator.bill.totals.charges == 3


def test_nobody_there_and_no_yes_is_refused(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "a.png")
    code, _, err = redo(home, str(home.photos / "a.png"))
    assert code == 2
    assert "at most 0.05 credits" in err
    assert "add --yes" in err
    assert home.emulator.bill.totals.charges == 1


@pytest.mark.parametrize(("answer", "expected", "charges"), [("n\n", 2, 1), ("y\n", 0, 2)])
def test_a_person_is_asked(
    workspace: Callable[..., Workspace], answer: str, expected: int, charges: int
) -> None:
    home = bought(workspace, "a.png")
    command = ["redo", str(home.photos / "a.png"), "--out", str(home.out), *home.common, "--no-progress"]
    code, screen = talk(command, {"[y/N]": answer})
    assert code == expected, screen
    assert "at most 0.05 credits" in screen
    assert home.emulator.bill.totals.charges == charges


def test_what_has_no_result_is_told_with_what_it_was_bought_with(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "b.png")
    assert (
        home.do(
            "run", str(home.photos / "a.png"), "--out", str(home.out), *home.common, "--crop-to-foreground"
        )[0]
        == 0
    )
    code, _, err = redo(home, str(home.photos / "a.png"), "--yes")
    assert (code, "result.crop_to_foreground=true" in err) == (2, True)
    code, _, err = redo(home, str(home.photos / "b.png"), "--yes")
    assert (code, "has no result" in err) == (2, True)
    assert redo(home, str(home.photos / "nowhere.png"), "--yes")[0] == 2
    assert home.emulator.bill.totals.charges == 1


def test_the_question_about_other_parameters(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "a.png", "b.png")
    command = ["run", str(home.photos), "--out", str(home.out), *home.common, "--no-progress"]
    for options, answers, expected, charges in (
        (["--test"], {}, 0, 2),
        (["--crop-to-foreground"], {"[y/N]": "n\n"}, 2, 2),
        (["--crop-to-foreground", "--yes"], {}, 2, 2),
        (["--crop-to-foreground"], {"[y/N]": "y\n"}, 0, 4),
        ([], {"[y/N]": "y\n"}, 0, 4),
    ):
        code, screen = talk([*command, *options], answers)
        assert code == expected, screen
        assert home.emulator.bill.totals.charges == charges
        if "--crop-to-foreground" in options:
            assert "replaces 2 results that were bought with other parameters" in screen


def test_moved_away_is_not_undone(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "a.png", "b/c.png")
    for path in (home.out / "a.png", home.out / "b" / "c.png"):
        path.unlink()
    home.add("new.png")
    planned = home.plan("--trust-ledger")
    assert (planned["trusted"], planned["new"]) == (2, 1)
    code, out, err = home.run("--trust-ledger", "--json", "--no-progress")
    summary = json.loads(out.splitlines()[-1])
    assert (code, summary["trusted"], summary["skipped"], summary["done"]) == (0, 2, 2, 1)
    assert "2 done by the ledger's word, their files gone" in err
    assert home.emulator.bill.totals.charges == 3
    assert home.plan()["new"] == 2
    # Its photo touched or under another name, it is known by its bytes.
    (home.photos / "a.png").rename(home.photos / "z.png")
    assert home.run("--trust-ledger")[0] == 0
    assert home.emulator.bill.totals.charges == 3


def test_a_list_is_bought_again_each_photo_once(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "a.png", "deep/b.png", "c.png")
    (home.photos / "twin.png").write_bytes((home.photos / "a.png").read_bytes())
    assert home.run()[0] == 0
    listed = home.root / "reject.txt"
    names = ["a.png", "deep/b.png", "a.png", "twin.png"]
    listed.write_text("".join(f"{home.photos / name}\n" for name in names), encoding="utf-8")
    code, _, err = redo(home, "--files-from", str(listed))
    assert code == 2
    assert "buys 2 images once more, for at most 0.1" in err
    assert home.emulator.bill.totals.charges == 3
    code, out, err = redo(home, "--files-from", str(listed), "--yes", "--json")
    assert code == 0, err
    assert "twin.png has the same bytes" in err
    assert json.loads(out.splitlines()[-1])["done"] == 2
    assert home.emulator.bill.totals.charges == 5
    listed.write_bytes(f"{home.photos / 'c.png'}\0".encode())
    assert redo(home, "--files-from", str(listed), "-0", "--yes")[0] == 0
    assert home.emulator.bill.totals.charges == 6


def test_a_list_that_names_nothing_buys_nothing(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "a.png")
    listed = home.root / "reject.txt"
    for content, words in (
        (b"", "names no photo"),
        (b"a.png\0", "separated by NUL"),
        (b"nowhere.png\n", "nowhere.png"),
    ):
        listed.write_bytes(content)
        code, _, err = redo(home, "--files-from", str(listed), "--yes")
        assert code == 2
        assert words in err
    assert home.emulator.bill.totals.charges == 1
