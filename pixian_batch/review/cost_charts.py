"""The charts of what an image, and a megapixel, cost: how many cost how much. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import count
from pixian_batch.review.plot import LEFT, RIGHT, SMALL, grid
from pixian_batch.review.svg import BLUE, WIDTH, Chart, framed, line, tag, words
from pixian_batch.review.ticks import amount_words, decades, from_zero, nice_step
from pixian_batch.review.time_charts import unknown

if TYPE_CHECKING:
    from pixian_batch.review.spread import Spread

_TOP: Final = 12.0
_HEIGHT: Final = 120.0
_AXIS: Final = 38.0
_FEW: Final = 8
_WIDE: Final = 50.0
"""From the smallest to the largest: from such a factor on, bins grow by factors, too."""
_BINS: Final = 12


def cost_chart(name: str, of: str, spread: Spread, *, paid: bool) -> Chart:
    """How many images cost how much. of: `an image`, `a megapixel`; paid: else it is what they would have cost."""
    title = f"Credits {of}" if paid else f"Credits {of}, had they been charged"
    if not spread.total:
        return unknown(name, title, "No image with a known price yet.")
    bins = _values(spread) if len(spread.counts) <= _FEW else _bins(spread)
    scale = from_zero(max(number for _words, number in bins), whole=True)
    drawing = [*grid(scale, amount_words, top=_TOP, height=_HEIGHT)]
    wide = (WIDTH - LEFT - RIGHT) / len(bins)
    for index, (text, number) in enumerate(bins):
        high = _HEIGHT * scale.share(number)
        x, gap = LEFT + index * wide, min(8.0, wide * 0.15)
        if number:
            drawing.append(
                tag("rect", x=x + gap / 2, y=_TOP + _HEIGHT - high, width=wide - gap, height=high, fill=BLUE)
            )
        if text and index % _every(len(bins)) == 0:
            drawing.append(
                words(
                    text,
                    x + wide / 2 if len(spread.counts) <= _FEW else x,
                    _TOP + _HEIGHT + 16,
                    text_anchor="middle",
                    font_size=SMALL,
                )
            )
    base = _TOP + _HEIGHT
    drawing.append(line(LEFT, base, WIDTH - RIGHT, base))
    drawing.append(
        words(f"credits {of}", (LEFT + WIDTH - RIGHT) / 2, base + 32, text_anchor="middle", font_size=SMALL)
    )
    drawing.append(words("images", 0, _TOP + _HEIGHT / 2, font_size=SMALL))
    return framed(name, title, _gist(of, spread, paid=paid), height=base + _AXIS, drawing=drawing)


def _values(spread: Spread) -> list[tuple[str, int]]:
    """A bar for each of a few values."""
    return [(amount_words(value), spread.counts[value]) for value in sorted(spread.counts)]


def _bins(spread: Spread) -> list[tuple[str, int]]:
    """Bars over even steps, or steps by factors; each is named by where it begins."""
    edges = _edges(min(spread.counts), max(spread.counts))
    values = sorted(spread.counts)
    return [
        (amount_words(low), sum(spread.counts[value] for value in values if low <= value < high))
        for low, high in pairwise(edges)
    ]


def _edges(least: float, most: float) -> list[float]:
    if most > _WIDE * least:
        ticks = list(decades(least, most).ticks)
        return [*ticks, ticks[-1] * 10] if most >= ticks[-1] else ticks
    step = nice_step(most - least, _BINS)
    first = int(least // step)
    return [float(f"{step * index:.12g}") for index in range(first, int(most // step) + 2)]


def _every(bins: int) -> int:
    """Of so many bars, each how many-th has its word."""
    return 1 if bins <= _FEW else 2 if bins <= 2 * _FEW else 4


def _gist(of: str, spread: Spread, *, paid: bool) -> str:
    low, median, high = spread.quantiles(0.05, 0.5, 0.95)
    would = "" if paid else " would have"
    begins = f"{count(spread.total)} images{would} cost, for {of}"
    if len(spread.counts) == 1:
        return f"{begins}, {amount_words(median)} credits each."
    return (
        f"{begins}, from {amount_words(min(spread.counts))} to {amount_words(max(spread.counts))} credits; half of them at"
        f" most {amount_words(median)}, and nine of ten between {amount_words(low)} and {amount_words(high)}."
    )
