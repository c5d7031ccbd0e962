"""The ledger's statements: what is written and asked, on a given connection. Blocking; no locks, no threads.

Only this module and `schema.sql` know the tables.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.contract.headers import ResultHeaders, read_result_headers, write_result_headers
from pixian_batch.policy.record import (
    Answered,
    Asked,
    Ended,
    Key,
    Known,
    Placed,
    Sending,
    Standing,
    Stands,
    State,
    Unfinished,
    state_after,
)
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x50584C42


@dataclass(frozen=True, slots=True)
class Spent:
    """Credits in the ledger. doubtful: the most that undecided attempts can have cost, where known."""

    charged: Decimal
    calculated: Decimal
    doubtful: Decimal

    @property
    def counted(self) -> Decimal:
        """What counts against a budget."""
        return self.charged + self.doubtful


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    script = resources.files("pixian_batch.adapters.ledger").joinpath("schema.sql").read_text("utf-8")
    connection.executescript(f"BEGIN;\n{script}\nCOMMIT;")


@contextmanager
def meaningful() -> Iterator[None]:
    """Values that this module cannot have written are damage of the file, as SQLite's own errors are."""
    try:
        yield
    except (ArithmeticError, TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"a value makes no sense: {error}") from error


# --- file names: text where they are UTF-8, else their bytes -----------------------------------


def to_db(name: str) -> str | bytes:
    """A file name as SQLite keeps it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name


def from_db(name: str | bytes) -> str:
    """A file name as Python uses it."""
    return os.fsdecode(name)


def split_place(place: str) -> tuple[str, str]:
    """Folder and name of a place or path with `/`."""
    folder, _slash, name = place.rpartition("/")
    return folder, name


# --- runs ----------------------------------------------------------------------------------------


def begin_run(db: sqlite3.Connection, at: str, version: str, service: str) -> int:
    """A new run; its number."""
    row = db.execute(
        "INSERT INTO run (started_at, version, service) VALUES (?, ?, ?) RETURNING id", (at, version, service)
    ).fetchone()
    return int(row[0])


def end_run(db: sqlite3.Connection, run: int, at: str, exit_code: int) -> None:
    """The run's end."""
    db.execute("UPDATE run SET ended_at = ?, exit_code = ? WHERE id = ?", (at, exit_code, run))


def write_balance(db: sqlite3.Connection, run: int, balance: Decimal, *, after: bool) -> None:
    """What the account held before or after the run."""
    column = "balance_after" if after else "balance_before"
    db.execute(f"UPDATE run SET {column} = ? WHERE id = ?", (f"{balance:f}", run))  # noqa: S608  # one of two


def last_attempt(db: sqlite3.Connection) -> int:
    """The highest attempt number so far."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM attempt").fetchone()[0])


# --- an image's way --------------------------------------------------------------------------------


def write_sending(db: sqlite3.Connection, run: int, at: str, sending: Sending) -> None:
    """An attempt, before its first byte leaves."""
    image = _sent_image(db, sending)
    if image is None:  # the first with these parameters
        db.execute("INSERT INTO params (canonical) VALUES (?)", (sending.key.params,))
        image = _sent_image(db, sending)
    at_most = None if sending.at_most is None else f"{sending.at_most:f}"
    db.execute(
        "INSERT INTO attempt (id, run_id, image_id, sent_at, input, place, spool, at_most, free)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sending.attempt,
            run,
            image,
            at,
            to_db(sending.input),
            to_db(sending.place),
            to_db(sending.spool),
            at_most,
            sending.free,
        ),
    )


def _sent_image(db: sqlite3.Connection, sending: Sending) -> int | None:
    """The row of an image that is being sent; None when its parameters have none yet."""
    row = db.execute(
        "INSERT INTO image (digest, params_id, state, pixels, attempt)"
        " SELECT ?, id, 'sending', ?, ? FROM params WHERE canonical = ?"
        " ON CONFLICT (digest, params_id) DO UPDATE SET state = 'sending', attempt = excluded.attempt,"
        " pixels = coalesce(excluded.pixels, pixels) RETURNING id",
        (sending.key.digest, sending.pixels, sending.attempt, sending.key.params),
    ).fetchone()
    return None if row is None else int(row[0])


def write_answered(db: sqlite3.Connection, at: str, attempt: int, answered: Answered) -> None:
    """The head of a 2xx answer, with its credits."""
    said = write_result_headers(answered.headers)
    db.execute(
        "INSERT INTO answer (attempt_id, at, http_status, charged, calculated, orientation, input_size,"
        " result_size, input_foreground, result_foreground, length) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (attempt, at, answered.http_status, *(said.get(name) for name in _HEADER_ORDER), answered.length),
    )


def write_ended(db: sqlite3.Connection, at: str, verdicts: Sequence[tuple[int, Ended]]) -> None:
    """How attempts ended, and the state their images are in by that."""
    db.executemany(
        "INSERT INTO verdict (attempt_id, at, verdict, http_status, code, message, body_size, seconds, kept)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                attempt,
                at,
                ended.verdict,
                ended.http_status,
                None if ended.code is None else str(ended.code),
                to_db(ended.message),
                ended.body_size,
                ended.seconds,
                None if ended.kept is None else to_db(ended.kept),
            )
            for attempt, ended in verdicts
        ],
    )
    _set_states(db, [(attempt, state_after(ended.verdict)) for attempt, ended in verdicts])


def _set_states(db: sqlite3.Connection, states: Iterable[tuple[int, State]]) -> None:
    """The state of images, each by its latest attempt; an older attempt's has no say."""
    db.executemany(
        "UPDATE image SET state = ? WHERE id = (SELECT image_id FROM attempt WHERE id = ?) AND attempt = ?",
        [(state, attempt, attempt) for attempt, state in states],
    )


def write_lost(db: sqlite3.Connection, attempt: int) -> None:
    """A result that had been received is gone: its image waits for a decision."""
    _set_states(db, [(attempt, State.LOST)])


def write_placed(db: sqlite3.Connection, results: Sequence[tuple[str, str, Placed]]) -> None:
    """Results stand at their places, (input, place, what): their images are done."""
    rows = [
        (*map(to_db, split_place(place)), placed.size, placed.key.digest, placed.key.params)
        for _source, place, placed in results
    ]
    written = db.executemany(
        "INSERT INTO place (folder, name, image_id, size) SELECT ?, ?, image.id, ? FROM image"
        " JOIN params ON params.id = params_id WHERE digest = ? AND canonical = ? ON CONFLICT (folder, name)"
        " DO UPDATE SET image_id = excluded.image_id, size = excluded.size",
        rows,
    ).rowcount
    if written != len(rows):
        raise ValueError(f"{len(rows) - written} results are of images that were never sent")
    db.executemany(
        "UPDATE image SET state = 'done'"
        " WHERE digest = ? AND params_id = (SELECT id FROM params WHERE canonical = ?)",
        [(placed.key.digest, placed.key.params) for _source, _place, placed in results],
    )
    db.executemany("DELETE FROM failure WHERE input = ?", [(to_db(source),) for source, _p, _w in results])


def write_failure(db: sqlite3.Connection, run: int, at: str, source: str, code: object, message: str) -> None:
    """An input that has no result, and why."""
    db.execute(
        "INSERT OR REPLACE INTO failure (input, run_id, at, code, message) VALUES (?, ?, ?, ?, ?)",
        (to_db(source), run, at, None if code is None else str(code), to_db(message)),
    )


def write_source(db: sqlite3.Connection, path: str, size: int, mtime_ns: int, digest: bytes) -> None:
    """An input's hash, for as long as its size and time stay."""
    folder, name = os.path.split(path)
    db.execute(
        "INSERT OR REPLACE INTO source (folder, name, size, mtime_ns, digest) VALUES (?, ?, ?, ?, ?)",
        (to_db(folder), to_db(name), size, mtime_ns, digest),
    )


def write_resolution(db: sqlite3.Connection, attempt: int, at: str, *, charged: bool) -> None:
    """A person's decision: the image may be sent again."""
    how = "charged" if charged else "not_charged"
    db.execute("INSERT INTO resolution (attempt_id, at, how) VALUES (?, ?, ?)", (attempt, at, how))
    _set_states(db, [(attempt, State.OPEN)])


# --- questions ---------------------------------------------------------------------------------------

_HEADER_ORDER: Final = (
    "X-Credits-Charged",
    "X-Credits-Calculated",
    "X-Input-Orientation",
    "X-Input-Size",
    "X-Result-Size",
    "X-Input-Foreground",
    "X-Result-Foreground",
)
_ANSWER: Final = (
    "charged, calculated, orientation, input_size, result_size, input_foreground, result_foreground,"
    " answer.http_status, length"
)


def _headers(values: tuple[Any, ...]) -> ResultHeaders | None:
    """The headers of an answer's columns; None where there was no answer."""
    if values[len(_HEADER_ORDER)] is None:
        return None
    said = {name: str(value) for name, value in zip(_HEADER_ORDER, values, strict=False) if value is not None}
    return replace(read_result_headers(said), warnings=())


# The very words of the index `image_unsettled`: without them SQLite reads every image to find the few.
_UNSETTLED: Final = "state NOT IN ('done', 'open')"
_STANDING: Final = f"""
    SELECT state, image.attempt, input, place, sent_at, at_most, free, message, kept, {_ANSWER}
    FROM image JOIN params ON params.id = params_id JOIN attempt ON attempt.id = image.attempt
    LEFT JOIN verdict ON verdict.attempt_id = image.attempt
    LEFT JOIN answer ON answer.attempt_id = image.attempt
"""  # noqa: S608  # constants only


_UNFINISHED: Final = f"""
    SELECT attempt.id, digest, canonical, input, place, spool, pixels, at_most, free, sent_at,
        verdict, verdict.http_status, message, body_size, seconds, kept, {_ANSWER}
    FROM image JOIN params ON params.id = params_id JOIN attempt ON attempt.id = image.attempt
    LEFT JOIN verdict ON verdict.attempt_id = attempt.id LEFT JOIN answer ON answer.attempt_id = attempt.id
    WHERE {_UNSETTLED} AND state IN ('sending', 'received') ORDER BY attempt.id
"""  # noqa: S608  # constants only


def _standing(row: tuple[Any, ...]) -> Standing:
    state, attempt, source, place, sent_at, at_most, free, message, kept, *answer = row
    return Standing(
        state=State(state),
        attempt=attempt,
        input=from_db(source),
        place=from_db(place),
        sent_at=sent_at,
        at_most=None if at_most is None else Decimal(at_most),
        free=bool(free),
        message="" if message is None else from_db(message),
        kept=None if kept is None else from_db(kept),
        headers=_headers(tuple(answer)),
    )


def standing(db: sqlite3.Connection, key: Key) -> Standing | None:
    """What is known of an image; None when it was never sent."""
    row = db.execute(_STANDING + " WHERE digest = ? AND canonical = ?", (key.digest, key.params)).fetchone()
    return _standing(row) if row else None


def undecided(db: sqlite3.Connection) -> Iterator[Standing]:
    """Images that wait for a decision, oldest first. What was free needs none."""
    rows = db.execute(
        _STANDING
        + f" WHERE {_UNSETTLED} AND state IN ('in_doubt', 'lost') AND NOT free ORDER BY image.attempt"
    )
    return map(_standing, rows)


def places_of(db: sqlite3.Connection, key: Key) -> list[tuple[str, int]]:
    """Where results of an image stand: (place, size)."""
    rows = db.execute(
        "SELECT folder, name, size FROM place JOIN image ON image.id = image_id"
        " JOIN params ON params.id = params_id WHERE digest = ? AND canonical = ?",
        (key.digest, key.params),
    )
    return [(_join(from_db(folder), from_db(name)), size) for folder, name, size in rows]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def placed(db: sqlite3.Connection, folder: str, names: Sequence[str]) -> dict[str, Stands]:
    """What stands at some places of one folder, by name; perhaps of others in between, too."""
    rows = db.execute(
        "SELECT name, digest, canonical, size FROM place JOIN image ON image.id = image_id"
        " JOIN params ON params.id = params_id WHERE folder = ? AND name BETWEEN ? AND ?",
        (to_db(folder), *_range(names)),
    )
    return _by_name(rows)


def sources(db: sqlite3.Connection, folder: str, names: Sequence[str]) -> dict[str, Known]:
    """Known hashes of inputs in one folder, as `placed`: name -> (size, mtime_ns, digest)."""
    rows = db.execute(
        "SELECT name, size, mtime_ns, digest FROM source WHERE folder = ? AND name BETWEEN ? AND ?",
        (to_db(folder), *_range(names)),
    )
    return _by_name(rows)


def known(db: sqlite3.Connection, asked: Iterable[Asked]) -> list[tuple[dict[str, Known], dict[str, Stands]]]:
    """For each folder asked about: `sources` of its names, and what is `placed` in its output folder."""
    return [
        (sources(db, folder, names), placed(db, out_folder, out_names))
        for folder, names, out_folder, out_names in asked
    ]


def _by_name(rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    """Plain tuples by their first column: a run over what is done reads millions, and objects cost four times more."""
    return {
        (name if type(name) is str else from_db(name)): (first, second, third)
        for name, first, second, third in rows
    }


def sources_of(db: sqlite3.Connection, digest: bytes) -> list[str]:
    """Absolute paths of inputs with a hash. Reads the whole table: for rare questions."""
    rows = db.execute("SELECT folder, name FROM source WHERE digest = ?", (digest,))
    return [os.path.join(from_db(folder), from_db(name)) for folder, name in rows]


def _range(names: Sequence[str]) -> tuple[str | bytes, str | bytes]:
    """First and last of `names` in SQLite's order: text by its code points, and every text before every blob."""
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        stored = [to_db(name) for name in names]
        texts = [name for name in stored if isinstance(name, str)]
        blobs = [name for name in stored if isinstance(name, bytes)]
        return min(texts or blobs), max(blobs or texts)
    return min(names), max(names)


def unfinished(db: sqlite3.Connection) -> Iterator[Unfinished]:
    """Attempts whose image is `sending` or `received`: what an interrupted run has left."""
    return map(_unfinished, db.execute(_UNFINISHED))


def _unfinished(row: tuple[Any, ...]) -> Unfinished:
    ident, digest, canonical, source, place, spool, pixels, at_most, free, sent_at, *rest = row
    verdict, status, message, body_size, seconds, kept, *answer = rest
    headers = _headers(tuple(answer))
    return Unfinished(
        Sending(
            attempt=ident,
            key=Key(digest, canonical),
            input=from_db(source),
            place=from_db(place),
            spool=from_db(spool),
            pixels=pixels,
            at_most=None if at_most is None else Decimal(at_most),
            free=bool(free),
        ),
        None if headers is None else Answered(answer[-2], headers, answer[-1]),
        None
        if verdict is None
        else Ended(
            Verdict(verdict),
            status,
            None,
            from_db(message),
            body_size,
            seconds,
            kept,
        ),
        sent_at,
    )


_MAYBE_CHARGED: Final = (
    "NOT free AND charged IS NULL AND (verdict IS NULL OR verdict IN ('in_doubt', 'lost', 'delivered'))"
    " AND (how IS NULL OR how = 'charged')"
)


def charged(db: sqlite3.Connection) -> Decimal:
    """Credits charged, ever: `spending` without what only a limit asks for, at a third of its price."""
    # Grouped, because sums of text would be sums of floats: few different prices, exact Decimals.
    rows = db.execute("SELECT charged, count(*) FROM answer WHERE charged IS NOT NULL GROUP BY charged")
    return sum((Decimal(charged) * count for charged, count in rows), Decimal(0))


def spending(db: sqlite3.Connection, since: str = "") -> Spent:
    """Credits charged, calculated and in doubt, of attempts sent since a moment (of all by default)."""
    rows = db.execute(
        "SELECT charged, calculated, count(*) FROM answer JOIN attempt ON attempt.id = attempt_id"
        " WHERE sent_at >= ? GROUP BY charged, calculated",
        (since,),
    ).fetchall()
    doubts = db.execute(
        "SELECT at_most, count(*) FROM attempt LEFT JOIN answer ON answer.attempt_id = attempt.id"  # noqa: S608  # constants only
        " LEFT JOIN verdict ON verdict.attempt_id = attempt.id"
        " LEFT JOIN resolution ON resolution.attempt_id = attempt.id"
        f" WHERE sent_at >= ? AND at_most IS NOT NULL AND {_MAYBE_CHARGED} GROUP BY at_most",
        (since,),
    ).fetchall()
    return Spent(
        charged=sum((Decimal(charged or 0) * count for charged, _calculated, count in rows), Decimal(0)),
        calculated=sum(
            (Decimal(calculated or 0) * count for _charged, calculated, count in rows), Decimal(0)
        ),
        doubtful=sum((Decimal(at_most) * count for at_most, count in doubts), Decimal(0)),
    )


def unpriced(db: sqlite3.Connection) -> list[int]:
    """Pixels of every attempt that may have been charged, and of which nobody knew how much."""
    rows = db.execute(
        "SELECT pixels FROM attempt JOIN image ON image.id = image_id"  # noqa: S608  # constants only
        " LEFT JOIN answer ON answer.attempt_id = attempt.id"
        " LEFT JOIN verdict ON verdict.attempt_id = attempt.id"
        " LEFT JOIN resolution ON resolution.attempt_id = attempt.id"
        f" WHERE at_most IS NULL AND pixels IS NOT NULL AND {_MAYBE_CHARGED}"
    )
    return [pixels for (pixels,) in rows]


def prices(db: sqlite3.Connection, params: str) -> Iterator[tuple[int, Decimal]]:
    """(pixels, credits) of images that were charged or calculated with these parameters."""
    rows = db.execute(
        "SELECT DISTINCT pixels, charged, calculated FROM answer JOIN attempt ON attempt.id = attempt_id"
        " JOIN image ON image.id = image_id JOIN params ON params.id = params_id"
        " WHERE canonical = ? AND pixels IS NOT NULL",
        (params,),
    )
    for pixels, charged, calculated in rows:
        yield pixels, max(Decimal(charged or 0), Decimal(calculated or 0))


def result_sizes(db: sqlite3.Connection) -> tuple[int, int]:
    """How many results stand somewhere, and their bytes."""
    results, size = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM place").fetchone()
    return int(results), int(size)


def seconds_per_image(db: sqlite3.Connection) -> float | None:
    """Mean seconds of the latest thousand delivered attempts; None before the first."""
    row = db.execute(
        "SELECT avg(seconds) FROM (SELECT seconds FROM verdict WHERE verdict = 'delivered'"
        " ORDER BY attempt_id DESC LIMIT 1000)"
    ).fetchone()
    return None if row[0] is None else float(row[0])
