"""Environments for what we are compared with: made once from PyPI into a cache folder, never into our own."""

from __future__ import annotations

import os
import subprocess
import sys
import venv

from scripts.benchmarks.measure import BenchError


def throwaway(cache: str, name: str, *packages: str) -> str:
    """The Python of an environment with `packages`. The only thing here that may use the network."""
    home = os.path.join(cache, name)
    python = os.path.join(home, "bin", "python")
    stamp = os.path.join(home, "made")
    if not os.path.exists(stamp):
        print(f"making a throwaway environment with {', '.join(packages)}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *packages],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"{', '.join(packages)} cannot be installed:\n{done.stderr[-500:]}")
        with open(stamp, "w", encoding="utf-8") as stream:
            stream.write("\n".join(packages))
    return python
