"""A path that leads nowhere: exit code 2, nothing made, and the one that was probably meant is named."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from support.commands import here
from support.pictures import picture, put

from pixian_batch.adapters.walking.spelling import path_meant

if TYPE_CHECKING:
    from pathlib import Path

    from support.workspaces import Workspace


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos, the working folder beside them, and names that may be mistyped."""
    put(tmp_path / "photos" / "2024" / "Summer.jpg", picture("jpg"))
    put(tmp_path / "list.txt", b"photos\n")
    put(tmp_path / "cut" / "a.png", b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder: Path) -> set[str]:
    return {path.as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["./photo"], "./photo does not exist", "did you mean ./photos?"),
        (["PHOTOS2"], "PHOTOS2 does not exist", "did you mean photos?"),
        (["photos/2042"], "photos/2042 does not exist", "did you mean photos/2024?"),
        (["phots/2024/Summer.jpg"], "phots/2024/Summer.jpg does not exist", "did you mean photos/2024/Summer.jpg?"),
        (["photos/2024/sumer.jpg"], "photos/2024/sumer.jpg does not exist", "did you mean photos/2024/Summer.jpg?"),
        (["zzz"], "zzz does not exist", "check the spelling of the path"),
        (["zzz", "qqq"], "zzz, qqq do not exist", "check the spelling of the path"),
        (["photos/*.tif"], "photos/*.tif matches no photo and no folder", "check the pattern; ** crosses folders"),
        ([""], " does not exist", "check the spelling of the path"),
        (["--files-from", "lists.txt"], "--files-from lists.txt: there is no such file", "did you mean list.txt?"),
        (["--files-from", "photos"], "--files-from photos: is a folder", "name a file in it"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "plan"])
def test_nothing_that_was_named_is_there(
    folder: Path, command: str, words: list[str], error: str, hint: str
) -> None:
    before = everything(folder)
    said = here(command, *words, "--out", "new")
    assert (said.code, said.out, said.err) == (2, "", f"error: {error}\n  {hint}\n")
    assert everything(folder) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_that_leads_nowhere_is_named_with_its_end(folder: Path) -> None:
    os.symlink("gone", folder / "link")
    assert (
        here("run", "link", "--out", "new").err
        == "error: link is a link that leads nowhere\n  it is a link to gone\n"
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["status", "cuts"], "cuts does not exist", "did you mean cut?"),
        (["resolve", "cuts", "--all", "--charged"], "cuts does not exist", "did you mean cut?"),
        (["reconcile", "cuts"], "cuts does not exist", "did you mean cut?"),
        (["decode", "photos/2024/Sumer.jpg", "x", "-o", "y"], "photos/2024/Sumer.jpg: there is no such file",
         "did you mean photos/2024/Summer.jpg?"),
        (["serve", "--weather", "lst.txt"], "--weather lst.txt: No such file or directory", "did you mean list.txt?"),
        (["config", "--config", "lst.txt"], "--config lst.txt: there is no such file", "did you mean list.txt?"),
    ],
)  # fmt: skip
def test_the_other_commands_answer_alike(folder: Path, words: list[str], error: str, hint: str) -> None:
    before = everything(folder)
    said = here(*words)
    assert (said.code, said.out, said.err) == (2, "", f"error: {error}\n  {hint}\n")
    assert everything(folder) == before


def test_missing_among_others_is_named_and_the_others_are_done(folder: Path, workspace: object) -> None:
    home: Workspace = workspace()  # type: ignore[operator]  # the factory of conftest.py
    code, _, err = home.do("run", "photo", "photos", "--out", "new", *home.common)
    assert code == 3
    assert "failed: photo: does not exist — did you mean photos?" in err
    assert (folder / "new" / "2024" / "Summer.png").exists()
    assert home.emulator.bill.totals.charges == 1


def test_what_is_hidden_or_far_is_not_meant(folder: Path) -> None:
    (folder / ".photas").mkdir()
    assert path_meant("photas") == "photos"
    assert path_meant("completely-different") is None
    assert path_meant(str(folder / "photo" / "x" / "y")) == str(folder / "photos")
