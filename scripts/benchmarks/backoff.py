"""Back-off under a rate limit: the real worker's linear rests against exponential with jitter, and none."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from scripts.benchmarks.measure import run

if TYPE_CHECKING:
    from scripts.benchmarks.report import Bench


def measure(bench: Bench) -> None:
    """Five minutes of virtual time for each policy and limit."""
    log = os.path.join(bench.work, "backoff")
    run([sys.executable, "-m", "scripts.benchmarks.backoff_model"], log=log)
    with open(log, encoding="utf-8") as stream:
        for line in stream:
            bench.row("backoff", **json.loads(line))
