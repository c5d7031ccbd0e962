"""What was bought is never replaced unasked, what is replaced is kept, and going back is free."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from support.kill_points import POINTS
from support.sandboxes import png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.sandboxes import Sandbox

CROP = "--crop-to-foreground"


def standing(home: Sandbox) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.results()}


def kept(home: Sandbox) -> list[Path]:
    folder = home.out / ".pixian-batch" / "kept"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def charges(home: Sandbox) -> int:
    return int(home.emulator.bill().totals["charges"])


def test_without_being_asked_for_nothing_is_bought_and_nothing_replaced(
    sandbox: Callable[..., Sandbox],
) -> None:
    home = sandbox()
    home.add(3)
    assert home.run().code == 0
    bought, requests = standing(home), home.emulator.bill().requests
    home.add(2, first=10)
    for options in ((CROP,), (CROP, "--overwrite"), (CROP, "--yes")):
        outcome = home.run(*options)
        assert (outcome.code, outcome.summary["stop"]["cause"]) == (2, "usage")
        assert "replaces 3 results that were bought with other parameters" in outcome.stderr
        assert "--replace" in outcome.stderr
        assert "the full results are here" in outcome.stderr
    assert standing(home) == bought
    assert home.emulator.bill().requests == requests
    assert kept(home) == []


def test_there_and_back_is_bought_once_each(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(3)
    assert home.run().code == 0
    first = standing(home)
    outcome = home.run(CROP, "--replace")
    assert (outcome.code, outcome.summary["replaced"], charges(home)) == (0, 3, 6)
    assert len(kept(home)) == 3
    cropped = standing(home)
    for options, expected in (((), first), ((CROP,), cropped), ((), first)):
        outcome = home.run(*options, "--replace")
        assert outcome.statuses() == {"duplicate": 3}, outcome.stderr
        assert outcome.summary["replaced"] == 3
        assert standing(home) == expected
    assert charges(home) == 6
    assert {path.read_bytes() for path in kept(home)} == {*first.values(), *cropped.values()}
    assert home.run().statuses() == {"skipped": 3}


def test_a_photo_that_changes_back_has_its_result_still(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(1)
    photo, old = home.photos / "00000.png", (png(0), png(9))
    assert home.run().code == 0
    for number in (1, 0, 1, 0):
        photo.write_bytes(old[number])
        outcome = home.run()
        assert outcome.code == 0
        assert outcome.summary["replaced"] == 0, "that is no other parameter: nobody has to be asked"
    assert charges(home) == 2


def test_a_free_result_never_replaces_a_bought_one(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(2)
    assert home.run().code == 0
    bought = standing(home)
    for options in (
        ("--test",),
        ("--test", "--overwrite"),
        ("--test", "--overwrite", "--replace"),
        ("--test", CROP),
    ):
        outcome = home.run(*options)
        assert outcome.code == 0
        assert (outcome.summary["exists"], outcome.summary["bought"]) == (2, 2)
        assert {record["reason"] for record in outcome.images} == {"bought"}
        assert "bought results stand there" in outcome.stderr
        assert "name another --out" in outcome.stderr
        assert "--overwrite" not in outcome.stderr.split("bought results stand there")[1].splitlines()[0]
    assert standing(home) == bought
    assert charges(home) == 2


def test_a_bought_result_replaces_free_ones_without_a_question(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(2)
    assert home.run("--test").code == 0
    outcome = home.run(CROP)
    assert (outcome.code, outcome.summary["done"], outcome.summary["replaced"]) == (0, 2, 0)
    assert kept(home) == [], "what cost nothing is not kept"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_list_from_a_pipe_is_met_image_by_image(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    """Nothing can be looked at ahead there: the rest is bought, and these are left alone."""
    home = sandbox()
    home.add(2)
    listed, pipe = tmp_path / "listed", tmp_path / "pipe"
    options = ["--out", str(home.out), "--api-url", home.emulator.api, "--min-free", "1MB", "--json"]
    env = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    listed.write_text("".join(f"{path}\n" for path in sorted(home.photos.iterdir())))
    assert home.fork_server.ask(run=["run", "--files-from", str(listed), *options], env=env).wait().code == 0
    bought = standing(home)
    home.add(1, first=5)
    os.mkfifo(pipe)
    child = home.fork_server.ask(run=["run", "--files-from", str(pipe), *options, CROP], env=env)
    pipe.write_text("".join(f"{path}\n" for path in sorted(home.photos.iterdir())))
    outcome = child.wait()
    assert outcome.code == 3, outcome.stderr
    assert outcome.statuses() == {"failed": 2, "done": 1}
    assert {record["error"]["code"] for record in outcome.images if record["error"]} == {"other_parameters"}
    assert standing(home).items() >= bought.items()
    assert charges(home) == 3


def test_photos_that_change_places_neither_wait_for_each_other_nor_mix(
    sandbox: Callable[..., Sandbox],
) -> None:
    home = sandbox()
    home.add(20)
    assert home.run().code == 0
    before, photos = standing(home), sorted(home.photos.iterdir())
    contents = [photo.read_bytes() for photo in photos]
    for _turn in range(3):
        for photo, content in zip(photos, reversed(contents), strict=True):
            photo.write_bytes(content)
        contents.reverse()
        outcome = home.run(workers=8)
        assert outcome.statuses() == {"duplicate": 20}, outcome.stderr
    names = [photo.name for photo in photos]
    assert standing(home) == {name: before[other] for name, other in zip(names, reversed(names), strict=True)}
    assert charges(home) == 20


def test_without_the_kept_results_going_back_is_bought(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(2)
    assert home.run().code == 0
    assert home.run(CROP, "--replace").code == 0
    shutil.rmtree(home.out / ".pixian-batch" / "kept")
    assert home.run("--replace").statuses() == {"done": 2}
    assert charges(home) == 6


@pytest.mark.parametrize("point", sorted(POINTS))
def test_killed_anywhere_there_is_the_old_or_the_new(sandbox: Callable[..., Sandbox], point: str) -> None:
    home = sandbox()
    home.add(3)
    assert home.run().code == 0
    first = standing(home)
    home.run(CROP, "--replace", kill=[point, 2], workers=2)
    everything = {*standing(home).values(), *(path.read_bytes() for path in kept(home))}
    assert everything >= set(first.values()), "a bought result is gone"
    home.run(CROP, "--replace", "--in-doubt", "resend")
    again = charges(home)
    back = home.run("--replace")
    assert back.code == 0, back.stderr
    assert standing(home) == first
    assert charges(home) == again
