"""Start-up: what the first breath of every command costs, and how many modules it loads."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from scripts.benchmarks.measure import ROOT, alternate, environment, run

if TYPE_CHECKING:
    from scripts.benchmarks.report import Bench


def measure(bench: Bench) -> None:
    """CPU milliseconds beside the bare interpreter's, for `--version` and for every command's modules."""
    commands = {"(bare python)": "pass", "--version": "import pixian_batch.__main__"}
    sys.path.insert(0, ROOT)
    from pixian_batch.cli.app import COMMANDS  # noqa: PLC0415  # a light import, but not before it is asked for

    for name in sorted(COMMANDS):
        commands[name] = f"import pixian_batch.cli.{COMMANDS[name]}"
    found = alternate(
        {name: partial(run, [sys.executable, "-c", code]) for name, code in commands.items()},
        3 if bench.quick else 7,
    )
    bare = found["(bare python)"].cpu
    for name, code in commands.items():
        said = subprocess.run(
            [sys.executable, "-c", f"import sys; {code}; print(len(sys.modules))"],
            capture_output=True,
            check=True,
            cwd=ROOT,
            env=environment(),
        )
        bench.row(
            "startup",
            command=name,
            cpu_ms=round(found[name].cpu * 1000, 1),
            times_bare=round(found[name].cpu / bare, 1),
            modules=int(said.stdout),
            peak_mb=round(found[name].rss / 1e6),
        )
