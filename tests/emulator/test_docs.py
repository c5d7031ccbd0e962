"""The documents name what there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from pixian_batch.emulator.reading import read_text
from pixian_batch.emulator.settings import EmulatorSettings
from pixian_batch.emulator.weather import FaultKind, Weather

DOCS = Path(__file__).parents[2] / "docs"


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
