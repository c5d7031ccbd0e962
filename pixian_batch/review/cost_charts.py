"""The charts of what an image, and a megapixel, cost: how many cost how much. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import count
from pixian_batch.review.plot import LEFT, RIGHT, SMALL, grid, nothing
from pixian_batch.review.svg import BLUE, FONT, WIDTH, Chart, framed, line, tag, words
from pixian_batch.review.ticks import amount_words, decades, from_zero, nice_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.review.spread import Spread

_TOP: Final = 28.0
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
        return nothing(name, title, "No image with a known price yet.")
    few = len(spread.counts) <= _FEW
    bins = _values(spread) if few else _bins(spread)
    base = _TOP + _HEIGHT
    drawing = [
        words("images", 0, _TOP - FONT, font_size=SMALL, font_weight="bold"),
        *_bars(bins, centred=few),
        line(LEFT, base, WIDTH - RIGHT, base),
        words(f"credits {of}", (LEFT + WIDTH - RIGHT) / 2, base + 32, text_anchor="middle", font_size=SMALL),
    ]
    return framed(name, title, _gist(of, spread, paid=paid), height=base + _AXIS, drawing=drawing)


def _bars(bins: list[tuple[str, int]], *, centred: bool) -> Iterator[str]:
    """The grid, and a bar for each bin; its word stands under it, or under the edge where it begins."""
    scale = from_zero(max(number for _words, number in bins), whole=True)
    yield from grid(scale, amount_words, top=_TOP, height=_HEIGHT)
    base, wide = _TOP + _HEIGHT, (WIDTH - LEFT - RIGHT) / len(bins)
    gap = min(8.0, wide * 0.15)
    for index, (text, number) in enumerate(bins):
        x, high = LEFT + index * wide, _HEIGHT * scale.share(number)
        if number:
            yield tag("rect", x=x + gap / 2, y=base - high, width=wide - gap, height=high, fill=BLUE)
        if index % _every(len(bins)) == 0:
            x += wide / 2 if centred else 0
            yield words(text, x, base + 16, text_anchor="middle", font_size=SMALL)


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
