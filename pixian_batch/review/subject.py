"""One output folder that is looked at: its rows with their thumbnails, measures and judgements. Blocking.

Proved by tests/review/test_building.py.
"""

from __future__ import annotations

import base64
import os
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.review import thumbnails
from pixian_batch.review.entries import Entry
from pixian_batch.review.links import link
from pixian_batch.review.making import make_all
from pixian_batch.review.rows import rows_of
from pixian_batch.review.siblings import Siblings
from pixian_batch.review.suspicion import assess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pixian_batch.review.remembering import Memory, Seen
    from pixian_batch.review.rows import Row
    from pixian_batch.review.thumbnails import ThumbnailTask

    Told = Callable[[int, int], None]
    """Hears how many pictures are done, of how many that are new."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An output folder and its ledger."""

    out: str
    ledger: str

    @property
    def title(self) -> str:
        """What a person calls it."""
        return os.path.basename(os.path.abspath(self.out)) or self.out

    def read_rows(self) -> list[Row]:
        """All its rows. Raises `LedgerError`."""
        with closing(LedgerReader.open(self.ledger)) as reader:
            return list(rows_of(reader, self.out))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report is made. folder: of its thumbnails; beside: of the page; inline: the page holds its thumbnails."""

    folder: str
    beside: str
    inline: bool = False

    def address(self, name: str, size: int | None) -> str | None:
        """The address of a thumbnail in the page; None where there is none."""
        if size is None:
            return None
        if not self.inline:
            return link(os.path.join(self.folder, *name.split("/")), self.beside)
        with open(os.path.join(self.folder, *name.split("/")), "rb") as stream:
            kind = "jpeg" if name.endswith(".jpg") else "webp"
            return f"data:image/{kind};base64,{base64.b64encode(stream.read()).decode()}"


@dataclass(slots=True)
class Sightings:
    """What was seen of some rows. fresh: how many were looked at now; the others were known."""

    tasks: Sequence[ThumbnailTask]
    seen: Mapping[str, Seen]
    fresh: int = 0
    keys: set[str] = field(default_factory=set)


def look_at(rows: Sequence[Row], place: Place, memory: Memory, told: Told) -> Sightings:
    """Make the thumbnails and measures that are not there yet."""
    tasks = [thumbnails.task_of(row, place.folder) for row in rows]
    new = {task.key: task for task in tasks if not _is_known(task, memory)}
    unlooked = make_all(list(new.values()), memory, told=lambda number: told(number, len(new)))
    keys = {task.key for task in tasks}
    seen = {key: what for key in keys if (what := memory.recall(key)) is not None} | unlooked
    return Sightings(tasks, seen, len(new), keys)


def _is_known(task: ThumbnailTask, memory: Memory) -> bool:
    seen = memory.recall(task.key)
    return seen is not None and thumbnails.is_whole(task.key, seen, task.folder)


def entries(rows: Sequence[Row], look: Sightings, place: Place) -> list[Entry]:
    """The rows with what was seen of them, each judged among its folder's siblings."""
    siblings: defaultdict[str, Siblings] = defaultdict(Siblings)
    seen = [look.seen[task.key] for task in look.tasks]
    for row, what in zip(rows, seen, strict=True):
        if what.measures is not None:
            siblings[row.folder].add(what.measures)
    found = zip(rows, look.tasks, seen, strict=True)
    return [_entry(row, task.key, what, place, siblings=siblings[row.folder]) for row, task, what in found]


def _entry(row: Row, key: str, seen: Seen, place: Place, *, siblings: Siblings) -> Entry:
    entry = Entry(
        row=row,
        seen=seen,
        photo=None if row.photo is None else link(row.photo, place.beside),
        result=None if row.result is None else link(row.result, place.beside),
        thumb_photo=place.address(thumbnails.photo_name(key), seen.photo_bytes),
        thumb_result=place.address(thumbnails.result_name(key), seen.result_bytes),
    )
    return entry if seen.measures is None else replace(entry, assessment=assess(seen.measures, siblings))
