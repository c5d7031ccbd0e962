"""Fail every call to the disk, one after another, and prove by the emulator's bill that no credit was lost.

Run it with: python scripts/fault_sweep.py [--kinds EIO,ENOSPC,KILL,POWER] [--every 1] [--minutes 12]

A run's calls that change a file (write, sync, truncate, rename, unlink, mkdir, create) are counted; then a new run
is made for each of them in which that call, or that and all later ones, fails (tests/support/faults.c, which needs
a C compiler and Linux). Good runs follow, and the promises are checked (tests/support/fault_sweeps.py). Ends with 0
when all were kept; what broke is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.fault_sweeps import Bench, Fault, faults_of  # the path comes first
from support.faults import KINDS, why_not


def sweep(kinds: list[str], every: int, minutes: float) -> int:
    """All faults, or as many as there is time for. 1 when a promise was broken."""
    began, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="fault-sweep-", ignore_cleanup_errors=True) as root:
        bench = Bench(Path(root))
        try:
            calls = bench.trial(Fault(0, "EIO")).calls
            faults = faults_of(calls, kinds)[::every]
            for fault in faults:
                if time.monotonic() - began > minutes * 60:
                    break
                _note(bench, fault, counts)
        finally:
            bench.close()
    print(
        f"{calls} calls a run; {counts['trials']} of {len(faults)} faults in {time.monotonic() - began:.0f} s:"
        f" {counts['stopped']} stopped the run, {counts['unknown']} images of unknown price"
        f" ({counts['hidden']} of them hidden), {counts['broken']} faults broke a promise"
    )
    return 1 if counts["broken"] else 0


def _note(bench: Bench, fault: Fault, counts: Counter[str]) -> None:
    trial = bench.trial(fault)
    counts["trials"] += 1
    counts["stopped"] += trial.outcomes[0].code != 0
    counts["unknown"] += trial.unknown
    counts["hidden"] += trial.hidden
    counts["broken"] += bool(trial.broken)
    for promise in trial.broken:
        print(f"BROKEN {fault}: {promise}", flush=True)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Fail every call to the disk; the bill is the judge.")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each n-th fault")
    parser.add_argument("--minutes", type=float, default=12.0, help="stop after this long in any case")
    options = parser.parse_args()
    if reason := why_not():
        print(f"skipped: {reason}")
        return 0
    return sweep(options.kinds.split(","), options.every, options.minutes)


if __name__ == "__main__":
    sys.exit(main())
