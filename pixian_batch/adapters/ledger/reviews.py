"""Questions of a review: what every image's result is, where it stands, and from which photos. They only read.

Asked through `LedgerReader.each`, as those of `statements`, of which these are the other half: those say what was
bought and paid, these what there is to be looked at. Proved by tests/review/test_rows.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger.rows import HEADERS, from_db, join_place
from pixian_batch.contract.headers import read_result_headers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from pixian_batch.contract.headers import ResultHeaders


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result that came: of which image, by which attempt, in how many seconds, and what the answer's head said."""

    image: int
    attempt: int
    seconds: float | None
    headers: ResultHeaders


@dataclass(frozen=True, slots=True)
class StandingResult:
    """A result at its place, relative to the output folder; `digest` is of the photo's bytes, `size` in bytes."""

    image: int
    digest: bytes
    place: str
    size: int


_DELIVERIES: Final = """
    SELECT image_id, attempt.id, verdict.seconds, charged, calculated, orientation, input_size, result_size,
        input_foreground, result_foreground
    FROM attempt JOIN answer ON answer.attempt_id = attempt.id JOIN verdict ON verdict.attempt_id = attempt.id
    WHERE verdict = 'delivered' ORDER BY attempt.id
"""


def deliveries(db: sqlite3.Connection) -> Iterator[Delivery]:
    """Every result that came, in the order of the attempts: of one image the latest comes last."""
    for image, attempt, seconds, *columns in db.execute(_DELIVERIES):
        texts = {name: str(value) for name, value in zip(HEADERS, columns, strict=True) if value is not None}
        yield Delivery(image, attempt, seconds, replace(read_result_headers(texts), warnings=()))


def standing_results(db: sqlite3.Connection) -> Iterator[StandingResult]:
    """Every result that the ledger says stands somewhere, kept ones included."""
    rows = db.execute(
        "SELECT image_id, digest, folder, name, size FROM place JOIN image ON image.id = image_id"
        " ORDER BY folder, name"
    )
    for image, digest, folder, name, size in rows:
        yield StandingResult(image, digest, join_place(folder, name), size)


def photos(db: sqlite3.Connection) -> Iterator[tuple[bytes, str]]:
    """(digest, absolute path) of every photo as it was last read."""
    for digest, folder, name in db.execute("SELECT digest, folder, name FROM source ORDER BY folder, name"):
        yield digest, os.path.join(from_db(folder), from_db(name))


def runs(db: sqlite3.Connection) -> Iterator[tuple[str, str | None]]:
    """When each run began, and ended. The first tells one ledger from another, wherever it is moved to."""
    yield from db.execute("SELECT started_at, ended_at FROM run ORDER BY id")
