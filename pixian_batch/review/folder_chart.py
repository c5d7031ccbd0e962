"""The chart of credits a folder: the dearest ones, and the rest together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import count, credit_amount, images, shortened
from pixian_batch.policy.statement import ZERO, Sums
from pixian_batch.review.svg import BLUE, FONT, INK, WIDTH, Chart, framed, line, tag, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from pixian_batch.policy.statement import StatementLine

_MOST: Final = 12
"""Folders that have a bar of their own."""
_ROW: Final = 34
_TOP: Final = 4
_BAR: Final = 11
_LONGEST: Final = 38
"""Characters of a folder's name; it stands above its bar, so that there is room for one."""


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    sums: Sums
    credits: Decimal


def folder_chart(lines: Iterable[StatementLine]) -> Chart:
    """A bar for each folder, the dearest first."""
    known = list(lines)
    total = sum((item.sums for item in known), Sums())
    # Where nothing was charged at all, what it would have cost: never one beside the other.
    paid = bool(total.charged or not total.calculated)
    bars = [_Bar(item.name, item.sums, item.sums.charged if paid else item.sums.calculated) for item in known]
    bars.sort(key=lambda bar: bar.credits, reverse=True)
    shown, rest = bars[:_MOST], bars[_MOST:]
    most = max((bar.credits for bar in shown), default=0)
    rows = [_row(bar, number, float(bar.credits / most) if most else 0.0) for number, bar in enumerate(shown)]
    if rest:
        # Together they may be many times the dearest: a bar would press all others to nothing.
        rows.append(_row(_together(rest), len(rows), None))
    height = _TOP + _ROW * max(1, len(rows))
    return framed("folders", "Credits a folder", _gist(bars, total), height=height, drawing=rows)


def _together(rest: list[_Bar]) -> _Bar:
    sums = sum((bar.sums for bar in rest), Sums())
    amount = sum((bar.credits for bar in rest), ZERO)
    return _Bar(f"{count(len(rest))} other folder{'s' * (len(rest) > 1)}", sums, amount)


def _gist(bars: list[_Bar], total: Sums) -> str:
    if not bars:
        return "Nothing was sent yet."
    many = f"{count(len(bars))} folders" if len(bars) > 1 else "One folder"
    amount = total.charged or total.calculated
    would = "charged" if total.charged or not total.calculated else "that it would have cost"
    dearest = (
        f"; the dearest is {shortened(bars[0].name, _LONGEST)} with {credit_amount(bars[0].credits)}"
        if len(bars) > 1
        else ""
    )
    return f"{many}, {images(total.images + total.free)}, {credit_amount(amount)} credits {would}{dearest}."


def _row(bar: _Bar, number: int, share: float | None) -> str:
    """A folder. share: of the longest bar; None: no bar."""
    top = _TOP + number * _ROW
    amount = credit_amount(bar.credits)
    return tag(
        "g",
        words(shortened(bar.name, _LONGEST), 0, top + FONT),
        words(f"{amount} · {images(bar.sums.images + bar.sums.free)}", WIDTH, top + FONT, text_anchor="end"),
        ""
        if share is None
        else tag("rect", x=0, y=top + FONT + 4, width=max(1.0, WIDTH * share), height=_BAR, rx=2, fill=BLUE),
        line(0, top + FONT + 4 + _BAR, WIDTH, top + FONT + 4 + _BAR, stroke=INK, stroke_opacity=0.2),
    )
