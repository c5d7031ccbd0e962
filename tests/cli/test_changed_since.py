"""`--changed-since`: only what git says has changed is bought, under the names it always has; else nothing, and exit 2."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from support.workspaces import Workspace


def git(home: Workspace, *words: str) -> None:
    person = ("-c", "user.name=n", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(home.photos), *person, *words], check=True, capture_output=True)


def committed(home: Workspace) -> Workspace:
    git(home, "init", "-q")
    git(home, "add", "-A")
    git(home, "commit", "-qm", "photos")
    return home


def test_only_changes_are_bought_and_what_was_left_out_is_counted(
    workspace: Callable[..., Workspace],
) -> None:
    home = workspace()
    home.add("same.png", "b/same.png")
    committed(home).add("new.png")
    url = "http://127.0.0.1:9/a.png"
    assert home.plan("--changed-since", "HEAD", url)["new"] == 1
    code, out, err = home.run("--json", "--changed-since", "HEAD", url)
    summary = json.loads(out.splitlines()[-1])
    assert (code, summary["done"], home.emulator.bill.totals.charges) == (0, 1, 1), err
    assert summary["left_out"]["unchanged"] == 2
    assert summary["left_out"]["urls"] == 1
    assert "2 photos were left out by --changed-since" in err
    assert [path.name for path in home.out.rglob("*.png")] == ["new.png"]


def test_a_choice_changes_no_name(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    committed(home).add("a.jpg")  # both want a.png
    first = ("--on-collision", "suffix")
    assert home.run(*first, "--changed-since", "HEAD")[0] == 0
    assert home.run(*first)[0] == 0
    assert home.emulator.bill.totals.charges == 2
    assert all(image.charges == 1 for image in home.emulator.bill.images.values())


def test_an_empty_variable_is_no_leave_to_buy_everything(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = workspace()
    home.add("a.png")
    committed(home)
    monkeypatch.setenv("PIXIAN_BATCH_CHANGED_SINCE", "")
    code, out, err = home.run()
    assert (code, out) == (2, "")
    assert "nothing was sent" in err
    assert home.emulator.bill.totals.requests == 0
    assert home.run("--changed-since", "HEAD")[0] == 0  # who says it is right


def test_where_git_cannot_say_it_nothing_is_sent(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    for prepare in (lambda: None, lambda: committed(home)):
        prepare()
        for rev in ("origin/gone", "0" * 40):
            for command in (home.run, lambda *words: home.do("plan", str(home.photos), "--out", "x", *words)):
                code, out, err = command("--changed-since", rev)
                assert (code, out) == (2, ""), err
                assert "nothing was sent" in err
                assert "--changed-since" in err
    assert home.emulator.bill.totals.requests == 0
    assert not home.out.exists()
