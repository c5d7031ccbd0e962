"""The numbers of a whole run: what was found, what was left, and results that somebody should look at."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from support.told import endings_told

from pixian_batch.emulator.settings import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace


def records(out: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """By input's name, and the summary."""
    *images, summary = endings_told(out)
    return {os.path.basename(image["input"]): image for image in images}, summary


def test_a_run_that_is_stopped_says_how_much_is_left_of_all(workspace: Callable[..., Workspace]) -> None:
    home = workspace(credits=1)
    home.add(*(f"{number % 7}/{number:03}.png" for number in range(329)), size=(900, 900))
    code, out, err = home.run("--json", "--no-progress")
    _, summary = records(out)
    assert code == 5
    assert (summary["found"], summary["counted"]) == (329, True)
    assert summary["done"] + summary["not_started"] == 329
    assert summary["done"] == home.emulator.bill.totals.charges < 300
    assert re.search(rf"not started +{summary['not_started']} ", err)
    assert "found 329 images" in err


def test_an_input_that_is_named_twice_counts_once(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add(*(f"{number:02}.png" for number in range(12)))
    twice = (str(home.photos), "--out", str(home.out), *home.common, "--json", "--no-progress")
    for expected in ("done", "skipped"):
        code, out, err = home.do("run", str(home.photos), str(home.photos / "03.png"), *twice)
        _, summary = records(out)
        assert code == 0
        assert (summary["found"], summary[expected]) == (12, 12)
        assert "12 of 12 images (100.0 %)" in err
        code, out, err = home.do("plan", str(home.photos), str(home.photos / "03.png"), *twice[:5], "--json")
        assert json.loads(out)["done"] == 12
    assert home.emulator.bill.totals.charges == 12


def brick_wall(path: Path) -> None:
    rng = np.random.default_rng(3)
    wall = np.full((450, 600, 3), 186, np.float32)
    for row, top in enumerate(range(0, 450, 24)):
        for left in range(-28 * (row % 2), 600, 56):
            wall[top + 3 : top + 24, max(0, left + 3) : left + 56] = np.array((150, 70, 55)) + rng.normal(
                0, 14, 3
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((wall + rng.normal(0, 9, wall.shape)).clip(0, 255).astype(np.uint8)).save(
        path, quality=92
    )


def test_a_brick_wall_is_not_done_without_a_word(workspace: Callable[..., Workspace]) -> None:
    home = workspace(engine=EngineName.U2NETP)
    brick_wall(home.photos / "wall.jpg")
    with Image.open("docs/samples/astronaut.png") as sample:
        sample.resize((300, 300)).save(home.photos / "astronaut.png")
    log = home.root / "log"
    code, out, err = home.run(*("--json", "--no-progress", "--idle-timeout", "180s"), "--log-file", str(log))
    images, summary = records(out)
    assert code == 0
    wall, astronaut = images["wall.jpg"], images["astronaut.png"]
    assert wall["status"] == astronaut["status"] == "done"
    assert wall["suspicion"] is not None
    assert wall["warnings"]
    assert (astronaut["suspicion"], astronaut["warnings"]) == (None, [])
    assert 0.3 < astronaut["alpha"]["visible"] < 0.8
    assert summary["empty"] + summary["half_transparent"] + summary["full"] == summary["warnings"] == 1
    assert [image["output"] for image in summary["suspect_images"]] == [wall["output"]]
    assert f"warning: {home.photos / 'wall.jpg'}: the result is " in err
    assert f"look at: {home.out / 'wall.png'}: " in err
    assert "next: look at this result before you use it" in err
    assert f"{home.photos / 'wall.jpg'}: the result is " in log.read_text(encoding="utf-8")


def test_other_files_are_counted_by_their_suffix(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    for name in ("b.txt", "c/d.TXT", "e.mp4", "noext", "x.quite-a-long-suffix", ".hidden.txt"):
        (home.photos / name).parent.mkdir(exist_ok=True)
        (home.photos / name).write_bytes(b"x")
    words = "2 .txt, 1 .mp4 and 2 of other kinds were left out: they are no photos"
    others = [
        {"suffix": ".txt", "count": 2},
        {"suffix": "", "count": 2},
        {"suffix": ".mp4", "count": 1},
    ]
    plan = home.plan()["left_out"]["others"]
    assert sorted(plan, key=str) == sorted(others, key=str)
    code, out, err = home.run("--json", "--no-progress")
    assert code == 0
    assert sorted(records(out)[1]["left_out"]["others"], key=str) == sorted(others, key=str)
    planned = home.do("plan", str(home.photos), "--out", str(home.out))[1]
    assert (err.count(words), planned.count(words)) == (1, 1)


def test_bytes_on_the_wire_are_counted(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "b.png", size=(60, 40))
    _, out, err = home.run("--json", "--no-progress")
    summary = records(out)[1]
    photos = sum(path.stat().st_size for path in home.photos.iterdir())
    results = sum(path.stat().st_size for path in home.out.glob("*.png"))
    # The form around a photo, the questions about the account before the first, their answers.
    assert photos < summary["bytes_sent"] < photos + 8 * 1000
    assert results <= summary["bytes_received"] < results + 4000
    assert "sent" in err
