"""The data of the page: names as they can be shown and as they are, and where a result lies over its photo."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from typing import Any

import pytest

from pixian_batch.contract.headers import Box, ResultHeaders
from pixian_batch.contract.params import Size
from pixian_batch.review.entries import FIELDS, Entry, SharedTexts, area_of, values
from pixian_batch.review.links import link
from pixian_batch.review.page_file import embedded
from pixian_batch.review.remembering import Seen
from pixian_batch.review.rows import Row

ROW = Row(
    identity="i",
    name="f/a.png",
    folder="f",
    input="/in/f/a.jpg",
    outcome="done",
    parameters="output.format=png",
)


def shown(row: Row, seen: Seen | None = None) -> dict[str, Any]:
    columns = SharedTexts(lambda parameters: f"redo {parameters}")
    return dict(zip(FIELDS, values(Entry(row, seen or Seen()), columns), strict=True))


def test_names_are_shown_and_kept() -> None:
    name = "f/caf\udce9\n\u202e.png"
    data = shown(replace(ROW, name=name))
    assert data["name"] == "f/caf\\xe9\\x0a\\u202e.png"
    assert base64.b64decode(data["placeBytes"]) == os.fsencode(name)
    assert shown(ROW)["placeBytes"] is None
    assert not shown(ROW)["renamed"]
    assert shown(replace(ROW, name="f/a-cut.png", result="/out/f/a-cut.png"))["renamed"]


def test_data_cannot_leave_its_element() -> None:
    nasty = "</script><!--<script>\u2028\u2029&amp;\ud83d"
    text = embedded({"name": nasty})
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii()
    assert json.loads(text)["name"] == nasty


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/out/a b.png", "../../a%20b.png"),
        ("/out/.pixian-batch/report/a:b.png", "a%3Ab.png"),
        ("/in/100% #1?.png", "../../../in/100%25%20%231%3F.png"),
        ("/in/caf\udce9\n\"'<.png", "../../../in/caf%E9%0A%22%27%3C.png"),
        ("/in/\N{LATIN SMALL LETTER E WITH ACUTE}.png", "../../../in/%C3%A9.png"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_addresses_are_relative_and_escaped(path: str, address: str) -> None:
    assert link(path, "/out/.pixian-batch/report") == address


def test_where_a_result_lies() -> None:
    seen = Seen(photo_size=(400, 300), result_size=(400, 300))
    assert area_of(ROW, seen) == (0, 0, 1, 1)
    assert area_of(ROW, replace(seen, result_size=(300, 300))) is None
    assert area_of(ROW, replace(seen, photo_size=None)) is None
    # Cropped to the foreground at 100, 50 (left, top), enlarged twice, with a margin of 20 around it.
    boxes = ResultHeaders(
        input_size=Size(400, 300),
        input_foreground=Box(50, 100, 200, 100),
        result_foreground=Box(20, 20, 400, 200),
    )
    cropped = replace(ROW, parameters="result.crop_to_foreground=true", headers=boxes)
    area = area_of(cropped, replace(seen, result_size=(440, 240)))
    assert area == pytest.approx((90 / 400, 40 / 300, 220 / 400, 120 / 300))
    assert area_of(replace(cropped, headers=None), seen) is None
    turned = replace(boxes, input_size=Size(300, 400))
    assert area_of(replace(cropped, headers=turned), seen) is None
