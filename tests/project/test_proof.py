"""Every module that sends, writes or decides in motion has a test file, or says which one proves it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pixian_batch"
ROOMS = ("pipeline", "adapters")


def proofs(module: Path) -> list[str]:
    """The test files of a module: by its name in a folder of its room or in tests/money, or by its docstring."""
    inside = module.relative_to(PACKAGE)
    name = inside.parent.name if inside.name == "__init__.py" else inside.stem
    folders = [ROOT / "tests" / inside.parts[0], ROOT / "tests/money"]
    by_name = [path for folder in folders for path in sorted(folder.rglob(f"test_{name}.py"))]
    named = re.findall(r"\btests/[\w/]+\.py\b", ast.get_docstring(ast.parse(module.read_bytes())) or "")
    return [path.relative_to(ROOT).as_posix() for path in by_name] + named


def has_code(module: Path) -> bool:
    """Whether there is more in it than words and names: something that does or decides."""
    tree = ast.parse(module.read_bytes())
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py")) if has_code(path)]


def test_every_module_has_a_test_file_or_names_one() -> None:
    assert [module.relative_to(ROOT).as_posix() for module in modules() if not proofs(module)] == []


def test_a_test_file_that_is_named_is_there() -> None:
    named = {(module.name, proof) for module in modules() for proof in proofs(module)}
    assert [(module, proof) for module, proof in named if not (ROOT / proof).is_file()] == []
