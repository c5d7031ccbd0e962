"""The charts of a ledger, for a page about it: `charts(reader)`. Draws nothing itself.

Each chart is made of the ledger as it is now, also while a run goes on, in memory that does not grow with it.

Proved by tests/review/test_charts.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger import history
from pixian_batch.adapters.ledger.statements import statement
from pixian_batch.policy.statement import By
from pixian_batch.review.concurrency_chart import Paces, concurrency_chart
from pixian_batch.review.cost_charts import cost_chart
from pixian_batch.review.course import Course
from pixian_batch.review.folder_chart import folder_chart
from pixian_batch.review.plot import nothing
from pixian_batch.review.svg import Chart
from pixian_batch.review.time_charts import (
    credits_chart,
    images_chart,
    latency_chart,
    throttled_chart,
)
from pixian_batch.review.timeline import Timeline

if TYPE_CHECKING:
    from pixian_batch.adapters.ledger.reader import LedgerReader
    from pixian_batch.policy.statement import StatementLine

__all__ = ["Chart", "charts", "folder_sums"]

_EMPTY: Final = "Nothing was sent yet."
_TITLES: Final = {
    "images": "Images over time",
    "credits": "Credits over time",
    "concurrency": "Concurrency",
    "throttled": "429s over time",
    "latency": "Seconds on the wire",
    "folders": "Credits a folder",
    "cost-image": "Credits an image",
    "cost-megapixel": "Credits a megapixel",
}


def charts(reader: LedgerReader, *, depth: int = 1) -> tuple[Chart, ...]:
    """All charts, in the order in which they are read. depth: parts of a folder's name that make it one of its own.

    Blocking: it reads the whole ledger. Raises `LedgerError`.
    """
    spans = list(reader.each(history.spans))
    if not spans:
        return tuple(nothing(name, title, _EMPTY) for name, title in _TITLES.items())
    timeline = Timeline.of((span.begin, span.end) for span in spans)
    course, paces = Course(timeline), Paces(timeline)
    course.run(spans)
    course.take(reader.each(history.exchanges))
    paces.take(reader.each(history.paces), {span.run: span.end for span in spans})
    image, megapixel = course.costs
    return (
        images_chart(course),
        credits_chart(course),
        concurrency_chart(course, paces, len(spans)),
        throttled_chart(course),
        latency_chart(course),
        folder_chart(folder_sums(reader, depth=depth)),
        cost_chart("cost-image", "an image", image, paid=course.paid),
        cost_chart("cost-megapixel", "a megapixel", megapixel, paid=course.paid),
    )


def folder_sums(reader: LedgerReader, *, depth: int | None = 1) -> list[StatementLine]:
    """The sums of each folder, by name: the table beside the chart. depth: as `charts`; None: whole names."""
    return list(reader.each(statement, By.FOLDER, depth=depth))
