"""No exception of a library or of Python reaches a user as it is: its words are for programmers.

In every handler of an exception that is not a class of ours, the exception itself is never put into a text. It may be
the argument of a function that words it (`system_word(error)`), and its attributes may be used.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[2] / "pixian_batch"
KNOWN = {
    "adapters/landing/rebuilding.py::rebuild_files": "an error without a number is an opener's of ours, in our words",
    "emulator/form.py::feed": "the answer to a client's programmer, who has written the malformed form",
}
OWN_TEXTS = {
    "ValueError": "raised by our own readers of a text, each with a message for people; a test drives them",
}
"""Classes of Python's that our own code raises with our own words, from the places that these functions call."""


def ours() -> set[str]:
    """The names of all exception classes that the package defines."""
    return {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ClassDef)
    }


def caught(handler: ast.ExceptHandler) -> set[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).rpartition(".")[2] for kind in kinds if kind is not None}


def as_text(node: ast.AST, name: str) -> Iterator[int]:
    """The lines on which the exception called `name` becomes a text by itself."""
    for inner in ast.walk(node):
        shown: ast.AST | None = None
        if isinstance(inner, ast.FormattedValue):
            shown = inner.value
        elif isinstance(inner, ast.Call) and ast.unparse(inner.func) in {"str", "repr"} and inner.args:
            shown = inner.args[0]
        shown = shown.values[-1] if isinstance(shown, ast.BoolOp) else shown
        if isinstance(shown, ast.Name) and shown.id == name:
            yield inner.lineno  # type: ignore[attr-defined]  # both kinds have one


def leaks(source: bytes, own: set[str]) -> Iterator[tuple[str, int]]:
    """(function, line) of each foreign exception that becomes a text."""
    tree = ast.parse(source)
    for function in [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]:
        for handler in [node for node in ast.walk(function) if isinstance(node, ast.ExceptHandler)]:
            if handler.name and caught(handler) - own - set(OWN_TEXTS):
                for line in handler.body:
                    yield from ((function.name, number) for number in as_text(line, handler.name))


def test_no_foreign_exception_is_shown_as_it_is() -> None:
    own = ours()
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}::{function}": line
        for path in PACKAGE.rglob("*.py")
        for function, line in leaks(path.read_bytes(), own)
    }
    assert {place: line for place, line in found.items() if place not in KNOWN} == {}
    assert set(KNOWN) <= set(found), "an exception that is needed no more"


def test_the_measure_sees_what_leaks() -> None:
    for text in ('f"{error}"', "str(error)", "repr(error)", 'f"{error.strerror or error}"'):
        source = f"def f():\n    try:\n        pass\n    except OSError as error:\n        g({text})\n"
        assert list(leaks(source.encode(), {"OurError"})) == [("f", 5)], text
        assert not list(leaks(source.replace("OSError", "OurError").encode(), {"OurError"}))
    worded = (
        "def f():\n    try:\n        pass\n    except OSError as error:\n        g(f'{system_word(error)}')\n"
    )
    assert not list(leaks(worded.encode(), set()))
