"""Habits that a linter does not hold: short functions, small files, modules that say what they are for, plain names."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = sorted((ROOT / "pixian_batch").rglob("*.py"))
SOURCES = [*PACKAGE, *sorted((ROOT / "scripts").rglob("*.py"))]
MOST_LINES = 30
LONG_BY_NATURE: dict[str, str] = {}
"""`path::function` -> why no shorter form is clearer. Empty is best."""
MOST_LINES_OF_A_FILE = 400
MOST_POSITIONAL = 4
POSITIONAL_BY_NATURE: dict[str, str] = {}
"""`path::Class` -> why its calls read better without names. Empty is best."""
MOST_SUPPRESSIONS = 50
SUPPRESSION = re.compile(r"# *(?:noqa|type: *ignore|pragma: *no)[^#]*(?:# *(?P<reason>.*))?")
VAGUE = {"said"}
"""What an identifier may not be called: it names what it holds."""


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


def test_no_file_is_long() -> None:
    lengths = {relative(path): path.read_bytes().count(b"\n") for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def crowded_calls(path: Path, source: bytes) -> dict[str, int]:
    """Objects made of more than `MOST_POSITIONAL` values without names: `path::Class` -> values."""
    return {
        f"{relative(path)}::{name}": len(node.args)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and len(node.args) > MOST_POSITIONAL
        and (name := ast.unparse(node.func).split(".")[-1]).lstrip("_")[:1].isupper()
    }


def test_what_an_object_is_made_of_is_named() -> None:
    calls = {
        name: values for path in PACKAGE for name, values in crowded_calls(path, path.read_bytes()).items()
    }
    assert {name: values for name, values in calls.items() if name not in POSITIONAL_BY_NATURE} == {}
    assert set(POSITIONAL_BY_NATURE) <= set(calls), "an exception that is not needed any more"


def test_the_measure_sees_a_crowded_call() -> None:
    source = b"f(1, 2, 3, 4, 5)\na._Row(*b, 2, 3, 4, 5, six=6)\nRow(1, 2, 3, 4)\nRow[int](1, 2, 3, 4)"
    assert crowded_calls(ROOT / "x.py", source) == {"x.py::_Row": 5}


def suppressions(source: bytes) -> Iterator[tuple[int, str]]:
    """Comments that silence a tool, by line, with the reason they give (empty where there is none)."""
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT and (comment := SUPPRESSION.match(token.string)):
            yield token.start[0], (comment["reason"] or "").strip()


def is_a_reason(text: str) -> bool:
    return len(text.split()) > 1 and not re.match(r"as above|noqa|type: *ignore|pragma", text)


def test_tools_are_silenced_seldom_and_for_a_reason() -> None:
    comments = [(relative(path), *comment) for path in PACKAGE for comment in suppressions(path.read_bytes())]
    assert [comment for comment in comments if not is_a_reason(comment[2])] == []
    assert len(comments) <= MOST_SUPPRESSIONS


def test_the_measure_sees_a_silenced_tool() -> None:
    source = (
        b"a  # noqa: F821\nb  # type: ignore[x]  # as above\nc  # noqa: S1  # it is ours\n'# noqa'  # fine\n"
    )
    assert list(suppressions(source)) == [(1, ""), (2, "as above"), (3, "it is ours")]
    assert [is_a_reason(reason) for _line, reason in suppressions(source)] == [False, False, True]


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names of variables, parameters, functions, classes and attributes, also in keywords, with their lines."""
    for node in ast.walk(tree):
        for field in ("id", "arg", "name", "attr", "asname", "rest"):
            if isinstance(name := getattr(node, field, None), str):
                yield getattr(node, "lineno", 0), name


def test_names_say_what_they_hold() -> None:
    vague = {
        relative(path): lines
        for path in PACKAGE
        if (lines := [line for line, name in identifiers(ast.parse(path.read_bytes())) if name in VAGUE])
    }
    assert vague == {}


def test_the_measure_sees_names() -> None:
    source = "def f(said, *, b=1):\n    match said:\n        case [*c] if (d := said.e):\n            f(g=[h for h in c])"
    assert {name for _line, name in identifiers(ast.parse(source))} == set("fbcdegh") | {"said"}


def test_a_class_name_means_one_thing() -> None:
    homes = defaultdict(list)
    for path in PACKAGE:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(relative(path))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_a_module_says_what_it_is_for() -> None:
    for path in SOURCES:
        purpose = ast.get_docstring(ast.parse(path.read_bytes())) or ""
        assert len(purpose) >= len("Cuts pictures out."), relative(path)


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert [mark for mark in marks if mark in text] == [], relative(path)
