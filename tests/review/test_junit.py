"""JUnit XML as CI servers read it: its shape, its counts, and whatever a file is called."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET  # what is read here, was written here

from support.shop_pictures import product

from pixian_batch.contract.params import Color, Size
from pixian_batch.imaging.ground import measure_ground
from pixian_batch.review.compliance import Checked, judge
from pixian_batch.review.facts import ImageFacts, UnreadableFile
from pixian_batch.review.junit import CheckSuite, write_checks
from pixian_batch.review.profiles import Profile

NASTY = "a<b>&\"\x1b[31m\n'\udcff]]>.jpg"
WHITE = Color(255, 255, 255)
PROFILE = Profile("shop", (("min_width", 500), ("min_height", 100)), (("min_fill", 0.95), ("max_islands", 0)))
_ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "testcase": {"classname", "name"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"message"},
    "system-out": set(),
}
_CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}
"""The part of the well-known schema (Jenkins' junit-10.xsd) that is written here."""


def checked(path: str, *, plain: bool = True) -> Checked:
    import numpy as np

    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    rgb = np.array(product()) if plain else noise
    facts = ImageFacts(
        format="jpeg",
        suffix=".jpg",
        suffix_fits=True,
        bytes=1000,
        size=Size(400, 400),
        grounds=((None, measure_ground(rgb)),),
    )
    return judge(path, facts, PROFILE)


def document(*items: Checked, strict: bool = False) -> tuple[ET.Element, str]:
    suite = CheckSuite("shop", io.BytesIO(), strict=strict)
    for item in items:
        suite.add(item)
    out = io.BytesIO()
    write_checks([suite], out)
    return ET.fromstring(out.getvalue()), out.getvalue().decode()  # noqa: S314  # our own


def assert_shape(element: ET.Element) -> None:
    assert set(element.attrib) == _ATTRIBUTES[element.tag], element.tag
    for child in element:
        assert child.tag in _CHILDREN[element.tag], (element.tag, child.tag)
        assert_shape(child)
    if element.tag in {"testsuites", "testsuite"}:
        for kind, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(element.attrib[kind]) == len(list(element.iter(tag))), kind


def test_a_case_a_file_and_rule() -> None:
    root, text = document(
        checked("a.jpg"),
        checked("photo.jpg", plain=False),
        Checked("b.jpg", "shop", UnreadableFile("it is cut off", "make it again")),
    )
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert_shape(root)
    cases = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]
    assert cases[:4] == [("a.jpg", name) for name in ("min_width", "min_height", "min_fill", "max_islands")]
    assert cases[-1] == ("b.jpg", "readable")
    assert root.attrib["tests"] == "9"
    assert root.attrib["failures"] == "2"  # the width of two files
    assert root.attrib["errors"] == "1"
    assert root.attrib["skipped"] == "2"  # what cannot be told of the photo
    failure = next(root.iter("failure"))
    assert failure.attrib["message"].startswith(
        "400 px; demanded: at least 500 px; start from a larger photo"
    )


def test_what_is_advised_fails_only_where_it_counts() -> None:
    root, _text = document(checked("a.jpg"))
    assert root.attrib["failures"] == "1"
    (told,) = root.iter("system-out")
    assert told.text is not None
    assert told.text.startswith("it fills 90")
    assert document(checked("a.jpg"), strict=True)[0].attrib["failures"] == "2"


def test_whatever_a_file_is_called() -> None:
    root, text = document(checked(NASTY), Checked(NASTY, "shop", UnreadableFile(NASTY, NASTY)))
    assert_shape(root)
    assert "\x1b" not in text
    case = next(root.iter("testcase"))
    assert case.attrib["classname"] == "a<b>&\"\\x1b[31m\\x0a'\\xff]]>.jpg"
