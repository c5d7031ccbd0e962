"""Pool efficiency: how much of concurrency / latency the whole command reaches, on the wire and on paper.

On the wire: the real command against a server that answers after a latency. On paper: the real pool, on
a clock that jumps (looptime), for the ramp of the vendor at a fifth of its time.
"""

from __future__ import annotations

import os
import random
import sys
from math import exp
from typing import TYPE_CHECKING

from scripts.benchmarks.canned import canned_server
from scripts.benchmarks.client_cost import CREDENTIALS
from scripts.benchmarks.measure import ours, run
from scripts.benchmarks.photos import make_photos
from scripts.benchmarks.wire_server import middle

if TYPE_CHECKING:
    from scripts.benchmarks.report import Bench

_WORKERS = 100
_SIGMA = 0.8


def measure(bench: Bench) -> None:
    """The wire first, then the ramp."""
    count = 2000 if bench.quick else 6000
    photos = make_photos(os.path.join(bench.work, f"pool-{count}"), count, 100_000)
    for name, sigma in (("1 s", 0.0), ("log-normal", _SIGMA)):
        _on_the_wire(bench, name, photos, sigma)
    simulated = run(
        [sys.executable, "-m", "scripts.benchmarks.ramp_model"], log=os.path.join(bench.work, "ramp")
    )
    with open(os.path.join(bench.work, "ramp"), encoding="utf-8") as stream:
        workers, area, over = stream.read().split()
    bench.row(
        "ramp",
        ramp=f"5 to {workers}, a minute a step",
        of_the_area=float(area),
        above_it_at=int(over),
        cpu_s=round(simulated.cpu, 1),
    )


def _on_the_wire(bench: Bench, name: str, photos: list[str], sigma: float) -> None:
    out = os.path.join(bench.work, f"pool-out-{name}")
    with canned_server(bench.work, tls=False, answer=100_000, latency=1.0, sigma=sigma) as server:
        pace = ("--concurrency-max", str(_WORKERS), "--ramp-interval", "0")
        places = (os.path.dirname(photos[0]), "--out", out, "--api-url", server.url)
        command = ours("run", *places, "--no-progress", *pace)
        usage = run(command, env=CREDENTIALS, log=os.path.join(bench.work, "pool.log"))
    ends = _ideal(len(photos), sigma)
    ideal = ends[-1]
    busy = server.last - server.first + 1.0  # the first image was on its way for its latency, too
    bench.row(
        "pool",
        latency=name,
        images=len(photos),
        of_the_ideal=round(ideal / busy, 3),
        middle_of_the_ideal=round(middle(ends) / server.middle, 3),
        ideal_s=round(ideal, 2),
        took_s=round(busy, 2),
        whole_command_s=round(usage.wall, 2),
        cpu_share=round(usage.cpu / usage.wall, 2),
    )


def _ideal(count: int, sigma: float) -> list[float]:
    """When each image would be done by as many workers that lose no time between two: the server's own draw."""
    draw = random.Random(6)  # noqa: S311  # the server's weather again
    free = [0.0] * _WORKERS
    ends: list[float] = []
    for _image in range(count):
        soonest = min(range(_WORKERS), key=free.__getitem__)
        free[soonest] += exp(draw.gauss(0.0, sigma)) if sigma else 1.0
        ends.append(free[soonest])
    return sorted(ends)
