"""Work over processes: in order, with bounded memory, and nothing is lost with a process that dies."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.commands import PATIENCE, environment

from pixian_batch.adapters.processes import Processes, usable_cores

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
    for result in Processes(doubled, lost, jobs=2).in_order(work()):  # type: ignore[arg-type]  # a generator
        seen.append(result)
        assert len(handed) - len(seen) <= 6
    assert seen == [number * 2 for number in range(40)]


@pytest.mark.slow
def test_what_ends_a_process_is_lost_alone() -> None:
    assert list(Processes(deadly, lost, jobs=2).in_order(range(9))) == [0, 1, 2, 3, 4, -5, 6, 7, 8]


@pytest.mark.slow
def test_what_ended_a_process_once_is_done_all_the_same(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in "abc"]
    assert list(Processes(deadly_once, str.upper, jobs=2).in_order(paths)) == paths


@pytest.mark.slow
def test_whoever_stops_early_leaves_no_process() -> None:
    import multiprocessing

    results = Processes(doubled, lost, jobs=2).in_order(range(1000))
    assert next(results) == 0
    results.close()
    assert multiprocessing.active_children() == []


def test_the_cores_that_may_be_used() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def faulty(number: int) -> int:
    return 1 // (number - 3)


@pytest.mark.slow
def test_an_error_of_ours_is_the_parents() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        list(Processes(faulty, lost, jobs=2).in_order(range(9)))
    assert "faulty" in caught.value.__notes__[0]


@pytest.mark.slow
def test_stopping_ends_what_is_begun_and_dropping_waits_for_nothing() -> None:
    seen: list[int] = []
    stopping = Processes(doubled, lost, jobs=2, stopping=lambda: len(seen) >= 3)
    for result in stopping.as_they_end(range(100)):
        seen += [] if result is None else [result]
    assert 3 <= len(seen) <= 5
    assert list(Processes(doubled, lost, jobs=2, dropping=lambda: True).as_they_end(range(9))) == []


_PARENT = """
import os, time
from pixian_batch.adapters.processes import Processes
def who(_number):
    return os.getpid()
if __name__ == "__main__":
    for process in Processes(who, who, jobs=1).in_order(range(2)):
        print(process, flush=True)
        time.sleep(1000)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="processes are waited for as Linux does")
def test_no_process_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env=environment({}), encoding="utf-8"
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    waiting = select.poll()
    waiting.register(child, select.POLLIN)
    assert waiting.poll(PATIENCE * 1000), "it is still there"
    os.close(child)
