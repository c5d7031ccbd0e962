"""Questions to the ledger: functions of a connection, asked through `Ledger.ask` or `LedgerReader.ask`. They only read.

Each is one consistent moment of the ledger, because the door asks it within one transaction. What cannot
be true in a row raises ValueError, TypeError or ArithmeticError, which the door takes for damage.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger.opening import check_pages
from pixian_batch.adapters.ledger.rows import (
    Condition,
    Evidence,
    Failure,
    ImageRow,
    Purchase,
    RunFacts,
    Spent,
    Status,
    by_name,
    credits_from,
    from_db,
    join_place,
    to_db,
    total,
)
from pixian_batch.policy.record import State, converted
from pixian_batch.policy.statement import EXACT, folder_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from pixian_batch.policy.record import Asked, Key, Known, Standing, Stands, Unfinished


# --- images ------------------------------------------------------------------------------------------

_IMAGES: Final = """
    SELECT state, image.attempt, digest, canonical, input, place, spool, pixels, at_most, free, sent_at,
        verdict, verdict.http_status, message, body_size, seconds, kept, answer.http_status, length,
        charged, calculated, orientation, input_size, result_size, input_foreground, result_foreground
    FROM image JOIN params ON params.id = params_id JOIN attempt ON attempt.id = image.attempt
    LEFT JOIN verdict ON verdict.attempt_id = image.attempt
    LEFT JOIN answer ON answer.attempt_id = image.attempt
"""
# The very words of the index `image_unsettled`: without them SQLite reads every image to find the few.
_UNDECIDED: Final = """
    WHERE state NOT IN ('done', 'open') AND state IN ('in_doubt', 'lost') AND NOT free ORDER BY image.attempt
"""
_UNFINISHED: Final = """
    WHERE state NOT IN ('done', 'open') AND state IN ('sending', 'received') ORDER BY image.attempt
"""


def standing(db: sqlite3.Connection, key: Key) -> Standing | None:
    """What is known of an image; None when it was never sent."""
    row = db.execute(_IMAGES + " WHERE digest = ? AND canonical = ?", (key.digest, key.params)).fetchone()
    return ImageRow(*row).standing() if row else None


def undecided(db: sqlite3.Connection) -> list[Standing]:
    """Images that wait for a decision, oldest first. What was free needs none."""
    return [ImageRow(*row).standing() for row in db.execute(_IMAGES + _UNDECIDED)]


def unfinished(db: sqlite3.Connection) -> list[Unfinished]:
    """Attempts whose image is `sending` or `received`: what an interrupted run has left."""
    return [ImageRow(*row).unfinished() for row in db.execute(_IMAGES + _UNFINISHED)]


def places_of_each(
    db: sqlite3.Connection, keys: Iterable[Key], most: int | None = None
) -> dict[Key, list[tuple[str, int]]]:
    """`places_of` of many images."""
    return {key: places_of(db, key, most) for key in keys}


def places_of(db: sqlite3.Connection, key: Key, most: int | None = None) -> list[tuple[str, int]]:
    """Where results of an image stand, (place, size): `most` of them, or all."""
    rows = db.execute(
        "SELECT folder, name, size FROM place JOIN image ON image.id = image_id"
        " JOIN params ON params.id = params_id WHERE digest = ? AND canonical = ? LIMIT ?",
        (key.digest, key.params, -1 if most is None else most),
    )
    return [(join_place(folder, name), size) for folder, name, size in rows]


def last_attempt(db: sqlite3.Connection) -> int:
    """The highest attempt number so far."""
    return _number(db, "SELECT coalesce(max(id), 0) FROM attempt")


# --- a folder at a time ------------------------------------------------------------------------------


def known(db: sqlite3.Connection, asked: Iterable[Asked]) -> list[tuple[dict[str, Known], dict[str, Stands]]]:
    """For each folder asked about, by name: the hashes of its inputs, and what stands in its output folder.

    Perhaps of other names in between, too.
    """
    return [
        (inputs_of(db, folder, names), _placed(db, out_folder, out_names))
        for folder, names, out_folder, out_names in asked
    ]


def inputs_of(db: sqlite3.Connection, folder: str, names: Sequence[str]) -> dict[str, Known]:
    """The inputs of a folder when they were last read, by name; perhaps of other names in between, too."""
    rows = db.execute(
        "SELECT name, size, mtime_ns, digest FROM source WHERE folder = ? AND name BETWEEN ? AND ?",
        (to_db(folder), *_range(names)),
    )
    return by_name(rows)


def _placed(db: sqlite3.Connection, folder: str, names: Sequence[str]) -> dict[str, Stands]:
    rows = db.execute(
        "SELECT name, digest, canonical, size FROM place JOIN image ON image.id = image_id"
        " JOIN params ON params.id = params_id WHERE folder = ? AND name BETWEEN ? AND ?",
        (to_db(folder), *_range(names)),
    )
    return by_name(rows)


def _range(names: Sequence[str]) -> tuple[str | bytes, str | bytes]:
    """First and last of `names` in SQLite's order: text by its code points, and every text before every blob."""
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        stored = sorted(map(to_db, names), key=lambda name: (isinstance(name, bytes), name))
        return stored[0], stored[-1]
    return min(names), max(names)


def sources_of(db: sqlite3.Connection, digest: bytes) -> list[str]:
    """Absolute paths of inputs with a hash. Reads the whole table: for rare questions."""
    rows = db.execute("SELECT folder, name FROM source WHERE digest = ?", (digest,))
    return [os.path.join(from_db(folder), from_db(name)) for folder, name in rows]


# --- money -------------------------------------------------------------------------------------------


def charged(db: sqlite3.Connection) -> Decimal:
    """Credits charged, ever: `spending` without what only a limit asks for, at a third of its price."""
    return total(
        db.execute("SELECT charged, count(*) FROM answer WHERE charged IS NOT NULL GROUP BY charged")
    )


def spending(db: sqlite3.Connection, since: str = "") -> Spent:
    """Credits charged, calculated and in doubt, of attempts sent since a moment (of all by default)."""
    rows = db.execute(
        "SELECT charged, calculated, count(*) FROM answer JOIN attempt ON attempt.id = attempt_id"
        " WHERE sent_at >= ? GROUP BY charged, calculated",
        (since,),
    ).fetchall()
    return Spent(
        charged=total((amount, count) for amount, _calculated, count in rows),
        calculated=total((amount, count) for _charged, amount, count in rows),
        doubtful=total((at_most, count) for at_most, _pixels, count in db.execute(_DOUBTFUL, (since,))),
    )


def unpriced(db: sqlite3.Connection) -> list[int]:
    """Pixels of every attempt that may have been charged, and of which nobody knew how much."""
    return [
        pixels
        for at_most, pixels, count in db.execute(_DOUBTFUL, ("",))
        if at_most is None and pixels is not None
        for _ in range(count)
    ]


# Attempts that may have been charged, by the most they can have cost. `image` comes last: it is read for these only.
_DOUBTFUL: Final = """
    SELECT at_most, pixels, count(*) FROM attempt LEFT JOIN answer ON answer.attempt_id = attempt.id
    LEFT JOIN verdict ON verdict.attempt_id = attempt.id LEFT JOIN resolution ON resolution.attempt_id = attempt.id
    LEFT JOIN image ON image.id = image_id
    WHERE sent_at >= ? AND NOT free AND charged IS NULL
        AND (verdict IS NULL OR verdict IN ('in_doubt', 'lost', 'delivered')) AND (how IS NULL OR how = 'charged')
    GROUP BY at_most, pixels
"""


def unknown_prices(db: sqlite3.Connection, first_run: int = 0) -> tuple[int, int]:
    """Results, of runs from a first one on, whose charge nobody knows; and of how many not even an upper bound."""
    unknown, unbounded = db.execute(
        "SELECT count(*), count(*) - count(at_most) FROM attempt JOIN verdict ON verdict.attempt_id = attempt.id"
        " LEFT JOIN answer ON answer.attempt_id = attempt.id"
        " WHERE run_id >= ? AND NOT free AND charged IS NULL AND verdict = 'delivered'",
        (first_run,),
    ).fetchone()
    return int(unknown), int(unbounded)


def prices(db: sqlite3.Connection, params: str) -> list[tuple[int, Decimal]]:
    """(pixels, credits) of images that were charged or calculated with these parameters."""
    rows = db.execute(
        "SELECT DISTINCT pixels, charged, calculated FROM answer JOIN attempt ON attempt.id = attempt_id"
        " JOIN image ON image.id = image_id JOIN params ON params.id = params_id"
        " WHERE canonical = ? AND pixels IS NOT NULL",
        (params,),
    )
    return [
        (pixels, max(Decimal(charged or 0), Decimal(calculated or 0))) for pixels, charged, calculated in rows
    ]


def evidence(db: sqlite3.Connection) -> Evidence:
    """What `reconcile` compares the account's balance with. Charged is what the service, or a person, said was."""
    doubts = [item for item in undecided(db) if item.headers is None or item.headers.credits_charged is None]
    if not doubts:
        return Evidence([], None, Decimal(0), 0)
    first = min(_number(db, "SELECT run_id FROM attempt WHERE id = ?", item.attempt) for item in doubts)
    (before,) = db.execute("SELECT balance_before FROM run WHERE id = ?", (first,)).fetchone()
    since = db.execute(
        "SELECT coalesce(charged, at_most), count(*) FROM attempt LEFT JOIN answer ON answer.attempt_id = id"
        " LEFT JOIN resolution ON resolution.attempt_id = id"
        " WHERE run_id >= ? AND (charged IS NOT NULL OR (how = 'charged' AND at_most IS NOT NULL)) GROUP BY 1",
        (first,),
    )
    return Evidence(doubts, credits_from(before), total(since), unknown_prices(db, first)[0])


# --- the whole ledger --------------------------------------------------------------------------------


# Those that were replaced and are kept are none of the results that stand somewhere.
_RESULTS: Final = "FROM place WHERE folder NOT LIKE '.pixian-batch/%'"


def result_sizes(db: sqlite3.Connection) -> tuple[int, int]:
    """How many results stand somewhere, and their bytes."""
    results, size = db.execute(f"SELECT count(*), coalesce(sum(size), 0) {_RESULTS}").fetchone()
    return int(results), int(size)


def seconds_per_image(db: sqlite3.Connection) -> float | None:
    """Mean seconds of the latest thousand delivered attempts; None before the first."""
    (mean,) = db.execute(
        "SELECT avg(seconds) FROM (SELECT seconds FROM verdict WHERE verdict = 'delivered'"
        " ORDER BY attempt_id DESC LIMIT 1000)"
    ).fetchone()
    return None if mean is None else float(mean)


def condition(db: sqlite3.Connection) -> Condition:
    """How a ledger is that has been read to its end. Raises `sqlite3.DatabaseError` for a damaged page."""
    check_pages(db)
    doubts = undecided(db)
    lost = sum(item.state is State.LOST for item in doubts)
    return Condition(_number(db, "PRAGMA user_version"), _images(db), len(doubts) - lost, lost)


def status(db: sqlite3.Connection) -> Status:
    """What `status` shows."""
    unknown, unbounded = unknown_prices(db)
    return Status(
        results=result_sizes(db)[0],
        images=_images(db),
        spending=spending(db),
        unknown=unknown,
        unbounded=unbounded,
        failures=failures(db),
        undecided=undecided(db),
        by_day=_sums(db.execute(_BY_DAY)),
        by_folder=_sums(db.execute(_BY_FOLDER)),
        dearest=_purchases(db, "price"),
        largest=_purchases(db, "size"),
        runs=[
            RunFacts(*row)
            for row in db.execute("SELECT id, started_at, ended_at, exit_code FROM run ORDER BY id")
        ],
        converted=_conversions(db),
    )


def _conversions(db: sqlite3.Connection) -> dict[str, int]:
    """How many images were bought as what; those of other parameters together."""
    counts: Counter[str] = Counter()
    for params, count in db.execute(
        "SELECT canonical, count(*) FROM image JOIN params ON params.id = params_id WHERE state = 'done'"
        " AND canonical LIKE '%converted=%' AND canonical NOT LIKE '%drawn=1%' GROUP BY params_id"
    ):
        if (made := converted(params)) is not None:
            counts[made] += count
    return dict(counts.most_common())


def failures(db: sqlite3.Connection) -> list[Failure]:
    """The inputs whose latest attempt failed, by name."""
    rows = db.execute("SELECT input, code, message FROM failure ORDER BY input")
    return [Failure(from_db(source), code, from_db(message)) for source, code, message in rows]


_BY_DAY: Final = """
    SELECT substr(sent_at, 1, 10), charged, count(*) FROM answer JOIN attempt ON attempt.id = attempt_id
    WHERE charged IS NOT NULL GROUP BY 1, 2 ORDER BY 1
"""
# A place's folder is the place without its last part. What is no UTF-8 comes as the bytes it is, not as text.
_BY_FOLDER: Final = """
    SELECT CASE typeof(place) WHEN 'blob' THEN CAST(rtrim(rtrim(place, replace(place, '/', '')), '/') AS BLOB)
        ELSE rtrim(rtrim(place, replace(place, '/', '')), '/') END, charged, count(*)
    FROM answer JOIN attempt ON attempt.id = attempt_id WHERE charged IS NOT NULL GROUP BY 1, 2 ORDER BY 1
"""
_PURCHASES: Final = """
    SELECT input, pixels, charged FROM answer JOIN attempt ON attempt.id = attempt_id
    JOIN image ON image.id = image_id WHERE charged IS NOT NULL
    ORDER BY CASE ? WHEN 'price' THEN CAST(charged AS REAL) ELSE pixels END DESC LIMIT 5
"""


def _sums(rows: Iterable[tuple[str | bytes, str, int]]) -> dict[str, Decimal]:
    """Exact sums of (folder or day, credits, count) rows by it."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for name, amount, count in rows:
        place = folder_of(f"{from_db(name)}/", None)
        sums[place] = EXACT.add(sums[place], EXACT.multiply(Decimal(amount), Decimal(count)))
    return dict(sums)


def _purchases(db: sqlite3.Connection, order: str) -> list[Purchase]:
    """The first few by `price` or `size`."""
    rows = db.execute(_PURCHASES, (order,))
    return [Purchase(from_db(source), pixels, Decimal(charged)) for source, pixels, charged in rows]


def _images(db: sqlite3.Connection) -> int:
    """What was drawn from a full picture is no image more: that one counts."""
    return _number(db, _DONE)


_DONE: Final = """
    SELECT count(*) FROM image WHERE state = 'done'
    AND params_id NOT IN (SELECT id FROM params WHERE canonical LIKE '%drawn=1%')
"""


def _number(db: sqlite3.Connection, question: str, *values: int) -> int:
    return int(db.execute(question, values).fetchone()[0])
