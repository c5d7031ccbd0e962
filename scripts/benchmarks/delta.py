"""Delta PNG: bytes against the full PNG, the rebuild's cost, and whole runs over a line of limited speed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from scripts.benchmarks.measure import ROOT, BenchError, Usage, alternate, environment, ours, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.benchmarks.report import Bench

_CREDENTIALS: Final = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
_WAYS: Final = {"full PNG": (), "--via-delta": ("--via-delta",)}
_PHOTOS: Final = 4


def measure(bench: Bench) -> None:
    """The samples at 12 MP, cut out by the local engine."""
    folder, log = os.path.join(bench.work, "delta"), os.path.join(bench.work, "delta.log")
    run([sys.executable, "-m", "scripts.benchmarks.enlarge", folder, "12", str(_PHOTOS)])
    run([sys.executable, "-m", "scripts.benchmarks.delta_model", folder], log=log)
    with open(log, encoding="utf-8") as stream:
        for line in stream:
            bench.row("delta", **json.loads(line))
    for megabits in (10, 100):
        _over_a_line(bench, folder, megabits)


def _over_a_line(bench: Bench, folder: str, megabits: int) -> None:
    """The whole command, start-up, upload, engine, download and rebuild included."""
    bytes_passed: dict[str, list[tuple[int, int]]] = {way: [] for way in _WAYS}
    subjects: dict[str, Callable[[], Usage]] = {
        way: partial(_one, bench, folder, megabits, way, bytes_passed[way]) for way in _WAYS
    }
    usages = alternate(subjects, max(2, bench.rounds))
    for way, usage in usages.items():
        up, down = bytes_passed[way][0]
        bench.row(
            "line",
            mbit_per_second=megabits,
            result=way,
            photos=_PHOTOS,
            mb_up=round(up / 1e6, 2),
            mb_down=round(down / 1e6, 2),
            seconds=round(usage.wall, 1),
            cpu_s=round(usage.cpu, 1),
        )


def _one(bench: Bench, folder: str, megabits: int, way: str, passed: list[tuple[int, int]]) -> Usage:
    out = os.path.join(bench.work, "delta-out")
    shutil.rmtree(out, ignore_errors=True)
    with _listening(*ours("serve", "--port", "0", "--free", "--config", "none")) as (_server, url):
        port = urlsplit(url).port
        relay = [sys.executable, "-m", "scripts.benchmarks.relay", str(port), str(megabits * 1_000_000)]
        with _listening(*relay) as (line, own_port):
            api = f"http://127.0.0.1:{own_port}{urlsplit(url).path}"
            command = ours("run", folder, "--out", out, "--api-url", api, "--no-progress", *_WAYS[way])
            usage = run(command, env=_CREDENTIALS, log=os.path.join(bench.work, "line.log"))
            line.send_signal(signal.SIGTERM)
            up, down = line.communicate(timeout=20)[0].split()
    if len([name for name in os.listdir(out) if name.endswith(".png")]) != _PHOTOS:
        raise BenchError(f"not every photo came back over the line of {megabits} Mbit/s")
    passed.append((int(up), int(down)))
    return usage


@contextmanager
def _listening(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of ours, and the first line that it says."""
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )
    with server:
        try:
            if server.stdout is None or not (url := server.stdout.readline().strip()):
                raise BenchError(f"{' '.join(command[:4])} did not begin to listen")
            yield server, url
        finally:
            server.terminate()
