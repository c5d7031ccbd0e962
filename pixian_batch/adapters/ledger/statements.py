"""Questions with many answers: one for each image, or sums by folder, day or run. They only read.

Asked through `LedgerReader.each`: a row at a time, from one consistent moment, in memory that does not grow with
the ledger. The atom is the attempt: it belongs to one image, one folder, one day and one run, so every way of
dividing adds up to the same sum. Proved by tests/adapters/ledger/test_statements.py.
"""

from __future__ import annotations

import os
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from pixian_batch.adapters.ledger.rows import from_db, join_place
from pixian_batch.policy.record import State
from pixian_batch.policy.statement import ALWAYS, ZERO, By, ImageLine, Period, StatementLine, Sums, folder_of
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

PIXELS: Final = "coalesce(pixels, substr(input_size, 1, instr(input_size, ' ')) * substr(input_size, instr(input_size, ' ')))"
"""Of an image's input: as the client has measured it, or the service."""
_COLUMNS: Final = (
    """
    SELECT image_id, attempt.run_id, sent_at, attempt.input, attempt.place, at_most, free, charged, calculated, verdict, how,
"""
    + PIXELS
)
_ATTEMPTS: Final = """
    FROM attempt JOIN image ON image.id = image_id LEFT JOIN answer ON answer.attempt_id = attempt.id
    LEFT JOIN verdict ON verdict.attempt_id = attempt.id LEFT JOIN resolution ON resolution.attempt_id = attempt.id
"""
_PERIOD: Final = " WHERE sent_at >= ? AND (sent_at < ? OR ? = '')"
# The state is of the image's latest attempt; a failure is told only of what nothing has become of since.
_OF_IMAGE: Final = """, state, canonical, (SELECT count(*) FROM place WHERE place.image_id = image.id),
    CASE state WHEN 'open' THEN failure.message WHEN 'done' THEN NULL ELSE verdict.message END, failure.input
"""
_FURTHER: Final = """
    JOIN params ON params.id = params_id LEFT JOIN failure ON state = 'open' AND failure.input = attempt.input
"""
_IMAGES: Final = _COLUMNS + _OF_IMAGE + _ATTEMPTS + _FURTHER + _PERIOD + " ORDER BY image_id, attempt.id"
_NEVER_SENT: Final = """
    SELECT at, input, run_id, message FROM failure WHERE at >= ? AND (at < ? OR ? = '') AND input NOT IN
        (SELECT input FROM image JOIN attempt ON attempt.id = image.attempt WHERE state = 'open') ORDER BY at, input
"""
_MAY_BE_CHARGED: Final = frozenset({None, Verdict.IN_DOUBT, Verdict.LOST, Verdict.DELIVERED})
_STATUSES: Final = {State.RECEIVED: "kept", State.OPEN: "open"}
"""Words of the records for the states that have another one; an open image with a failure is `failed`."""


class _Attempt(NamedTuple):
    """A row of `_COLUMNS`."""

    image: int
    run: int
    sent_at: str
    input: str | bytes
    place: str | bytes
    at_most: str | None
    free: int
    charged: str | None
    calculated: str | None
    verdict: str | None
    how: str | None
    pixels: int | None

    def sums(self) -> Sums:
        """What it adds to a sum."""
        delivered = self.verdict == Verdict.DELIVERED
        doubtful = (
            not self.free
            and self.charged is None
            and self.verdict in _MAY_BE_CHARGED
            and self.how in {None, "charged"}
        )
        return Sums(
            images=int(delivered and not self.free),
            free=int(delivered and bool(self.free)),
            pixels=(self.pixels or 0) if delivered and not self.free else 0,
            charged=Decimal(self.charged or 0),
            calculated=Decimal(self.calculated or 0),
            in_doubt=int(doubtful),
            at_most=Decimal(self.at_most or 0) if doubtful else ZERO,
            unpriced=int(doubtful and self.at_most is None),
        )

    def name(self, by: By, depth: int | None) -> str:
        """The folder, day or run that it belongs to."""
        match by:
            case By.FOLDER:
                return folder_of(from_db(self.place), depth)
            case By.DAY:
                return self.sent_at[:10]
            case By.RUN:
                return str(self.run)


class _ImageAttempt(NamedTuple):
    """A row of `_IMAGES`: an attempt, and what is known of its image."""

    attempt: _Attempt
    state: str
    parameters: str
    results: int
    message: str | bytes | None
    failed: str | bytes | None

    @property
    def image(self) -> int:
        """The image's number."""
        return self.attempt.image


def statement(
    db: sqlite3.Connection, by: By, *, depth: int | None = None, period: Period = ALWAYS
) -> Iterator[StatementLine]:
    """The sums of each folder, day or run, in order. depth: so many parts of a folder's name; None: all."""
    sums: dict[str, Sums] = {}
    for row in db.execute(_COLUMNS + _ATTEMPTS + _PERIOD, _bounds(period)):
        attempt = _Attempt(*row)
        name = attempt.name(by, depth)
        sums[name] = sums.get(name, Sums()) + attempt.sums()
    if by is By.RUN:
        began = dict(db.execute("SELECT id, started_at FROM run"))
        for number in sorted(map(int, sums)):
            yield StatementLine(str(number), sums[str(number)], began.get(number))
    else:
        for name in sorted(sums):
            yield StatementLine(name, sums[name])


def image_lines(db: sqlite3.Connection, *, period: Period = ALWAYS) -> Iterator[ImageLine]:
    """Every image that was sent, in the order of their first sending; then inputs that failed before they were."""
    rows = db.execute(_IMAGES, _bounds(period))
    attempts = (_ImageAttempt(_Attempt(*row[:-5]), *row[-5:]) for row in rows)
    for _image, group in groupby(attempts, attrgetter("image")):
        yield _line(group)
    for at, source, run, message in db.execute(_NEVER_SENT, _bounds(period)):
        yield ImageLine(
            image=None,
            date=at,
            input=from_db(source),
            place=None,
            status="failed",
            pixels=None,
            sums=Sums(),
            attempts=0,
            run=run,
            parameters="",
            results=0,
            error=from_db(message),
        )


def _line(group: Iterator[_ImageAttempt]) -> ImageLine:
    """The attempts of one image, the latest one last."""
    row = next(group)
    number, sums = 1, row.attempt.sums()  # of nearly all there is but one
    for number, row in enumerate(group, 2):  # noqa: B007  # the last row is used below
        sums += row.attempt.sums()
    latest = row.attempt
    return ImageLine(
        image=latest.image,
        date=latest.sent_at,
        input=from_db(latest.input),
        place=from_db(latest.place),
        status="failed" if row.failed is not None else _STATUSES.get(State(row.state), row.state),
        pixels=latest.pixels,
        sums=sums,
        attempts=number,
        run=latest.run,
        parameters=row.parameters,
        results=row.results,
        error=from_db(row.message) or None if row.message is not None else None,
    )


def _bounds(period: Period) -> tuple[str, str, str]:
    return period.since, period.until, period.until


# --- results and their photos ----------------------------------------------------------------------


class StoredRow(NamedTuple):
    """A result that stands somewhere, kept ones among them. attempt: the latest of its image.

    orientation: as the service said; None when it did not.
    """

    digest: bytes
    params: str
    attempt: int
    place: str
    size: int
    orientation: int | None


def stored_results(db: sqlite3.Connection) -> Iterator[StoredRow]:
    """Every result that stands somewhere, those of one photo's bytes together."""
    for digest, params, attempt, folder, name, size, orientation in db.execute(_STORED):
        yield StoredRow(
            digest=digest,
            params=params,
            attempt=attempt,
            place=join_place(folder, name),
            size=size,
            orientation=orientation,
        )


_STORED: Final = """
    SELECT digest, canonical, image.attempt, folder, name, size, orientation FROM image
    JOIN params ON params.id = params_id JOIN place ON place.image_id = image.id
    LEFT JOIN answer ON answer.attempt_id = image.attempt ORDER BY digest, canonical, folder, name
"""


def photos(db: sqlite3.Connection) -> Iterator[tuple[bytes, str]]:
    """The hash and the absolute path of every input."""
    for digest, folder, name in db.execute("SELECT digest, folder, name FROM source"):
        yield digest, os.path.join(from_db(folder), from_db(name))


def priced_results(db: sqlite3.Connection) -> Iterator[tuple[str, bytes, str, str | None]]:
    """Every result that stands somewhere, (place, digest, key params, credits charged): of a drawn one, its master's price."""
    for folder, name, digest, params, charged in db.execute(_PRICED):
        yield join_place(folder, name), digest, params, charged


_PRICED: Final = """
    SELECT folder, name, digest, canonical, charged FROM place JOIN image ON image.id = image_id
    JOIN params ON params.id = params_id LEFT JOIN answer ON answer.attempt_id = image.attempt
"""
