"""Measure what pixian-batch costs beside what people would use instead. Linux only; no network.

Run it with: python scripts/bench.py [SECTION...] [--quick] [--json FILE] [--rounds N]

Sections: see `--help`. Without one: all of them. Throwaway environments with what we are compared with
are made once from PyPI, in $PIXIAN_BENCH_CACHE or a folder of the user's cache. `docs/performance.md`
says what is measured and how.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scripts.benchmarks.measure import BenchError
from scripts.benchmarks.report import Bench

SECTIONS = {
    "client": "client_cost",
    "pool": "pool",
    "backoff": "backoff",
    "scale": "scale",
    "duplicates": "duplicates",
    "engine": "engine",
    "delta": "delta",
    "render": "render",
    "startup": "startup",
    "suspicion": "suspicion",
}


def main() -> int:
    """Measure; 0 when every section could be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="fewer images, cases and rounds")
    parser.add_argument("--json", metavar="FILE", help="write what was measured to FILE")
    parser.add_argument("--rounds", type=int, help="times each is measured; medians count")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    cache = os.environ.get("PIXIAN_BENCH_CACHE") or os.path.expanduser("~/.cache/pixian-batch-bench")
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pixian-bench-") as work:
        bench = Bench(work, cache, options.quick, options.rounds or (1 if options.quick else 3))
        failed = [name for name in options.sections or SECTIONS if not _measured(bench, name)]
    if options.json:
        bench.write(options.json)
    return 1 if failed else 0


def _measured(bench: Bench, name: str) -> bool:
    try:
        importlib.import_module(f"scripts.benchmarks.{SECTIONS[name]}").measure(bench)
    except BenchError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
