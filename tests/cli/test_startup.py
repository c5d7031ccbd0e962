"""What each command loads: nothing that it does not need. Lists of imports, no times."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pixian_batch

ROOT = Path(pixian_batch.__file__).parents[1]
PARSER = {"typer", "platformdirs", "difflib", "tomllib"}
MOTION = {"aiohttp", "asyncio", "sqlite3", "blake3", "filelock", "aiofiles"}
PIXELS = {"PIL", "numpy", "onnxruntime", "isal"}
OPTIONAL = {"keyring", "netrc"}


def loaded(*words: str, code: int = 0, cwd: Path = ROOT) -> set[str]:
    """The top-level modules that a command loads."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['pixian-batch', *sys.argv[1:]]\n"
        "from pixian_batch.__main__ import main\n"
        "try:\n    main()\nfinally:\n    sys.stderr.write('LOADED ' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr[:2000]
    names = re.search(r"LOADED (.*)", done.stderr)
    assert names, "the measure is blind"
    return {name.split(".")[0] for name in names[1].split(" ")}


@pytest.mark.parametrize("words", [["--version"], ["--help"], []])
def test_the_first_pages_load_nothing(words: list[str]) -> None:
    # rich and asyncio come with nothing of ours here: typer itself would bring them.
    assert loaded(*words) & (PARSER | MOTION | PIXELS | OPTIONAL | {"rich"}) == set()


@pytest.mark.parametrize(
    "name", ["run", "plan", "config", "account", "doctor", "serve", "decode", "schema", "check", "verify"]
)
def test_the_help_of_a_command_loads_the_parser_only(name: str) -> None:
    names = loaded(name, "--help")
    assert "typer" in names, "the measure is blind"
    unwanted = (MOTION - {"asyncio"}) | PIXELS | OPTIONAL | {"rich", "platformdirs", "pydantic"}
    assert names & unwanted == set()


def test_loading_the_small_commands_loads_nothing_heavy() -> None:
    names = ("account", "doctor", "serve", "decode", "schema", "config", "entry", "check", "verify")
    code = f"import sys, {', '.join(f'pixian_batch.cli.commands.{name}' for name in names)}\n"
    code += "print({'aiohttp', 'numpy', 'PIL', 'onnxruntime', 'aiofiles'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_config_loads_no_motion(tmp_path: Path) -> None:
    names = loaded("config", "--config", "none", cwd=tmp_path)
    assert names & ((MOTION - {"asyncio"}) | PIXELS | OPTIONAL | {"rich"}) == set()


def test_status_loads_neither_the_wire_nor_pixels(tmp_path: Path) -> None:
    names = loaded("status", str(tmp_path), code=2, cwd=tmp_path)
    assert "sqlite3" in names
    assert names & (PIXELS | OPTIONAL | {"aiohttp", "rich"}) == set()


def test_a_run_without_an_account_loads_no_engine(tmp_path: Path) -> None:
    (tmp_path / "x.png").touch()
    names = loaded("run", "x.png", "--out", "cut", "--no-progress", code=4, cwd=tmp_path)
    assert "aiohttp" in names
    assert names & {"onnxruntime", "rich"} == set()
