"""The chart of credits a folder: the dearest ones, and the rest together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import credit_amount, images, shortened
from pixian_batch.policy.statement import Sums
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

    @property
    def credits(self) -> Decimal:
        """What was charged; of a free run, what it would have been."""
        return self.sums.charged or self.sums.calculated


def folder_chart(lines: Iterable[StatementLine]) -> Chart:
    """A bar for each folder, the dearest first."""
    bars = sorted((_Bar(item.name, item.sums) for item in lines), key=lambda bar: bar.credits, reverse=True)
    total = sum((bar.sums for bar in bars), Sums())
    shown = nlargest(_MOST, bars, key=lambda bar: bar.credits)
    if rest := bars[_MOST:]:
        shown = [*shown, _Bar(f"{len(rest):,} other folders", sum((bar.sums for bar in rest), Sums()))]
    most = max((bar.credits for bar in shown), default=0)
    rows = [_row(bar, number, float(bar.credits / most) if most else 0.0) for number, bar in enumerate(shown)]
    height = _TOP + _ROW * max(1, len(rows))
    return framed("folders", "Credits a folder", _gist(bars, total), height=height, drawing=rows)


def _gist(bars: list[_Bar], total: Sums) -> str:
    if not bars:
        return "Nothing was sent yet."
    many = f"{len(bars):,} folders" if len(bars) > 1 else "One folder"
    first = bars[0]
    return (
        f"{many}, {images(total.images + total.free)}, {credit_amount(total.charged)} credits charged;"
        f" most of them in {first.name}: {credit_amount(first.credits)}."
    )


def _row(bar: _Bar, number: int, share: float) -> str:
    top = _TOP + number * _ROW
    amount = credit_amount(bar.credits)
    return tag(
        "g",
        words(shortened(bar.name, _LONGEST), 0, top + FONT),
        words(f"{amount} · {images(bar.sums.images + bar.sums.free)}", WIDTH, top + FONT, text_anchor="end"),
        tag("rect", x=0, y=top + FONT + 4, width=max(1.0, WIDTH * share), height=_BAR, rx=2, fill=BLUE),
        line(0, top + FONT + 4 + _BAR, WIDTH, top + FONT + 4 + _BAR, stroke=INK, stroke_opacity=0.2),
    )
