"""Duplicates whose bytes the ledger knows: made without a look into them, and still what a plan says, in any company."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support.foreign_samples import foreign
from support.pictures import picture, put

from pixian_batch.contract.kinds import ForeignKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

LONG_AGO = 1_500_000_000


def emptied(home: Workspace) -> dict[Path, bytes]:
    """All results are removed but for one; what they were."""
    _one, *others = sorted(home.out.rglob("*.png"))
    made = {path: path.read_bytes() for path in others}
    for path in others:
        path.unlink()
    return made


def run(home: Workspace, *options: str) -> dict[str, Any]:
    code, out, err = home.run("--json", "--no-progress", *options)
    assert code == 0, err
    return dict(json.loads(out.splitlines()[-1]))


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--convert",),
        ("--convert", "--flat", "--name", "{stem}-cut.{ext}"),
        ("--via-delta",),
        ("--keep-dates",),
        ("--keep-metadata", "--keep-dates"),
    ],
    ids=" ".join,
)
def test_they_are_made_again_as_a_plan_says(
    workspace: Callable[..., Workspace], options: tuple[str, ...]
) -> None:
    home = workspace()
    convert = "--convert" in options
    for number in range(12):
        photo = put(
            home.photos / f"{number:02}.{'webp' if convert else 'png'}",
            foreign(ForeignKind.WEBP) if convert else picture("png"),
        )
        os.utime(photo, (LONG_AGO + number, LONG_AGO + number))
    assert run(home, *options)["duplicates"] == 11
    made = emptied(home)
    assert home.plan(*options)["duplicate"] == 11
    again = run(home, *options)
    assert (again["done"], again["duplicates"], again["skipped"]) == (0, 11, 1)
    assert {path: path.read_bytes() for path in made} == made
    inodes = {path.stat().st_ino for path in home.out.rglob("*.png")}
    assert len(inodes) == 12, "each is a file of its own"
    if "--keep-dates" in options:
        dates = {int(path.stem[:2]): path.stat().st_mtime for path in home.out.glob("*.png")}
        assert dates == {number: LONG_AGO + number for number in range(12)}
    assert home.emulator.bill.totals.charges == 1
    assert run(home, *options)["skipped"] == 12


def test_a_photo_that_has_changed_is_no_duplicate_of_what_it_was(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    for name in ("1.png", "2.png", "3.png"):
        put(home.photos / name, picture("png"))
    run(home)
    for name in ("2.png", "3.png"):
        (home.out / name).unlink()
    put(home.photos / "3.png", picture("png", shade=9, size=(20, 10)))
    ended = run(home, "--concurrency-start", "1", "--concurrency-max", "1")
    assert (ended["done"], ended["duplicates"], ended["skipped"]) == (1, 1, 1)
    assert home.emulator.bill.totals.charges == 2
    assert (home.out / "3.png").read_bytes() != (home.out / "1.png").read_bytes()


def test_behind_the_last_that_may_be_bought_none_is_made(workspace: Callable[..., Workspace]) -> None:
    """The limit falls on the same ones as in a plan, though duplicates need no look and this one takes a long one."""
    home = workspace()
    for number in range(60):
        put(home.photos / f"{number:02}.png", picture("png"))
    run(home)
    emptied(home)
    large = Image.frombytes("RGB", (3000, 2500), os.urandom(3000 * 2500 * 3))
    large.save(home.photos / "40-new.png", compress_level=0)
    home.add("z.png", size=(91, 60))
    planned = home.plan("--limit", "1")
    ended = run(home, "--limit", "1", "--concurrency-start", "8")
    assert (planned["new"], planned["duplicate"]) == (ended["done"], ended["duplicates"]) == (1, 39)
    assert home.emulator.bill.totals.charges == 2
    ended = run(home)
    assert (ended["done"], ended["duplicates"]) == (1, 20)
    assert home.emulator.bill.totals.charges == 3


@pytest.mark.skipif(
    sys.platform == "win32" or not os.getuid(), reason="who may read everything sees no difference"
)
def test_one_that_cannot_be_read_fails_as_a_plan_says(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    for number in range(5):
        put(home.photos / f"{number}.png", picture("png"))
    run(home)
    emptied(home)
    (home.photos / "4.png").chmod(0)
    assert home.plan()["unreadable"] == 1
    code, out, _err = home.run("--json", "--no-progress")
    assert (code, json.loads(out.splitlines()[-1])["duplicates"]) == (3, 3)


def test_an_edit_in_place_changes_no_other_and_none_is_bought_again(
    workspace: Callable[..., Workspace],
) -> None:
    home = workspace()
    for number in range(30):
        put(home.photos / f"{number:02}.png", picture("png"))
    run(home)
    one, *others = sorted(home.out.glob("*.png"))
    content = one.read_bytes()
    with one.open("ab") as file:
        file.write(b"edited")
    assert all(path.read_bytes() == content for path in others)
    ended = run(home, "--overwrite")
    assert (ended["done"], ended["duplicates"], ended["skipped"]) == (0, 1, 29)
    assert home.emulator.bill.totals.charges == 1
