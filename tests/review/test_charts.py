"""The charts of a ledger: whole SVG, said in words, escaped, and true to what the ledger holds."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from support.ledgers import make

from pixian_batch.adapters.ledger import default_path
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.review.charts import Chart, charts

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"


def drawn(path: str, *, depth: int = 1) -> dict[str, Chart]:
    with closing(LedgerReader.open(path, missing_ok=True)) as reader:
        return {chart.id: chart for chart in charts(reader, depth=depth)}


def whole(chart: Chart) -> ET.Element:
    """The parsed SVG, after what holds for every chart."""
    root = ET.fromstring(chart.svg)  # noqa: S314  # ours
    names = (root.get("aria-labelledby") or "").split()
    said = [root.find(f".//*[@id='{name}']") for name in names]
    assert [item is not None and item.text for item in said] == [chart.title, chart.description]
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert not {element.tag for element in root.iter()} & {f"{SVG}script", f"{SVG}style", f"{SVG}image"}
    assert "style=" not in chart.svg
    return root


@pytest.mark.asyncio
async def test_every_chart_is_whole_and_says_its_gist(tmp_path: Path) -> None:
    await make(tmp_path, 40)
    for chart in drawn(default_path(str(tmp_path))).values():
        whole(chart)


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    for chart in drawn(str(tmp_path / "none.db")).values():
        whole(chart)
        assert "Nothing was sent yet" in chart.description
