"""Runs a command and says what it cost: CPU seconds, peak memory, wall time. Nothing else decides a figure.

CPU seconds are the child's own (`wait4`: with its threads and the children it has waited for), so that a
machine shared with others still gives the same figure. Whatever is compared runs A B A B, medians count.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class BenchError(Exception):
    """A benchmark cannot be run, or what it measured did not do its work."""


@dataclass(frozen=True, slots=True)
class Usage:
    """cpu: user and system seconds; rss: peak bytes; wall: seconds."""

    cpu: float
    rss: int
    wall: float


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    accept: frozenset[int] = frozenset({0}),
    log: str = os.devnull,
) -> Usage:
    """Run to the end; raises `BenchError` for an exit code that was not expected.

    Keep this process small: Linux counts the parent's size at the fork as the child's peak.
    """
    began = time.monotonic()
    with open(log, "wb") as output:
        child = subprocess.Popen(  # our own commands
            command,
            env=environment(env),
            cwd=cwd or ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        _pid, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in accept:
        raise BenchError(f"{' '.join(command[:4])} ... ended with {child.returncode}; see {log}")
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, wall)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of what is measured: modules are compiled once, as they are for users."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(more or {})}


def alternate(subjects: Mapping[str, Callable[[], Usage]], rounds: int) -> dict[str, Usage]:
    """Each subject in turn, `rounds` times over; the medians."""
    usages: dict[str, list[Usage]] = {name: [] for name in subjects}
    for _round in range(rounds):
        for name, subject in subjects.items():
            usages[name].append(subject())
    return {name: median(measured) for name, measured in usages.items()}


def median(usages: Sequence[Usage]) -> Usage:
    """The median of each figure by itself."""
    return Usage(
        statistics.median(one.cpu for one in usages),
        int(statistics.median(one.rss for one in usages)),
        statistics.median(one.wall for one in usages),
    )


def ours(*arguments: str) -> list[str]:
    """The command line of this checkout's pixian-batch."""
    return [sys.executable, "-m", "pixian_batch", *arguments]
