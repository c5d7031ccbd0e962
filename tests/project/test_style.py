"""Habits that a linter does not hold: short functions, modules that say what they are for."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "pixian_batch").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
MOST_LINES = 40
LONG_BY_NATURE: dict[str, str] = {}
"""`path::function` -> why no shorter form is clearer. Empty is best."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def long_functions(path: Path, source: bytes) -> dict[str, int]:
    """Functions of more than `MOST_LINES` lines, decorators not counted: `path::name` -> lines."""
    return {
        f"{relative(path)}::{node.name}": lines
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_LINES
    }


def test_no_function_is_long() -> None:
    lengths = {
        name: lines for path in SOURCES for name, lines in long_functions(path, path.read_bytes()).items()
    }
    assert {name: lines for name, lines in lengths.items() if name not in LONG_BY_NATURE} == {}
    assert set(LONG_BY_NATURE) <= set(lengths), "an exception that is not needed any more"


def test_the_measure_sees_a_long_method() -> None:
    body = "        x = 1\n" * MOST_LINES
    source = f"class A:\n    @property\n    async def f(self):\n{body}".encode()
    assert long_functions(ROOT / "x.py", source) == {"x.py::f": MOST_LINES + 1}


def test_a_module_says_what_it_is_for() -> None:
    for path in SOURCES:
        purpose = ast.get_docstring(ast.parse(path.read_bytes())) or ""
        assert len(purpose) >= len("Cuts pictures out."), relative(path)


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert [mark for mark in marks if mark in text] == [], relative(path)
