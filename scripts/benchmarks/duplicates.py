"""Duplicates: seconds for thousands of one photo, of which one is bought; new, and when their bytes are known."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from scripts.benchmarks.canned import canned_server
from scripts.benchmarks.measure import ROOT, median, ours, run

if TYPE_CHECKING:
    from scripts.benchmarks.measure import Usage
    from scripts.benchmarks.report import Bench

_PHOTO = os.path.join(ROOT, "docs", "samples", "cat.png")
_CREDENTIALS = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}


def measure(bench: Bench) -> None:
    """The whole command, start-up included. Known: its results are removed but for one, and made again."""
    count = 500 if bench.quick else 5000
    photos = os.path.join(bench.work, "twins")
    os.makedirs(photos)
    for number in range(count):
        shutil.copyfile(_PHOTO, os.path.join(photos, f"{number:05}.png"))
    usages: dict[str, list[Usage]] = {"new": [], "known": []}
    for _round in range(bench.rounds):
        new, known = _both(bench, photos)
        usages["new"].append(new)
        usages["known"].append(known)
    for name, measured in usages.items():
        usage = median(measured)
        bench.row(
            "duplicates",
            duplicates=count,
            bytes=name,
            wall_s=round(usage.wall, 2),
            cpu_s=round(usage.cpu, 2),
            peak_mb=round(usage.rss / 1e6),
        )
    shutil.rmtree(photos)


def _both(bench: Bench, photos: str) -> tuple[Usage, Usage]:
    out = os.path.join(bench.work, "out-twins")
    with canned_server(bench.work, tls=False) as server:
        command = ours("run", photos, "--out", out, "--no-progress", "--api-url", server.url)
        new = run(command, env=_CREDENTIALS)
        results = sorted(name for name in os.listdir(out) if name.endswith(".png"))
        for name in results[1:]:
            os.unlink(os.path.join(out, name))
        known = run(command, env=_CREDENTIALS)
    shutil.rmtree(out)
    return new, known
