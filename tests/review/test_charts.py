"""The charts of a ledger: whole SVG, said in words, escaped, small, and true to what the ledger holds."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from support.histories import NOON, History
from support.ledgers import make

from pixian_batch.adapters.ledger import default_path, history, questions
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.verdict import Verdict
from pixian_batch.review.charts import Chart, charts, folder_sums
from pixian_batch.review.course import Course
from pixian_batch.review.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
IDS = ["images", "credits", "concurrency", "throttled", "latency", "folders", "cost-image", "cost-megapixel"]
DAY = 86_400.0


def drawn(path: str, *, depth: int = 1) -> dict[str, Chart]:
    with closing(LedgerReader.open(path, missing_ok=True)) as reader:
        made = {chart.id: chart for chart in charts(reader, depth=depth)}
    assert list(made) == IDS
    for chart in made.values():
        whole(chart)
    return made


def whole(chart: Chart) -> ET.Element:
    """The parsed SVG, after what holds for every chart."""
    root = ET.fromstring(chart.svg)  # noqa: S314  # ours
    names = (root.get("aria-labelledby") or "").split()
    named = [root.find(f".//*[@id='{name}']") for name in names]
    assert [item is not None and item.text for item in named] == [chart.title, chart.description]
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "text", "line", "path", "rect", "circle", "g")
    }
    assert not re.search(r"style=|href|\bon[a-z]+=|nan|inf\b|e-\d", chart.svg)
    assert len(chart.svg) < 25_000
    assert len(list(root.iter())) < 600
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x", "")) <= width
        assert 0 <= float(text.get("y", "")) <= height
        assert text.text
    return root


def said(chart: Chart) -> list[str]:
    return [text.text or "" for text in whole(chart).iter(f"{SVG}text")]


@pytest.mark.asyncio
async def test_a_real_ledgers_charts_agree_with_its_own_sums(tmp_path: Path) -> None:
    await make(tmp_path, 100)
    path = default_path(str(tmp_path))
    made = drawn(path, depth=9)
    with closing(LedgerReader.open(path)) as reader:
        spent = await reader.ask(questions.charged)
        spans = list(reader.each(history.spans))
        course = Course(Timeline.of((span.begin, span.end) for span in spans))
        course.take(reader.each(history.exchanges))
        folders = folder_sums(reader, depth=9)
    assert (
        sum(bucket.charged for bucket in course.buckets)
        == spent
        == sum(line.sums.charged for line in folders)
    )
    delivered = sum(line.sums.images for line in folders)
    assert sum(bucket.images for bucket in course.buckets) == delivered == 85
    assert made["images"].description.startswith("85 images cut out on ")
    assert f"{spent:.2f} credits charged" in made["credits"].description
    assert f"7 folders, 85 images, {spent:.2f} credits charged" in made["folders"].description


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    for chart in drawn(str(tmp_path / "none.db")).values():
        assert chart.description == "Nothing was sent yet."


def storm(path: Path) -> str:
    """Three runs: one that an older version made, one with 429s that was stopped, nine days later one that was killed."""
    made = History(path)
    made.begin(NOON)
    for second in range(60):
        made.image(NOON + second, place=f"a/{second}.png")
    made.end(NOON + 62)
    second_run = NOON + 600
    made.begin(second_run)
    made.pace(second_run, ChangeReason.START, 5)
    made.pace(second_run + 300, ChangeReason.RAMP, 6)
    for second in range(400):
        made.image(second_run + second, "1.25", place=f"b/{second}.png", pixels=12_000_000)
        if second < 50:
            made.image(second_run + 300 + second / 10, None, verdict=Verdict.THROTTLED, seconds=0.1)
    made.pace(second_run + 301, ChangeReason.THROTTLED, 6, 4)
    made.pace(second_run + 310, ChangeReason.RESUMED, 6)
    made.pace(second_run + 400, ChangeReason.STOP, 0)
    made.pace(second_run + 403, ChangeReason.END, 0)
    made.end(second_run + 404)
    made.begin(NOON + 9 * DAY)
    made.pace(NOON + 9 * DAY, ChangeReason.START, 3)
    made.image(NOON + 9 * DAY + 5, seconds=4.0, place="top.png")
    return made.close()


def test_each_chart_says_what_happened_in_figures(tmp_path: Path) -> None:
    made = drawn(storm(tmp_path / "storm.db"))
    assert "461 images cut out from 3 Nov 2026, 11:59 to 12 Nov 2026" in made["images"].description
    assert "515.25 credits charged" in made["credits"].description
    pace = made["concurrency"].description
    assert "At most 6 workers were allowed" in pace
    assert "start 2, ramp 1, 429 1, resumed 1, stop 1, end 1." in pace
    assert "Of 1 older run it was not recorded." in pace
    assert "50 of 511 requests were answered 429 (slow down), 9.8 %" in made["throttled"].description
    assert "at most 2 s on the wire, 95 % at most 2 s, the longest 4 s" in made["latency"].description
    assert "3 folders" in made["folders"].description
    assert "from 0.25 to 1.25 credits; half of them at most 1.25" in made["cost-image"].description
    assert "0.104" in made["cost-megapixel"].description


def test_a_gap_is_said_and_is_no_slope(tmp_path: Path) -> None:
    made = drawn(storm(tmp_path / "storm.db"))
    for name in ("images", "credits", "concurrency", "throttled", "latency"):
        assert "9 d" in said(made[name]), name
    lines = [
        item.get("d") or "" for item in whole(made["images"]).iter(f"{SVG}path") if item.get("fill") == "none"
    ]
    assert set(re.sub(r"[\d. ]", "", lines[0])) == {"M", "H", "V"}, (
        "levels and steps: nothing rises while nothing happens"
    )
    assert lines[0].count("M") == 3, "a line for each stretch"


def test_every_reason_has_its_lane_and_a_run_without_records_no_line(tmp_path: Path) -> None:
    made = drawn(storm(tmp_path / "storm.db"))
    assert [
        word
        for word in said(made["concurrency"])
        if word in {"start", "ramp", "429", "resumed", "stop", "end"}
    ] == [*("start", "ramp", "429", "resumed", "stop", "end")]
    older = History(tmp_path / "older.db")
    older.begin(NOON)
    older.image(NOON + 3)
    older.end(NOON + 4)
    told = drawn(older.close())["concurrency"]
    assert told.description.startswith("How many workers were allowed was not recorded in these runs")
    assert "allowed" not in said(told)


def test_free_runs_say_what_it_would_have_cost(tmp_path: Path) -> None:
    made = History(tmp_path / "free.db")
    made.begin(NOON)
    for second in range(5):
        made.image(NOON + second, "0", calculated="0.5", free=True)
    told = drawn(made.close())
    assert "2.50 credits that it would have cost (nothing was charged)" in told["credits"].description
    assert told["cost-image"].title == "Credits an image, had they been charged"
    assert "5 images would have cost, for an image, 0.5 credits each" in told["cost-image"].description
    assert "2.50 credits that it would have cost" in told["folders"].description


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    made = History(tmp_path / "hostile.db")
    made.begin(NOON)
    names = ["<script>alert(1)", "a&b\"'", "\x1b[31m\u202e", "caf\udce9", "]]>", "x" * 300]
    for number, name in enumerate(names):
        made.image(NOON + number, place=f"{name}/{number}.png")
    told = drawn(made.close())
    texts = " ".join(said(told["folders"]))
    assert "<script>alert(1)" in texts
    assert "<script" not in told["folders"].svg
    assert "\\x1b[31m\\u202e" in texts
    assert "caf\\xe9" in texts
    assert max(map(len, said(told["folders"]))) < 60


def test_a_folder_is_as_deep_as_asked_and_the_rest_is_summed(tmp_path: Path) -> None:
    made = History(tmp_path / "deep.db")
    made.begin(NOON)
    for number in range(40):
        made.image(NOON + number, f"{number}.10", place=f"top/{number % 20:02}/{number}.png")
    path = made.close()
    assert "One folder, 40 images, 784.00 credits charged." in drawn(path)["folders"].description
    told = drawn(path, depth=2)["folders"]
    assert "the dearest is top/19 with 58.20" in told.description
    assert "8 other folders" in said(told)


def test_a_long_ledgers_charts_are_no_larger(tmp_path: Path) -> None:
    """A year of runs, each day: the same number of points, and every image is in them."""
    made = History(tmp_path / "year.db")
    for day in range(365):
        made.begin(NOON + day * DAY)
        made.pace(NOON + day * DAY, ChangeReason.START, 5)
        for second in range(8):
            made.image(NOON + day * DAY + second * 60, f"0.{second + 1}3", seconds=0.1 + second + day / 100)
        made.pace(NOON + day * DAY + 500, ChangeReason.END, 0)
        made.end(NOON + day * DAY + 501)
    told = drawn(made.close())
    assert told["images"].description.startswith("2,920 images cut out")
    assert sum(len(chart.svg) for chart in told.values()) < 100_000
