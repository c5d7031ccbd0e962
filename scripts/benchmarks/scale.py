"""Scale of the batch: walking, a run over what is all done, the time to the first request, ledger bytes.

With PIXIAN_BENCH_BATCHES=FOLDER the batches are made there once and kept: a million take minutes to make.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from scripts.benchmarks.canned import canned_server
from scripts.benchmarks.measure import BenchError, alternate, environment, ours, run

if TYPE_CHECKING:
    from scripts.benchmarks.measure import Usage
    from scripts.benchmarks.report import Bench

_CREDENTIALS = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
_PATIENCE = 60.0


def measure(bench: Bench) -> None:
    """Every size, each ten times the last."""
    for count in (10_000, 100_000) if bench.quick else (10_000, 100_000, 1_000_000):
        kept = os.environ.get("PIXIAN_BENCH_BATCHES")
        folder = os.path.join(kept or bench.work, f"batch-{count}")
        if not os.path.isdir(folder):
            run([sys.executable, "-m", "scripts.benchmarks.populate", folder, str(count)])
        try:
            _size(bench, folder, count)
        finally:
            if not kept:
                shutil.rmtree(folder)


def _size(bench: Bench, folder: str, count: int) -> None:
    source, out = os.path.join(folder, "in"), os.path.join(folder, "out")
    empty = os.path.join(folder, "empty")
    os.makedirs(empty, exist_ok=True)
    walk = [sys.executable, "-m", "scripts.benchmarks.walk_only"]
    log = os.path.join(bench.work, "scale.log")
    usages = alternate(
        {
            "find": lambda: run(["find", source, "-type", "f", "-name", "*.jpg"]),
            "walk": lambda: run([*walk, source]),
            "walk nothing": lambda: run([*walk, empty]),
            "all done": lambda: _again(source, out, log),
            "nothing": lambda: _again(empty, f"{out}-empty", log),
        },
        bench.rounds,
    )
    done, base = usages["all done"], usages["nothing"]
    bench.row(
        "scale",
        images=count,
        find_cpu_s=round(usages["find"].cpu, 3),
        walk_times_find=round((usages["walk"].cpu - usages["walk nothing"].cpu) / usages["find"].cpu, 2),
        resume_cpu_s=round(done.cpu, 2),
        base_cpu_s=round(base.cpu, 2),
        resume_us_per_image=round((done.cpu - base.cpu) / count * 1e6, 1),
        resume_mb_over_base=round((done.rss - base.rss) / 1e6, 1),
        first_request_s=_first_request(bench, source),
        first_request_flat_s=_first_request(bench, os.path.join(folder, "flat")),
        ledger_b_per_image=round(os.path.getsize(os.path.join(out, ".pixian-batch", "ledger.db")) / count),
    )


def _again(source: str, out: str, log: str) -> Usage:
    command = ours("run", source, "--out", out, "--no-progress", "--api-url", "http://127.0.0.1:9")
    return run(command, env=_CREDENTIALS, log=log)


def _first_request(bench: Bench, source: str) -> float:
    """Seconds from the start of the process to its first photo at the server; the median of some runs."""
    return round(statistics.median(_arrival(bench, source) for _round in range(bench.rounds)), 2)


def _arrival(bench: Bench, source: str) -> float:
    """The same, of one run over a batch that is all new."""
    out = os.path.join(bench.work, "new")
    with canned_server(bench.work, tls=False, latency=1.0) as server:
        command = ours("run", source, "--out", out, "--no-progress", "--api-url", server.url)
        began = time.monotonic()
        child = subprocess.Popen(
            command, env=environment(_CREDENTIALS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _until_something_arrived(out, began)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait()
            shutil.rmtree(out)
    return server.first - began


def _until_something_arrived(out: str, began: float) -> None:
    while not any(name.endswith(".part") for _folder, _folders, files in os.walk(out) for name in files):
        if time.monotonic() > began + _PATIENCE:
            raise BenchError("no request was sent in a minute")
        time.sleep(0.05)
    time.sleep(0.5)
