"""The charts over time: images, credits, 429s, latency. Pure: a course in, SVG out."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import count, credit_amount, images
from pixian_batch.policy.statement import EXACT
from pixian_batch.review.plot import AXIS, SMALL, Columns, Panel, legend, long_words, nothing, time_axis
from pixian_batch.review.spread import Spread
from pixian_batch.review.svg import BLUE, FONT, GREEN, RED, Chart, framed, tag, words
from pixian_batch.review.ticks import (
    amount_words,
    decades,
    from_zero,
    moment_words,
    seconds_words,
    step_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pixian_batch.review.course import Course
    from pixian_batch.review.ticks import Scale

_TOP: Final = 34.0
_UPPER: Final = 92.0
_LOWER: Final = 64.0
_BETWEEN: Final = 30.0
_ONLY: Final = 130.0


def images_chart(course: Course) -> Chart:
    """Images over time: in all, and in each bucket."""
    each = [bucket.images for bucket in course.buckets]
    total, step = sum(each), step_words(course.timeline.step)
    pace = total / max(1.0, course.timeline.active)
    gist = (
        f"{images(total)} cut out {_when(course)}; at most {count(max(each))} in {step},"
        f" {_rate(pace)} on average while runs went on."
    )
    drawing = _two_panels(
        course, [float(value) for value in each], whole=True, words=("images in all", f"in each {step}")
    )
    return _over_time("images", "Images over time", gist, drawing, height=_both())


def credits_chart(course: Course) -> Chart:
    """Credits over time: in all, and in each bucket; of free runs, what they would have been."""
    charged = [bucket.charged if course.paid else bucket.calculated for bucket in course.buckets]
    total, step = _sum(charged), step_words(course.timeline.step)
    what = "credits charged" if course.paid else "credits that it would have cost (nothing was charged)"
    gist = f"{credit_amount(total)} {what} {_when(course)}; at most {credit_amount(max(charged))} in {step}."
    title = "Credits over time" if course.paid else "Credits over time, had they been charged"
    drawing = _two_panels(course, list(map(float, charged)), words=("credits in all", f"in each {step}"))
    return _over_time("credits", title, gist, drawing, height=_both())


def throttled_chart(course: Course) -> Chart:
    """Answers 429 over time."""
    each = [bucket.throttled for bucket in course.buckets]
    total, step = sum(each), step_words(course.timeline.step)
    requests = total + sum(bucket.images + bucket.other for bucket in course.buckets)
    if not total:
        never = f"The service never answered 429 (slow down) to {count(requests)} requests."
        return nothing("throttled", "429s over time", never, shown="No 429.")
    worst = course.timeline.begin_of(each.index(max(each)))
    gist = (
        f"{count(total)} of {count(requests)} requests were answered 429 (slow down), {100 * total / requests:.2g} %;"
        f" at most {count(max(each))} in {step}, from {moment_words(worst)} UTC on."
    )
    columns = Columns(course.timeline)
    panel = Panel(columns, from_zero(max(each), whole=True), _TOP, _ONLY)
    drawing = [
        *panel.grid(amount_words),
        panel.bars(list(map(float, each)), RED),
        _head(f"429s in each {step}", _TOP),
    ]
    return _over_time(
        "throttled", "429s over time", gist, [*drawing, *time_axis(columns, panel.bottom, top=_TOP)]
    )


def latency_chart(course: Course) -> Chart:
    """How long requests that gave a result were on the wire: median, 95th percentile and the longest."""
    title = "Seconds on the wire"
    spreads = [bucket.latency for bucket in course.buckets]
    known = [spread for spread in spreads if spread.total]
    if not known:
        return nothing("latency", title, "No request has given a result yet.")
    quantiles = [spread.quantiles(0.5, 0.95) if spread.total else None for spread in spreads]
    median, high = ([None if pair is None else pair[index] for pair in quantiles] for index in (0, 1))
    most = [spread.most if spread.total else None for spread in spreads]
    overall = _overall(course)
    gist = (
        f"Half of the requests took at most {seconds_words(overall[0])} on the wire, 95 % at most"
        f" {seconds_words(overall[1])}, the longest {amount_words(round(max(s.most for s in known), 1))} s;"
        " rests and waiting in line are not in it."
    )
    columns = Columns(course.timeline)
    panel = Panel(
        columns, _latency_scale([value for value in median if value], max(s.most for s in known)), _TOP, _ONLY
    )
    drawing = [
        *panel.grid(seconds_words),
        *_dots(panel, most),
        panel.stairs(high, RED, stroke_dasharray="4 2", stroke_width=1.5),
        panel.stairs(median, BLUE),
        *legend([("line", BLUE, "median"), ("dash", RED, "95 %"), ("dot", GREEN, "longest")]),
        *time_axis(columns, panel.bottom, top=_TOP),
    ]
    return _over_time("latency", title, gist, drawing)


def _two_panels(
    course: Course, each: list[float], *, words: tuple[str, str], whole: bool = False
) -> list[str]:
    columns, total = Columns(course.timeline), list(accumulate(each))
    upper = Panel(columns, from_zero(total[-1], whole=whole), _TOP, _UPPER)
    lower = Panel(columns, from_zero(max(each), whole=whole), _TOP + _UPPER + _BETWEEN, _LOWER)
    return [
        *upper.grid(amount_words),
        upper.stairs(total, BLUE),
        *upper.across_cuts(total, BLUE),
        _head(words[0], upper.top),
        *lower.grid(amount_words),
        lower.bars(each, BLUE),
        _head(words[1], lower.top),
        *time_axis(columns, lower.bottom, top=_TOP),
    ]


def _both() -> float:
    return _UPPER + _BETWEEN + _LOWER


def _over_time(name: str, title: str, gist: str, drawing: list[str], *, height: float = _ONLY) -> Chart:
    return framed(name, title, gist, height=_TOP + height + AXIS, drawing=drawing)


def _head(text: str, top: float) -> str:
    """What a panel shows, above it."""
    return words(text, 0, top - FONT, font_size=SMALL, font_weight="bold")


def _dots(panel: Panel, values: Sequence[float | None]) -> Iterator[str]:
    half = panel.columns.bar / 2
    for bucket, value in enumerate(values):
        if value is not None:
            x = panel.columns.x(panel.columns.timeline.begin_of(bucket)) + half
            yield tag("circle", cx=x, cy=panel.y(value), r=1.8, fill=GREEN)


def _latency_scale(medians: list[float], most: float) -> Scale:
    """Even, or with a factor between ticks where the longest would press all others to the ground."""
    least = min(medians)
    return decades(least, most) if most > 15 * least else from_zero(most)


def _overall(course: Course) -> list[float]:
    total = Spread()
    for bucket in course.buckets:
        total.counts.update(bucket.latency.counts)
    return total.quantiles(0.5, 0.95)


def _when(course: Course) -> str:
    stretches = course.timeline.stretches
    first, last = moment_words(stretches[0].begin), moment_words(stretches[-1].end)
    until = last[-5:] if first[:-5] == last[:-5] else last  # the clock alone on the same day
    when = f"on {first}" if first == last else f"from {first} to {until}"
    return f"{when} UTC, in {long_words(course.timeline.active)} of running"


def _rate(per_second: float) -> str:
    """`3.4 a second`, `12 a minute`, `30 an hour`."""
    for unit, factor in (("second", 1), ("minute", 60)):
        if per_second * factor >= 1:
            return f"{per_second * factor:.3g} a {unit}"
    return f"{per_second * 3600:.3g} an hour"


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
