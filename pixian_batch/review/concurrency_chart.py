"""The chart of concurrency: how many workers were allowed, how many were on the wire or rested, and why that changed. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import count
from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.review.plot import AXIS, GRID, LEFT, RIGHT, SMALL, Columns, Panel, legend, time_axis
from pixian_batch.review.svg import BLUE, INK, RED, WIDTH, Chart, framed, line, tag, words
from pixian_batch.review.ticks import amount_words, from_zero, step_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pixian_batch.adapters.ledger.history import PaceRow
    from pixian_batch.review.course import Course
    from pixian_batch.review.timeline import Timeline

_TOP: Final = 34.0
_HEIGHT: Final = 120.0
_LANE: Final = 14.0
_WORDS: Final = {ChangeReason.THROTTLED: "429"}
"""Of the reasons that have another one here than in records."""


@dataclass(slots=True)
class _Bucket:
    """The most that were allowed, and that rested; None where it was not recorded."""

    allowed: int | None = None
    resting: int | None = None
    reasons: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Paces:
    """What was recorded, in the buckets of a timeline; how often for which reason."""

    timeline: Timeline
    buckets: list[_Bucket] = field(init=False)
    reasons: Counter[str] = field(default_factory=Counter)
    runs: int = 0

    def __post_init__(self) -> None:
        self.buckets = [_Bucket() for _ in range(self.timeline.buckets)]

    def take(self, paces: Iterable[PaceRow], ends: Mapping[int, float]) -> None:
        """Fold all of them. ends: of runs; a run that was killed has no last word, and lasts until then."""
        before: PaceRow | None = None
        for pace in paces:
            if before is not None:
                same = pace.run == before.run
                self._fill(before, pace.at if same else ends.get(before.run, before.at))
            self.runs += before is None or pace.run != before.run
            self.reasons[pace.reason] += 1
            self.buckets[self.timeline.bucket(pace.at)].reasons.add(pace.reason)
            before = pace
        if before is not None:
            self._fill(before, ends.get(before.run, before.at))

    def _fill(self, pace: PaceRow, until: float) -> None:
        first = self.timeline.bucket(pace.at)
        last = first if pace.reason == ChangeReason.END else self.timeline.bucket(until)
        for bucket in self.buckets[first : max(first, last) + 1]:
            bucket.allowed = max(bucket.allowed or 0, pace.allowed)
            bucket.resting = max(bucket.resting or 0, pace.resting)


def concurrency_chart(course: Course, paces: Paces, runs: int) -> Chart:
    """Allowed workers as a line, those on the wire as bars, and a lane for each reason. runs: how many have sent."""
    busy = [bucket.busy / max(1.0, bucket.active) for bucket in course.buckets]
    allowed = [bucket.allowed for bucket in paces.buckets]
    resting = [bucket.resting for bucket in paces.buckets]
    most = max([*busy, *(value for value in (*allowed, *resting) if value is not None)], default=0.0)
    columns = Columns(course.timeline)
    panel = Panel(columns, from_zero(most, whole=True), _TOP, _HEIGHT)
    reasons = [reason for reason in ChangeReason if paces.reasons[reason]]
    bottom = panel.bottom + 6 + _LANE * len(reasons)
    drawing = [
        *panel.grid(amount_words),
        panel.bars(busy, BLUE),
        panel.stairs(resting, RED, stroke_dasharray="4 2") if any(resting) else "",
        panel.stairs(allowed, INK, stroke_width=1.6),
        *_key(paces, rests=any(resting)),
        *_lanes(columns, paces, reasons, top=panel.bottom + 6),
        *time_axis(columns, bottom, top=_TOP),
    ]
    return framed(
        "concurrency", "Concurrency", _gist(paces, busy, runs), height=bottom + AXIS, drawing=drawing
    )


def _key(paces: Paces, *, rests: bool) -> Iterator[str]:
    entries = [("area", BLUE, "on the wire (mean)")]
    if paces.runs:
        entries.append(("line", INK, "allowed"))
    if rests:
        entries.append(("dash", RED, "resting"))
    return legend(entries)


def _lanes(columns: Columns, paces: Paces, reasons: list[ChangeReason], *, top: float) -> Iterator[str]:
    """A row for each reason, with a mark for each bucket in which the number changed for it."""
    for row, reason in enumerate(reasons):
        y = top + row * _LANE
        yield words(_WORDS.get(reason, reason.value), LEFT - 6, y + 11, text_anchor="end", font_size=SMALL)
        yield line(LEFT, y + 7, WIDTH - RIGHT, y + 7, stroke_opacity=GRID)
        for number, bucket in enumerate(paces.buckets):
            if reason in bucket.reasons:
                x = columns.x(columns.timeline.begin_of(number))
                yield tag("rect", x=x, y=y + 2.5, width=max(2.5, columns.bar - 0.6), height=9, rx=1)


def _gist(paces: Paces, busy: list[float], runs: int) -> str:
    step = step_words(paces.timeline.step)
    mean = f"at most {max(busy):.2g} requests were on the wire at once, on average over {step} in which runs went on"
    if not paces.runs:
        return f"How many workers were allowed was not recorded in these runs (an older version made them); {mean}."
    most = max(bucket.allowed or 0 for bucket in paces.buckets)
    many = [
        f"{_WORDS.get(reason, reason.value)} {count(paces.reasons[reason])}"
        for reason in ChangeReason
        if paces.reasons[reason]
    ]
    missing = runs - paces.runs
    older = (
        f" Of {count(missing)} older run{'s' * (missing != 1)} it was not recorded." if missing > 0 else ""
    )
    return f"At most {count(most)} workers were allowed; {mean}. Changes by reason: {', '.join(many)}.{older}"
