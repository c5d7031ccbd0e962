"""Start-up stays cheap: what a command does not need, it does not import."""

from __future__ import annotations

import re
import subprocess
import sys

import pixian_batch

HEAVY = {"PIL", "aiohttp", "asyncio", "numpy", "onnxruntime", "rich", "typer"}


def roots_imported(*arguments: str) -> tuple[set[str], str]:
    """The top-level modules that a Python of its own imports, and what it prints."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, re.sub(r"(?m)^import time:.*\n", "", done.stderr)
    names = re.findall(r"(?m)^import time:[^|]*\|[^|]*\| +(\w+)", done.stderr)
    assert "pixian_batch" in names, "the measure is blind"
    return set(names), done.stdout


def test_importing_the_package_is_nearly_free() -> None:
    names, _ = roots_imported("-c", "import pixian_batch")
    assert names & HEAVY == set()


def test_version_is_nearly_free() -> None:
    names, output = roots_imported("-m", "pixian_batch", "--version")
    assert output == f"pixian-batch {pixian_batch.__version__}\n"
    assert names & HEAVY == set()


def test_the_measure_sees_what_is_imported() -> None:
    names, _ = roots_imported("-c", "import pixian_batch, asyncio")
    assert "asyncio" in names
