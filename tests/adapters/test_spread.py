"""Work over processes: in order, with bounded memory, and nothing is lost with a process that dies."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from pixian_batch.adapters.spread import Spread, usable_cores

if TYPE_CHECKING:
    from pathlib import Path


def doubled(number: int) -> int:
    if number == 3:
        time.sleep(0.2)  # the others are done sooner: the order is the work's all the same
    return number * 2


def deadly(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def deadly_once(path: str) -> str:
    if not os.path.exists(path):
        with open(path, "w"):
            os.kill(os.getpid(), signal.SIGKILL)
    return path


def lost(number: int) -> int:
    return -number


@pytest.mark.slow
def test_results_come_in_the_order_of_the_work_and_little_is_under_way() -> None:
    handed = []

    def work() -> object:
        for number in range(40):
            handed.append(number)
            yield number

    seen = []
    for result in Spread(doubled, lost, jobs=2).results(work()):  # type: ignore[arg-type]  # a generator
        seen.append(result)
        assert len(handed) - len(seen) <= 6
    assert seen == [number * 2 for number in range(40)]


@pytest.mark.slow
def test_what_ends_a_process_is_lost_alone() -> None:
    assert list(Spread(deadly, lost, jobs=2).results(range(9))) == [0, 1, 2, 3, 4, -5, 6, 7, 8]


@pytest.mark.slow
def test_what_ended_a_process_once_is_done_all_the_same(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in "abc"]
    assert list(Spread(deadly_once, str.upper, jobs=2).results(paths)) == paths


@pytest.mark.slow
def test_whoever_stops_early_leaves_no_process() -> None:
    import multiprocessing

    results = Spread(doubled, lost, jobs=2).results(range(1000))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert multiprocessing.active_children() == []


def test_the_cores_that_may_be_used() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
