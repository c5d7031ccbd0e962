"""Start-up: what the first breath of every command costs, and how many modules it loads."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from scripts.benchmarks.measure import ROOT, alternate, environment, run

if TYPE_CHECKING:
    from scripts.benchmarks.report import Bench

_CREDENTIALS = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}


def measure(bench: Bench) -> None:
    """CPU milliseconds beside the bare interpreter's: help pages, every command's modules, a run over nothing."""
    commands = _commands(bench.work)
    usages = alternate(
        {name: partial(run, [sys.executable, *words], env=_CREDENTIALS) for name, words in commands.items()},
        3 if bench.quick else 7,
    )
    bare = usages["(bare python)"].cpu
    for name, words in commands.items():
        bench.row(
            "startup",
            command=name,
            cpu_ms=round(usages[name].cpu * 1000, 1),
            times_bare=round(usages[name].cpu / bare, 1),
            modules=_modules(words),
            peak_mb=round(usages[name].rss / 1e6),
        )


def _commands(work: str) -> dict[str, list[str]]:
    """What is measured, and the interpreter's arguments for it."""
    sys.path.insert(0, ROOT)
    from pixian_batch.cli.app import COMMANDS, module_of

    empty = os.path.join(work, "empty")
    os.makedirs(empty, exist_ok=True)
    program = ["-m", "pixian_batch"]
    commands = {
        "(bare python)": ["-c", "pass"],
        "--version": [*program, "--version"],
        "--help": [*program, "--help"],
        "run --help": [*program, "run", "--help"],
    }
    for name in sorted(COMMANDS):
        # `run` and `plan` load what they do only when they are called, from the module of their name.
        modules = ["pixian_batch.cli.app", module_of(name), f"pixian_batch.cli.commands.{name}"]
        commands[name] = ["-c", "; ".join(f"import {module}" for module in modules)]
    where = [empty, "--out", os.path.join(work, "out"), "--api-url", "http://127.0.0.1:9", "--no-progress"]
    commands["a whole run over an empty folder"] = [*program, "run", *where]
    return commands


def _modules(words: list[str]) -> int:
    """How many modules were loaded, the interpreter's own included."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment(_CREDENTIALS),
    )
    return done.stderr.count("import time:") - 1
