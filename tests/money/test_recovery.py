"""What an interrupted run has left is found again: from another working directory, in another place."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from support.sandboxes import Sandbox, audit, png

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED = -9


@pytest.mark.parametrize("point", ["after_sync", "after_verdict", "after_rename"])
@pytest.mark.parametrize("options", [[], ["--via-delta"]])
def test_a_spool_is_found_from_another_working_directory(
    sandbox: Callable[..., Sandbox], point: str, options: list[str]
) -> None:
    home = sandbox()
    home.add(1)
    elsewhere = home.root / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    common = ["--api-url", home.emulator.api, "--min-free", "1MB", "--json", *options]
    env = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    # One photo: others would be in flight when the plug is pulled, and rightly in doubt.
    first = ["run", "in", "--out", "out", *common]
    assert home.fork_server.ask(run=first, env=env, cwd=str(home.root), kill=[point, 1]).wait().code == KILLED
    home.add(2, first=1)
    second = ["run", "../../in", "--out", "../../out", *common]
    outcome = home.fork_server.ask(run=second, env=env, cwd=str(elsewhere)).wait()
    assert outcome.code == 0, outcome.stderr
    assert outcome.summary["repaired"] >= 1
    assert home.emulator.bill().most_charges == 1
    assert len(home.results()) == 3
    assert home.strays() == []


def test_a_spool_is_found_after_the_output_was_moved(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(3)
    assert home.run(workers=1, kill=["after_sync", 1]).code == KILLED
    moved = home.root / "moved"
    shutil.move(home.out, moved)
    home.out = moved
    audit(home, home.run(), workers=4)
    assert home.emulator.bill().totals["charges"] == 3
    assert home.undecided() == {}


def test_two_ledgers_may_share_an_output_folder(sandbox: Callable[..., Sandbox]) -> None:
    """Their attempts have the same numbers; their spools must not be the same files."""
    home = sandbox("weather.latency.median = 0.3")
    home.add(4)
    other = home.root / "other"
    other.mkdir()
    for path in sorted(home.photos.iterdir())[2:]:
        shutil.move(path, other / path.name)
    one = home.begin("--ledger", str(home.root / "one.db"), workers=2)
    common = ["--out", str(home.out), "--api-url", home.emulator.api, "--min-free", "1MB", "--json"]
    env = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    two = home.fork_server.ask(
        run=["run", str(other), *common, "--ledger", str(home.root / "two.db")], env=env
    )
    assert one.wait().code == two.wait().code == 0
    assert len(home.results()) == 4
    assert home.emulator.bill().totals["charges"] == 4


def test_a_killed_run_after_another_leaves_all_doubts_named(sandbox: Callable[..., Sandbox]) -> None:
    """Doubts of several interrupted runs add up, and none is forgotten or sent again."""
    home = sandbox()
    home.add(12)
    for _ in range(3):
        assert home.run(kill=["upload_after_tail", 2]).code == KILLED
    outcome = home.run()
    audit(home, outcome, workers=12)
    assert outcome.summary["in_doubt"] == len(home.undecided()) >= 3
    assert len(outcome.summary["in_doubt_images"]) == outcome.summary["in_doubt"]


def test_a_result_that_was_removed_is_bought_again_only_then(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(3)
    assert home.run().code == 0
    os.unlink(home.out / "00001.png")
    assert home.run().summary["done"] == 1
    assert home.emulator.bill().totals["charges"] == 4


def test_a_photo_that_came_to_a_results_place_is_not_replaced(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    photo, other = home.photos / "a.jpg", home.photos / "a.png"
    photo.write_bytes(png(1))
    common = ["--out", str(home.photos), "--ledger", str(home.root / "ledger.db"), "--overwrite"]
    common += ["--api-url", home.emulator.api, "--min-free", "1MB", "--json"]
    env = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    first = ["run", str(photo), *common]
    assert home.fork_server.ask(run=first, env=env, kill=["after_sync", 1]).wait().code == KILLED
    other.write_bytes(png(2))
    both = ["run", str(photo), str(other), *common]
    outcome = home.fork_server.ask(run=both, env=env).wait()
    assert (outcome.code, outcome.statuses()) == (3, {"failed": 2}), outcome.stderr
    assert {image["error"]["code"] for image in outcome.images} == {"collision"}
    assert other.read_bytes() == png(2)
    other.unlink()
    outcome = home.fork_server.ask(run=first, env=env).wait()
    assert (outcome.code, outcome.summary["repaired"]) == (0, 1), outcome.stderr
    assert home.emulator.bill().totals["charges"] == 1
