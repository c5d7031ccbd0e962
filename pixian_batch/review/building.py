"""A whole report: ledger and files -> rows -> thumbnails and measures -> the page. Nothing is sent, nothing is bought.

It can be made while a run goes on, and again after it: only what is new is made anew. Writes into the report's folder,
and the page, and nowhere else. Blocking. Proved by tests/review/test_building.py.
"""

from __future__ import annotations

import contextlib
import os
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pixian_batch
from pixian_batch.adapters.clock import now
from pixian_batch.adapters.ledger import reviews, statements
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.adapters.whole_file import whole_file
from pixian_batch.display.statements import statement_cells
from pixian_batch.display.text import count, credit_amount, images, visible
from pixian_batch.policy.statement import ZERO, By
from pixian_batch.review import thumbnails
from pixian_batch.review.charts import charts
from pixian_batch.review.entries import FIELDS, OUTCOMES, SharedTexts, values
from pixian_batch.review.page_file import Page, check_jinja, render
from pixian_batch.review.remembering import Memory
from pixian_batch.review.subject import Place, Sightings, Subject, entries, look_at
from pixian_batch.review.suspicion import ReasonKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pixian_batch.review.entries import Entry
    from pixian_batch.review.rows import Row
    from pixian_batch.review.subject import Told
    from pixian_batch.review.svg import Chart

INLINE_MOST: Final = 300
"""Pictures that fit into one file: some 10 MB, which a browser opens at once and a mail takes."""
SUSPECT_FROM: Final = 0.5
"""The suspicion from which a result counts as suspect in the gist."""


class TooManyError(Exception):
    """More pictures than one file can hold; `hint` says what to do."""

    hint = "leave --inline out: the report is a folder then, for any number"

    def __init__(self, number: int) -> None:
        super().__init__(f"{images(number)} are too many for one file, which holds {INLINE_MOST}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOrder:
    """What is wanted. folder: of the thumbnails; page: the file.

    redo: makes the command that buys results of some key parameters once more, with `LIST` for the list's name.
    """

    subject: Subject
    folder: str
    page: str
    redo: Callable[[str], str]
    copy: str = ""
    inline: bool = False
    against: Subject | None = None
    by: By = By.FOLDER
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class ReportMade:
    """A report that is there. pictures: rows; fresh: looked at now, the others were known; unreadable: results."""

    page: str
    pictures: int
    fresh: int
    suspect: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What of a page is the ledger's alone."""

    first_run: str
    is_open: bool
    charts: Sequence[Chart] = ()
    sums: Sequence[Sequence[str]] = field(default=())


def build(order: ReportOrder, told: Told) -> ReportMade:
    """Make it. Raises `LedgerError`, `ReviewMissingError`, `TooManyError`, and OSError or `MemoryFileError` where it
    cannot be written.
    """
    check_jinja()
    rows = order.subject.read_rows()
    others = [] if order.against is None else order.against.read_rows()
    if order.inline and len(rows) > INLINE_MOST:
        raise TooManyError(len(rows))
    place = Place(order.folder, os.path.dirname(os.path.abspath(order.page)), order.inline)
    os.makedirs(order.folder, exist_ok=True)
    with closing(Memory(order.folder)) as memory:
        look = look_at([*rows, *others], place, memory, told)
        ours, theirs = _halves(rows, others, look, place)
        _tidy(order.folder, memory, look)
    page = _page(order, ours, theirs)
    with whole_file(order.page) as stream:
        stream.write(render(page))
    return _made(order.page, ours, look)


def _halves(
    rows: list[Row], others: list[Row], look: Sightings, place: Place
) -> tuple[list[Entry], list[Entry]]:
    """Each output's results are judged among their own siblings."""
    cut = len(rows)
    ours = entries(rows, Sightings(look.tasks[:cut], look.seen), place)
    return ours, entries(others, Sightings(look.tasks[cut:], look.seen), place)


def _tidy(folder: str, memory: Memory, look: Sightings) -> None:
    """Thumbnails of files that are others by now go."""
    for key in memory.forget_all_but(look.keys):
        for name in (thumbnails.photo_name(key), thumbnails.result_name(key)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, *name.split("/")))


def _made(page: str, ours: list[Entry], look: Sightings) -> ReportMade:
    suspect = _suspects(ours)
    problems = (entry.seen.measures is not None and bool(entry.seen.measures.problem) for entry in ours)
    return ReportMade(
        page=os.path.abspath(page),
        pictures=len(ours),
        fresh=look.fresh,
        suspect=suspect,
        unreadable=sum(problems),
    )


def _suspects(ours: list[Entry]) -> int:
    return sum(entry.assessment is not None and entry.assessment.score >= SUSPECT_FROM for entry in ours)


# --- the page --------------------------------------------------------------------------------------------------


def _page(order: ReportOrder, ours: list[Entry], theirs: list[Entry]) -> Page:
    book = _read(order.subject, order.by, order.depth)
    against = None if order.against is None else visible(order.against.title)
    return Page(
        title=visible(order.subject.title),
        version=pixian_batch.__version__,
        made_at=now()[:16].replace("T", " ") + " UTC",
        facts=_facts(ours, book, against),
        data=_data(order, ours, theirs, book),
        charts=book.charts,
        sums=book.sums,
        by=order.by.value,
        against=against,
    )


def _read(subject: Subject, by: By, depth: int | None) -> _Ledger:
    with closing(LedgerReader.open(subject.ledger)) as reader:
        runs = list(reader.each(reviews.runs))
        if not runs:
            return _Ledger("", is_open=False)
        lines = list(reader.each(statements.statement, by, depth=depth))
        return _Ledger(
            runs[0][0],
            is_open=runs[-1][1] is None,
            charts=charts(reader, depth=depth or 1),
            sums=statement_cells(lines, by) if lines else (),
        )


def _facts(ours: list[Entry], book: _Ledger, against: str | None) -> list[str]:
    charged = sum((entry.row.charged or ZERO for entry in ours), start=ZERO)
    results = sum(entry.row.result is not None for entry in ours)
    suspect = _suspects(ours)
    facts = [f"{count(results)} results", f"{count(suspect)} suspect"]
    if charged:
        facts.append(f"{credit_amount(charged)} credits charged")
    if len(ours) > results:
        facts.append(f"{count(len(ours) - results)} without a result")
    if against is not None:
        facts.append(f"beside {against}")
    if book.is_open:
        facts.append("the latest run has not ended")
    return facts


def _data(order: ReportOrder, ours: list[Entry], theirs: list[Entry], book: _Ledger) -> dict[str, Any]:
    texts = SharedTexts(order.redo)
    find = _pairing(theirs)
    rows = [values(entry, texts, find(entry)) for entry in ours]
    against = order.against
    other = "" if against is None else _read(against, order.by, order.depth).first_run
    return {
        "v": 1,
        "identity": " ".join(filter(None, [book.first_run, other])),
        "title": visible(order.subject.title),
        "against": None if against is None else visible(against.title),
        "fields": FIELDS,
        "rows": rows,
        "folders": list(texts.folders),
        "redo": list(texts.commands),
        "copy": order.copy,
        "outcomes": OUTCOMES,
        "reasons": {kind.value: kind.value.replace("_", " ") for kind in ReasonKind},
    }


def _pairing(theirs: list[Entry]) -> Callable[[Entry], Entry | None]:
    """Finds the other output's result of the same photo: of the same bytes, else of the same name."""
    by_digest = {entry.row.digest: entry for entry in theirs if entry.row.digest}
    by_name = {_bare(entry): entry for entry in theirs}

    def find(entry: Entry) -> Entry | None:
        named = by_name.get(_bare(entry))
        if named is not None and named.row.digest == entry.row.digest:
            return named
        return by_digest.get(entry.row.digest) or named

    return find


def _bare(entry: Entry) -> str:
    """The place without its suffix: another format has another one."""
    return os.path.splitext(entry.row.name)[0]
