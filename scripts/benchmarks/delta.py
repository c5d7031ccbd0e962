"""Delta PNG: bytes against the full PNG, what that saves on a line of a given speed, and the rebuild's cost."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from scripts.benchmarks.measure import run

if TYPE_CHECKING:
    from scripts.benchmarks.report import Bench


def measure(bench: Bench) -> None:
    """The samples at 12 MP, cut out by the local engine."""
    folder, log = os.path.join(bench.work, "delta"), os.path.join(bench.work, "delta.log")
    run([sys.executable, "-m", "scripts.benchmarks.enlarge", folder, "12", "4"])
    run([sys.executable, "-m", "scripts.benchmarks.delta_model", folder], log=log)
    with open(log, encoding="utf-8") as stream:
        for line in stream:
            bench.row("delta", **json.loads(line))
