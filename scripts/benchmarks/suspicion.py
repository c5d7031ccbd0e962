"""How good the report's order by suspicion is: photos with known mattes, cut out with `--local`, the worst ones wanted first.

`scripts/benchmarks/suspicion_set.py` says what the photos are, when a result is bad, and which packages give better subjects
than the project's four samples. docs/explanation/suspicion.md says what was found.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from scripts.benchmarks.measure import ours, run

if TYPE_CHECKING:
    from scripts.benchmarks.report import Bench

_FIRST: Final = 44
"""The reasons and their weights were chosen with the series before it."""
_SERIES: Final = 12


def measure(bench: Bench) -> None:
    """Make the series, cut them out, print how many bad ones are in all, among the first, and where the order is wrong."""
    folder, out = (os.path.join(bench.work, name) for name in ("suspicion", "suspicion-out"))
    program = [sys.executable, "-m", "scripts.benchmarks.suspicion_set"]
    run([*program, "make", folder, str(_FIRST), str(2 if bench.quick else _SERIES)])
    run(ours("run", folder, "--exclude", "*.alpha.png", "--out", out, "--local", "--no-progress"))
    log = os.path.join(bench.work, "suspicion.json")
    run([*program, "judge", folder, out], log=log)
    with open(log, encoding="utf-8") as stream:
        found: dict[str, Any] = json.load(stream)
    wrong = {name: found.pop(name) for name in ("missed", "blamed")}
    bench.note("a result is bad when its overlap with the truth (IoU) is under 0.9")
    bench.row("suspicion", **found)
    for name, ones in wrong.items():
        bench.note({"missed": "bad, and ranked last:", "blamed": "good, and ranked first:"}[name])
        for one in ones:
            bench.row(name, **one)
