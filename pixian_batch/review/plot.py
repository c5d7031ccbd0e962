"""The plane of a chart: where moments and values stand on it, its grid, its axis of time, bars and lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import duration
from pixian_batch.review.svg import FONT, WIDTH, Chart, framed, line, number, tag, words
from pixian_batch.review.ticks import DAY, clock_step, clock_words, day_words, step_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pixian_batch.review.ticks import Scale
    from pixian_batch.review.timeline import Stretch, Timeline

LEFT: Final = 56.0
RIGHT: Final = 10.0
SMALL: Final = 11
_BREAK: Final = 22.0
"""Room for the mark of time that was cut out."""
_APART: Final = 62.0
_CHAR: Final = 6.4
AXIS: Final = 36.0
"""Height of the axis of time: its clock, and the days under it."""
GRID: Final = 0.18
"""Opacity of what is only there to guide the eye."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where moments and buckets stand from left to right."""

    timeline: Timeline

    @property
    def per_second(self) -> float:
        """Units of a second; the same everywhere."""
        cuts = len(self.timeline.stretches) - 1
        return (WIDTH - LEFT - RIGHT - cuts * _BREAK) / self.timeline.seconds

    def left(self, index: int) -> float:
        """Where a stretch begins."""
        return LEFT + index * _BREAK + self.timeline.stretches[index].before * self.per_second

    def right(self, index: int) -> float:
        """Where it ends."""
        stretch = self.timeline.stretches[index]
        return self.left(index) + (stretch.end - stretch.begin) * self.per_second

    def x(self, moment: float) -> float:
        """Of a moment; what lies in a cut stands at its edge."""
        index = self.timeline.stretch_of(moment)
        here = self.left(index) + (moment - self.timeline.stretches[index].begin) * self.per_second
        return min(self.right(index), max(self.left(index), here))

    @property
    def bar(self) -> float:
        """Width of a bucket."""
        return self.timeline.step * self.per_second


@dataclass(frozen=True, slots=True)
class Panel:
    """One plane: its columns, and a scale from its bottom to its top."""

    columns: Columns
    scale: Scale
    top: float
    height: float

    @property
    def bottom(self) -> float:
        """Where the scale begins."""
        return self.top + self.height

    def y(self, value: float) -> float:
        """Of a value."""
        return self.bottom - self.scale.share(value) * self.height

    def grid(self, name: Callable[[float], str]) -> Iterator[str]:
        """A line and a word for every tick."""
        yield from grid(self.scale, name, top=self.top, height=self.height)

    def bars(self, values: Sequence[float], color: str, **more: str | float) -> str:
        """A bar for each bucket that has a value above zero, as one path."""
        wide = max(0.6, self.columns.bar - 0.6)
        steps = [
            f"M{number(self.columns.x(self._begin(bucket)))} {number(self.bottom)}"
            f"V{number(self.y(value))}h{number(wide)}V{number(self.bottom)}Z"
            for bucket, value in enumerate(values)
            if value > 0
        ]
        return tag("path", d="".join(steps), fill=color, **more) if steps else ""

    def stairs(self, values: Sequence[float | None], color: str, **more: str | float) -> str:
        """A line that is level over each bucket; where there is no value, and between stretches, there is no line."""
        parts = [
            self._stair(run)
            for stretch in self.columns.timeline.stretches
            for run in self._runs(stretch, values)
        ]
        style = {"stroke": color, "stroke_width": 2, "fill": "none", "stroke_linejoin": "round", **more}
        return tag("path", d="".join(parts), **style) if parts else ""

    def across_cuts(self, values: Sequence[float], color: str) -> Iterator[str]:
        """A dotted level line over each cut: nothing happened meanwhile."""
        for index, stretch in enumerate(self.columns.timeline.stretches[1:]):
            y = self.y(values[stretch.first - 1])
            ends = self.columns.right(index), self.columns.left(index + 1)
            yield line(ends[0], y, ends[1], y, stroke=color, stroke_dasharray="1 3", stroke_width=2)

    def _runs(self, stretch: Stretch, values: Sequence[float | None]) -> Iterator[list[tuple[float, float]]]:
        """Buckets of a stretch that follow each other and have values: (left, y)."""
        last = stretch.first + self.columns.timeline.bucket_count(stretch)
        for known, run in groupby(range(stretch.first, last), lambda bucket: values[bucket] is not None):
            if known:
                yield [(self.columns.x(self._begin(bucket)), self.y(values[bucket] or 0.0)) for bucket in run]

    def _stair(self, run: list[tuple[float, float]]) -> str:
        (first, level), *rest = run
        path = [f"M{number(first)} {number(level)}"]
        for (_, before), (left, after) in pairwise(run):
            if after != before:
                path.append(f"H{number(left)}V{number(after)}")
        return "".join([*path, f"H{number((rest[-1][0] if rest else first) + self.columns.bar)}"])

    def _begin(self, bucket: int) -> float:
        return self.columns.timeline.begin_of(bucket)


def grid(scale: Scale, name: Callable[[float], str], *, top: float, height: float) -> Iterator[str]:
    """Lines and words of a scale from bottom to top; words that would stand on each other are left out."""
    lowest = top + height + FONT
    for tick in scale.ticks:
        y = top + height - scale.share(tick) * height
        yield line(LEFT, y, WIDTH - RIGHT, y, stroke_opacity=GRID)
        if lowest - y >= FONT:
            yield words(name(tick), LEFT - 6, y + 4, text_anchor="end", font_size=SMALL)
            lowest = y


def time_axis(columns: Columns, y: float, *, top: float) -> Iterator[str]:
    """The axis under a chart, with the days under the clock, and a mark for each cut. top: of what it belongs to."""
    timeline = columns.timeline
    step = clock_step(_APART / columns.per_second)
    taken = clock = -1e9
    for index, stretch in enumerate(timeline.stretches):
        yield line(columns.left(index), y, columns.right(index), y)
        if index:
            yield from _cut(columns, index, y, top=top)
        day = ""
        for moment in _ticks(stretch, step):
            x, text = columns.x(moment), clock_words(moment, step)
            if x - len(text) * _CHAR / 2 < clock + 4 or x + len(text) * _CHAR / 2 > WIDTH:
                continue
            yield line(x, y, x, y + 4)
            yield words(text, x, y + 16, text_anchor="middle", font_size=SMALL)
            clock = x + len(text) * _CHAR / 2
            if step < DAY and day_words(moment) != day and x - 18 > taken:
                day, taken = day_words(moment), x + 18
                yield words(day, x, y + 30, text_anchor="middle", font_size=SMALL)


def _ticks(stretch: Stretch, step: float) -> list[float]:
    """Moments with a word: whole steps of the clock, or the beginning where a stretch has none."""
    first = -int(-stretch.begin // step)
    last = int(stretch.end // step)
    return [number * step for number in range(first, last + 1)] or [stretch.begin]


def _cut(columns: Columns, index: int, y: float, *, top: float) -> Iterator[str]:
    """Between two stretches: the axis is broken, and how long it was is said above."""
    before, after = columns.timeline.stretches[index - 1 : index + 1]
    left, right = columns.right(index - 1), columns.left(index)
    middle = (left + right) / 2
    for x in (left, right):
        yield line(x, top, x, y, stroke_dasharray="2 3", stroke_opacity=0.5)
    for x in (middle - 3, middle + 2):
        yield line(x - 2, y + 5, x + 3, y - 5, stroke_width=1.5)
    yield words(gap_words(after.begin - before.end), middle, top - 4, text_anchor="middle", font_size=SMALL)


def gap_words(seconds: float) -> str:
    """How long nothing was sent: `3 d`, `5 h`, `20 min`."""
    unit = next((size for size in (DAY, 3600.0, 60.0) if seconds >= 1.5 * size), 1.0)
    return step_words(round(seconds / unit) * unit) if unit < DAY else f"{round(seconds / DAY)} d"


def long_words(seconds: float) -> str:
    """How long something took, in a sentence: `40 s`, `12:05 min`, `1:02:03 h`, `2 d 3 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    unit = " min" if seconds < 3600 else " h" if seconds < DAY else ""
    return duration(seconds) + unit


def legend(entries: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """(form, colour, word) of each series in the first row: told apart by form, too."""
    x = LEFT
    for form, color, text in entries:
        match form:
            case "line" | "dash":
                yield line(
                    x,
                    10,
                    x + 18,
                    10,
                    stroke=color,
                    stroke_width=2,
                    stroke_dasharray="4 2" if form == "dash" else None,
                )
            case "dot":
                yield tag("circle", cx=x + 9, cy=10, r=2.5, fill=color)
            case _:
                yield tag("rect", x=x, y=5, width=18, height=10, fill=color)
        yield words(text, x + 23, 14)
        x += 23 + len(text) * 6.6 + 14


def nothing(name: str, title: str, reason: str, *, shown: str = "") -> Chart:
    """A chart of nothing, which says why. shown: shorter, where the reason is longer than a line."""
    return framed(name, title, reason, height=40, drawing=[words(shown or reason, 0, 24)])
