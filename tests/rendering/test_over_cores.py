"""Processes over all cores: the same files as one gives, a dead process fails its image only, and the plug may be pulled."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support.commands import PATIENCE, environment, here
from support.cutouts import cutout
from support.pictures import put

from pixian_batch.adapters.processes import Processes
from pixian_batch.rendering.meeting import Stored
from pixian_batch.rendering.reading import read_file
from pixian_batch.rendering.work import Task, Variant, lost, work

if TYPE_CHECKING:
    from pathlib import Path

RECIPES = """
[recipe.a]
target_size = "700 700"
background_color = "#FFFFFF"
[recipe.b]
target_size = "600 600"
"""


def folder_of(home: Path, number: int, *, side: int = 60) -> Path:
    os.makedirs(home / "out")
    for index in range(number):
        Image.fromarray(cutout(side, side, seed=index)).save(home / f"out/{index:03}.png", compress_level=1)
    put(home / "r.toml", RECIPES.encode())
    return home


def words(home: Path, *more: str) -> list[str]:
    return ["render", str(home / "out"), "--recipe", str(home / "r.toml"), "--to", str(home / "to"), *more]


def made_in(home: Path) -> dict[str, int]:
    """Files that stand there, with their dates."""
    if not (home / "to").is_dir():
        return {}
    return {
        name: os.stat(home / "to" / name).st_mtime_ns
        for name in sorted(os.listdir(home / "to"))
        if not name.startswith(".")
    }


@pytest.mark.slow
def test_several_processes_make_the_same_files(tmp_path: Path) -> None:
    folder_of(tmp_path, 5)
    assert here(*words(tmp_path, "--jobs", "2")).code == 0
    many = {name: (tmp_path / "to" / name).read_bytes() for name in made_in(tmp_path)}
    assert len(many) == 10
    for name in many:
        os.unlink(tmp_path / "to" / name)
    assert here(*words(tmp_path, "--jobs", "1")).code == 0
    assert {name: (tmp_path / "to" / name).read_bytes() for name in many} == many


@pytest.mark.slow
def test_a_process_that_dies_takes_no_other_image_with_it(tmp_path: Path) -> None:
    folder_of(tmp_path, 4, side=400)
    recipe = read_file(str(tmp_path / "r.toml"))["a"]
    os.makedirs(tmp_path / "parts")

    def task(number: int) -> Task:
        source = Stored(path=str(tmp_path / f"out/{number:03}.png"), identity="")
        variants = (Variant(number, recipe, str(tmp_path / f"to/{number}.jpg")),)
        return Task(source, variants, str(tmp_path / "parts"))

    processes = Processes(work, lost, jobs=1)
    problems: dict[int, str | None] = {}
    killed = 0
    for outcomes in processes.as_they_end(task(number) for number in range(4)):
        for outcome in outcomes or ():
            problems[outcome.number] = outcome.problem
        if 0 in problems and killed < 2 and processes._hands:  # whatever is in its hand when it goes, twice
            os.kill(processes._hands[0].process.pid or 0, signal.SIGKILL)
            killed += 1
    assert killed == 2
    assert sum(problem is not None for problem in problems.values()) <= 1
    assert set(problems) == {0, 1, 2, 3}
    assert [outcome.problem for outcome in lost(task(9))] == [
        "the process that made it was ended by the system"
    ]


def started(home: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pixian_batch", *words(home, *more)],
        env=environment({}),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def wait_for(home: Path, number: int, process: subprocess.Popen[str]) -> None:
    patience = time.monotonic() + PATIENCE
    while len(made_in(home)) < number:
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < patience
        time.sleep(0.01)


@pytest.mark.slow
def test_the_plug_may_be_pulled_at_any_moment(tmp_path: Path) -> None:
    folder_of(tmp_path, 16, side=100)
    for number in (1, 9):
        with started(tmp_path, "--jobs", "2") as process:
            wait_for(tmp_path, number, process)
            process.kill()
        before = made_in(tmp_path)
        for name in before:
            with Image.open(tmp_path / "to" / name) as image:
                image.load()  # whole
    result = here(*words(tmp_path, "--jobs", "1"))
    assert result.code == 0, result.err
    after = made_in(tmp_path)
    assert len(after) == 32
    again = [name for name, date in before.items() if after[name] != date]
    assert len(again) <= 4, "what was told of is not made again"
    assert os.listdir(tmp_path / "to/.pixian-batch/rendering") == []


@pytest.mark.slow
def test_ctrl_c_ends_what_is_begun(tmp_path: Path) -> None:
    folder_of(tmp_path, 16, side=100)
    with started(tmp_path, "--jobs", "2") as process:
        wait_for(tmp_path, 3, process)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "not begun" in err
    assert "Traceback" not in err
    before = made_in(tmp_path)
    assert 3 <= len(before) < 32
    assert here(*words(tmp_path, "--jobs", "1")).code == 0
    after = made_in(tmp_path)
    assert {name: after[name] for name in before} == before


def test_two_commands_at_once_are_one_too_many(tmp_path: Path) -> None:
    from pixian_batch.rendering.index import Index

    folder_of(tmp_path, 1)
    with Index.open(str(tmp_path / "to")):
        result = here(*words(tmp_path, "--jobs", "1"))
    assert result.code == 11
    assert made_in(tmp_path) == {}


def test_an_index_that_is_none_is_told(tmp_path: Path) -> None:
    folder_of(tmp_path, 1)
    put(tmp_path / "to/.pixian-batch/rendered.db", b"this is no database" * 100)
    result = here(*words(tmp_path, "--jobs", "1"))
    assert result.code == 8
    assert "is damaged" in result.err


def test_what_a_killed_command_was_about_to_make_is_made_again(tmp_path: Path) -> None:
    from pixian_batch.rendering.index import Index

    folder_of(tmp_path, 1)
    with Index.open(str(tmp_path / "to")) as index:
        index.intend([("000_a.jpg", "of something")])
    put(tmp_path / "to/000_a.jpg", b"whole, but nobody was told of it")
    put(tmp_path / "to/.pixian-batch/rendering/.x.part", b"half")
    result = here(*words(tmp_path, "--jobs", "1"))
    assert result.code == 0, result.err
    with Image.open(tmp_path / "to/000_a.jpg") as image:
        assert np.asarray(image).shape == (700, 700, 3)
    assert os.listdir(tmp_path / "to/.pixian-batch/rendering") == []


def test_a_disk_that_takes_no_more_ends_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own refusal, where no small disk can be had: every sync of a file says that there is no room."""
    folder_of(tmp_path, 3)
    real, refused = os.fsync, 0

    def full(number: int) -> None:
        nonlocal refused
        refused += 1
        if refused > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(number)

    monkeypatch.setattr(os, "fsync", full)
    result = here(*words(tmp_path, "--jobs", "1"))
    assert result.code == 8
    assert "1 made, 1 failed, 4 not begun" in result.err
    assert "make room" in result.err
    assert len(made_in(tmp_path)) == 1
    assert os.listdir(tmp_path / "to/.pixian-batch/rendering") == []
    monkeypatch.undo()
    assert here(*words(tmp_path, "--jobs", "1")).code == 0
    assert len(made_in(tmp_path)) == 6
