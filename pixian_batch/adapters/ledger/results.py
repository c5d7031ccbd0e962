"""Questions about results: of other parameters, moved, replaced, left over. As `questions`, of which these are more.

Proved by tests/adapters/ledger/test_questions.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger.rows import Measures, from_db, join_place
from pixian_batch.policy.naming import MASTERS
from pixian_batch.policy.record import is_free

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence


def results_of(db: sqlite3.Connection, digest: bytes) -> list[tuple[str, str, int]]:
    """Where results of some bytes stand, whatever the parameters: (key params, place, size)."""
    rows = db.execute(
        "SELECT canonical, folder, name, size FROM place JOIN image ON image.id = image_id"
        " JOIN params ON params.id = params_id WHERE digest = ?",
        (digest,),
    )
    return [(params, join_place(folder, name), size) for params, folder, name, size in rows]


def has_others(db: sqlite3.Connection, fits: Sequence[str]) -> bool:
    """Whether a result that was bought with other parameters than these stands anywhere, or is about to.

    Quick where none was ever bought.
    """
    others = [params for (params,) in db.execute("SELECT canonical FROM params") if params not in fits]
    return any(
        db.execute(question, (params,)).fetchone()
        for params in others
        if not is_free(params)
        for question in (_UNDER_WAY, _STANDING)
    )


_UNDER_WAY: Final = """
    SELECT 1 FROM image JOIN params ON params.id = params_id WHERE state NOT IN ('done', 'open')
    AND state IN ('sending', 'received') AND canonical = ? LIMIT 1
"""
_STANDING: Final = """
    SELECT 1 FROM place JOIN image ON image.id = image_id JOIN params ON params.id = params_id
    WHERE canonical = ? AND folder NOT LIKE '.pixian-batch/%' LIMIT 1
"""


def spools(db: sqlite3.Connection, attempts: Iterable[int]) -> dict[int, tuple[str, bool]]:
    """By number, the spools of attempts, and whether nothing in them is waited for any more."""
    found: dict[int, tuple[str, bool]] = {}
    for number in attempts:
        row = db.execute(_SPOOL, (number,)).fetchone()
        if row is not None:
            found[number] = from_db(row[0]), bool(row[1])
    return found


_SPOOL: Final = """
    SELECT spool, image.attempt > attempt.id OR state IN ('done', 'open') OR (free AND state IN ('in_doubt', 'lost'))
    FROM attempt JOIN image ON image.id = image_id WHERE attempt.id = ?
"""


def decided_partials(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """(place, path) of what had arrived of results about which a person has decided."""
    rows = db.execute(
        "SELECT place, kept FROM resolution JOIN attempt ON attempt.id = resolution.attempt_id"
        " JOIN verdict ON verdict.attempt_id = attempt.id WHERE kept IS NOT NULL"
    )
    return [(from_db(place), from_db(kept)) for place, kept in rows]


def results_with_sources(db: sqlite3.Connection) -> list[tuple[str, int, list[str]]]:
    """Results at their places, with their sizes and all inputs of the same bytes. Reads the whole ledger."""
    found: dict[str, tuple[int, list[str]]] = {}
    for folder, name, size, source_folder, source_name in db.execute(_WITH_SOURCES):
        _size, sources = found.setdefault(join_place(folder, name), (size, []))
        if source_name is not None:
            sources.append(os.path.join(from_db(source_folder), from_db(source_name)))
    return [(place, size, sources) for place, (size, sources) in found.items()]


_WITH_SOURCES: Final = """
    SELECT place.folder, place.name, place.size, source.folder, source.name FROM place
    JOIN image ON image.id = image_id LEFT JOIN source ON source.digest = image.digest
    WHERE place.folder NOT LIKE '.pixian-batch/%'
"""


def masters(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """Full pictures from which results are drawn: (place, size). Reads all places."""
    rows = db.execute(_MASTERS, (MASTERS, f"{MASTERS}/%"))
    return [(join_place(folder, name), size) for folder, name, size in rows]


_MASTERS: Final = "SELECT folder, name, size FROM place WHERE folder = ? OR folder LIKE ?"


def measures(db: sqlite3.Connection) -> Measures:
    """Of all images that were ever sent. An input that was changed since has left its size to nobody, only its pixels."""
    sizes = frozenset(size for (size,) in db.execute("SELECT DISTINCT size FROM source"))
    pixels = frozenset(number for (number,) in db.execute(f"SELECT DISTINCT pixels {_SOURCELESS}"))
    unmeasured = None in pixels and db.execute(f"SELECT 1 {_UNMEASURED} LIMIT 1").fetchone() is not None
    return Measures(sizes, pixels - {None}, unmeasured)


_SOURCELESS: Final = "FROM image WHERE digest NOT IN (SELECT digest FROM source)"
# What a URL leads to is never the bytes of a file: its key is of the URL.
_UNMEASURED: Final = """
    FROM image JOIN attempt ON attempt.id = image.attempt WHERE pixels IS NULL
    AND digest NOT IN (SELECT digest FROM source) AND input NOT LIKE 'http://%' AND input NOT LIKE 'https://%'
"""
