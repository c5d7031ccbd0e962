"""The documents name what there is, and the tests what they are about."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pixian_batch.emulator
from pixian_batch.emulator.reading import read_text
from pixian_batch.emulator.settings import EmulatorSettings
from pixian_batch.emulator.weather import FaultKind, Weather

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"


def test_the_reference_names_every_fault_and_every_setting() -> None:
    text = (DOCS / "reference" / "emulator.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z0-9_]+", text))
    assert set(FaultKind) <= words
    assert {field.name for field in (*fields(EmulatorSettings), *fields(Weather))} <= words


def test_the_rehearsal_s_file_works() -> None:
    text = (DOCS / "how-to" / "rehearse.md").read_text(encoding="utf-8")
    example = re.search(r"(?:^    .*\n|^\n)*^    engine = .*\n(?:^    .*\n|^\n)*", text, re.MULTILINE)
    assert example
    settings = read_text(EmulatorSettings, re.sub(r"^ {4}", "", example[0], flags=re.MULTILINE))
    assert len(settings.weather.chances) == 2


def test_every_module_has_a_test_that_can_be_found_by_its_name() -> None:
    tests = list(HERE.rglob("test_*.py"))
    named = {path.name.removeprefix("test_") for path in tests}
    for path in tests:
        named |= set(re.findall(r"`(\w+\.py)`", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""))
    modules = {path.name for path in Path(pixian_batch.emulator.__path__[0]).rglob("*.py")}
    assert modules - {"__init__.py"} <= named
