"""The program itself: an environment of its own, PyInstaller in it, the folder that comes out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Final

from scripts._setup import ROOT, SetupError, interpreter, say

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

EXTRAS: Final = ("local", "keyring", "review")
"""What is inside; scripts/packaging/pixian-batch.spec says why the others are not."""
_WORK: Final = ROOT / "build" / "program"
SPEC: Final = ROOT / "scripts" / "packaging" / "pixian-batch.spec"


class BuildError(SetupError):
    """The program cannot be built, or is not what it should be; the message says what to do."""


def environment() -> Path:
    """The Python of a fresh environment with the project as users get it, and what builds it. Raises `BuildError`."""
    if sys.platform == "linux" and shutil.which("objdump") is None:
        raise BuildError("objdump is missing: on Debian and Ubuntu, sudo apt install binutils")
    home = _WORK / "env"
    say(f"Making an environment in {home} ...")
    shutil.rmtree(_WORK, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(home)])
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    python = interpreter(home)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    run([*pip, f"{ROOT}[{','.join(EXTRAS)}]", *tools["program"]])
    return python


def freeze(python: Path) -> Path:
    """Run PyInstaller; the folder with the program. Raises `BuildError`."""
    say("Building the program ...")
    places = ["--distpath", str(_WORK / "made"), "--workpath", str(_WORK / "steps")]
    run([str(python), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *places, str(SPEC)])
    return _WORK / "made" / "pixian-batch"


def run(command: list[str], *, variables: dict[str, str] | None = None, codes: Iterable[int] = (0,)) -> str:
    """What a command says on standard output. Raises `BuildError` with all that it said."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=variables,
    )
    if done.returncode not in codes:
        raise BuildError(f"This failed ({done.returncode}): {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def version() -> str:
    """The project's version, read from its file."""
    text = (ROOT / "pixian_batch" / "__init__.py").read_text(encoding="utf-8")
    return next(line.split('"')[1] for line in text.splitlines() if line.startswith("__version__"))


def moment() -> int:
    """The time that all packed files get, so that the same tree packs to the same bytes: seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given) if given else int(SPEC.stat().st_mtime)
