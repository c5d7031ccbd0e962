"""SVG as text: nothing gets out of its quotes, and every colour can be seen on paper and in the dark."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.review.svg import BLUE, GREEN, RED, framed, number, tag, words

GROUNDS = ("#ffffff", "#14161a")
SERIES = (BLUE, RED, GREEN)


def linear(color: str) -> tuple[float, ...]:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)


def luminance(color: str) -> float:
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """By WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def fallback(color: str) -> str:
    found = re.search(r"#[0-9a-f]{6}", color)
    assert found is not None
    return found[0]


def as_seen_without_red(color: str) -> tuple[float, float, float]:
    """By protanopes, linear: the matrix of Viénot, Brettel and Mollon (1999)."""
    red, green, blue = linear(color)
    return (
        0.11238 * red + 0.88762 * green,
        0.11238 * red + 0.88762 * green,
        0.00401 * red - 0.00401 * green + blue,
    )


def as_seen_without_green(color: str) -> tuple[float, float, float]:
    """By deuteranopes, of the same source."""
    red, green, blue = linear(color)
    return (
        0.29275 * red + 0.70725 * green,
        0.29275 * red + 0.70725 * green,
        -0.02234 * red + 0.02234 * green + blue,
    )


def test_series_are_seen_on_light_and_dark_grounds() -> None:
    ratios = {(color, ground): contrast(fallback(color), ground) for color in SERIES for ground in GROUNDS}
    assert min(ratios.values()) >= 3, ratios


def test_series_that_stand_together_are_told_apart_by_colour_blind_eyes() -> None:
    for seen in (as_seen_without_red, as_seen_without_green):
        for one, other in combinations(SERIES, 2):
            pairs = zip(seen(fallback(one)), seen(fallback(other)), strict=True)
            assert max(abs(a - b) for a, b in pairs) > 0.15, (seen, one, other)


@given(st.text())
def test_any_text_is_one_text(text: str) -> None:
    chart = framed("x", text, text, height=10, drawing=[words(text, 0, 0, font_weight=text)])
    root = ET.fromstring(chart.svg)  # noqa: S314  # ours
    assert len(list(root.iter())) == 4
    assert "".join(root.itertext()) == chart.title * 3


def test_numbers_are_short_and_plain() -> None:
    assert [number(value) for value in (0, 1.0, 0.125, 1 / 3, -2.5, 1e-9, 400)] == [
        "0",
        "1",
        "0.12",
        "0.33",
        "-2.5",
        "0",
        "400",
    ]
    assert tag("rect", x=1.5, fill=None, stroke_width=2) == '<rect x="1.5" stroke-width="2"/>'
