"""The tests against the wheel that users get, in a clean environment away from the source.

Finds what an editable install hides: a module or the engine's weights left out of the package. The tests
about the project itself and its pages, which read the source tree, stay behind.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts._setup import ROOT, SetupError, interpreter, say

_COPIED = ("tests", "docs", "README.md", "pyproject.toml")
_OF_THE_SOURCE = ("project", "docs")
"""Folders of tests that read the source tree or its scripts."""
_WITHOUT_SOURCE = "test_startup.py"
"""The one file among them that needs no source tree."""


def prove_wheel(python: Path, environment: dict[str, str], pytest_arguments: list[str]) -> int:
    """Build the wheel into `dist`, install it elsewhere, run the tests there. Returns pytest's exit code."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="pixian-batch-wheel-") as folder:
        away = Path(folder)
        say("-- wheel: build")
        _pip(python, ["wheel", "--no-deps", "--wheel-dir", str(dist), str(ROOT)])
        (wheel,) = dist.glob("*.whl")
        say(f"-- wheel: install {wheel.name} into a clean environment")
        _python([sys.executable, "-m", "venv", str(away / "env")])
        clean = interpreter(away / "env")
        _pip(clean, ["install", f"{wheel}[local,dev]"])
        for name in _COPIED:
            _copy(ROOT / name, away / name)
        for test in [test for room in _OF_THE_SOURCE for test in (away / "tests" / room).glob("test_*.py")]:
            if test.name != _WITHOUT_SOURCE:
                test.unlink()
        where = "import pixian_batch; print(pixian_batch.__file__)"
        imported = _python([str(clean), "-P", "-c", where]).strip()
        if not Path(imported).is_relative_to(away / "env"):
            raise SetupError(f"The tests would not have tested the wheel: import gave {imported}")
        say(f"-- wheel: pytest against {wheel.name}")
        tests = [str(clean), "-P", "-m", "pytest", *pytest_arguments]
        # What is compiled there goes with it.
        variables = environment | {"PYTHONPYCACHEPREFIX": str(away / "bytecode")}
        return subprocess.run(tests, cwd=away, env=variables, check=False).returncode


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _pip(python: Path, arguments: list[str]) -> None:
    _python([str(python), "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", *arguments])


def _python(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"This failed: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout
