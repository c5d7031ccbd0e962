"""The house holds: every module has a floor, libraries stay in their rooms, the pure rooms stay pure."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pixian_batch"
MODULES = sorted(PACKAGE.rglob("*.py"))

PURE_ROOMS = ("policy", "contract", "imaging")
NOT_PURE = frozenset(
    {
        *("aiofiles", "aiohttp", "asyncio", "concurrent", "ctypes", "datetime", "fcntl", "filelock", "glob"),
        *("http", "logging", "mmap", "multiprocessing", "os", "pathlib", "random", "requests", "select"),
        *(
            "selectors",
            "shutil",
            "signal",
            "socket",
            "socketserver",
            "sqlite3",
            "ssl",
            "subprocess",
            "tempfile",
        ),
        *("threading", "time", "urllib", "uuid"),
    }
)
"""Modules that reach a clock, a disk, a network, a thread or the system."""
PURE_ALL_THE_SAME = {
    "urllib.parse": "takes text apart; touches nothing",
    "os.PathLike": "a type, for annotations",
    "pathlib.PurePath": "names without a disk",
    "pathlib.PurePosixPath": "names without a disk",
    "pathlib.PureWindowsPath": "names without a disk",
    "os.SEEK_SET": "a number",
    "os.SEEK_CUR": "a number",
    "os.SEEK_END": "a number",
    "threading.Lock": "guards state of the process; waits for nothing outside it",
    "datetime.timedelta": "a length of time, not a clock",
    "random.Random": "a seeded generator is handed in; the global one is not used",
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def contracts() -> dict[str, dict[str, Any]]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract for contract in config["tool"]["importlinter"]["contracts"]}


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every absolute import, also inside functions and `if TYPE_CHECKING`, as (line, dotted name).

    `import os` counts as what is then used of it (`os.SEEK_END`), if anything is.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                uses = used(tree, alias.asname or alias.name)
                yield from ((node.lineno, f"{alias.name}{use}") for use in uses or [""])
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def used(tree: ast.AST, name: str) -> list[str]:
    """The attributes used of the module that is called `name`, each with its dot."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return sorted({f".{node.attr}" for node in attributes if ast.unparse(node.value) == name})


def impurities(tree: ast.AST) -> list[str]:
    """Imports that reach outside, and calls of the `open` built-in."""
    problems = []
    for line, name in imported(tree):
        allowed = any(name == known or name.startswith(f"{known}.") for known in PURE_ALL_THE_SAME)
        if name.split(".")[0] in NOT_PURE and not allowed:
            problems.append(f"line {line} imports {name}")
    problems += [
        f"line {node.lineno} calls {node.func.id}()"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"open", "print", "input"}
    ]
    return problems


def test_import_linter_keeps_every_contract() -> None:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", command],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_top_level_module_has_a_floor() -> None:
    floors = contracts()["floors"]
    listed = {room.strip("() ") for layer in floors["layers"] for room in layer.replace(":", "|").split("|")}
    here = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    here |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert here == listed, "list it under [tool.importlinter] in pyproject.toml"
    assert floors["exhaustive"] is True
    assert floors["containers"] == ["pixian_batch"]


def test_every_folder_is_a_package() -> None:
    # A folder without __init__.py is invisible to import-linter, and so on no floor.
    folders = {path.parent for path in MODULES}
    assert [relative(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_a_library_has_its_rooms_and_no_more() -> None:
    homes = {"aiohttp": {"adapters", "emulator"}, "rich": {"display", "cli"}, "typer": {"cli"}}
    for library, rooms in homes.items():
        contract = contracts()[library]
        allowed = {line.split(" ")[0].split(".")[1] for line in contract["ignore_imports"]}
        assert contract["forbidden_modules"] == [library]
        assert contract["source_modules"] == ["pixian_batch.*"]
        assert allowed == rooms, library


def test_the_pure_rooms_reach_nothing_outside() -> None:
    assert {
        relative(path): problems
        for room in PURE_ROOMS
        for path in sorted((PACKAGE / room).rglob("*.py"))
        if (problems := impurities(ast.parse(path.read_bytes())))
    } == {}


def test_the_pure_rooms_test_sees() -> None:
    for source in [
        "import time",
        "import os.path",
        "import os\nos.remove('x')",
        "import os\nos.SEEK_END, os.remove",
        "import threading as t\nt.Thread()",
        "from pathlib import Path",
        "from urllib.request import urlopen",
        "def f():\n    import asyncio",
        "import typing\nif typing.TYPE_CHECKING:\n    import socket",
        "def f(name):\n    return open(name)",
    ]:
        assert impurities(ast.parse(source)), source


def test_the_pure_rooms_test_lets_pass() -> None:
    for source in [
        "from urllib.parse import urlsplit",
        "import os\nos.SEEK_END",
        "import threading\nthreading.Lock()",
        "import io, zlib, math",
        "from . import time",
    ]:
        assert not impurities(ast.parse(source)), source
