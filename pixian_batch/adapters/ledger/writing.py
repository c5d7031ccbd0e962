"""What a run writes into the ledger: statements on a given connection, within the caller's transaction. Blocking.

No locks, no threads, no clock: moments (`at`) are handed in as text.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pixian_batch.adapters.ledger.rows import HEADERS, split_place, to_db
from pixian_batch.contract.headers import write_result_headers
from pixian_batch.policy.record import Answered, Ended, Placed, Sending, State, state_after

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from pixian_batch.policy.concurrency import ConcurrencyChange
    from pixian_batch.policy.outcome import Problem


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
    before, since = (
        "UPDATE run SET balance_before = ? WHERE id = ?",
        "UPDATE run SET balance_after = ? WHERE id = ?",
    )
    db.execute(since if after else before, (f"{balance:f}", run))


def write_sending(db: sqlite3.Connection, run: int, at: str, sending: Sending) -> None:
    """An attempt, before its first byte leaves."""
    image = _sent_image(db, sending)
    if image is None:  # the first with these parameters
        db.execute("INSERT INTO params (canonical) VALUES (?)", (sending.key.params,))
        image = _sent_image(db, sending)
    names = map(to_db, (sending.input, sending.place, sending.spool))
    at_most = None if sending.at_most is None else f"{sending.at_most:f}"
    db.execute(
        "INSERT INTO attempt (id, run_id, image_id, sent_at, input, place, spool, at_most, free)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (sending.attempt, run, image, at, *names, at_most, sending.free),
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
    headers = write_result_headers(answered.headers)
    db.execute(
        "INSERT INTO answer (attempt_id, at, http_status, charged, calculated, orientation, input_size,"
        " result_size, input_foreground, result_foreground, length) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (attempt, at, answered.http_status, *map(headers.get, HEADERS), answered.length),
    )


def write_ended(db: sqlite3.Connection, at: str, verdicts: Sequence[tuple[int, Ended]]) -> None:
    """How attempts ended, and the state their images are in by that."""
    db.executemany(
        "INSERT INTO verdict (attempt_id, at, verdict, http_status, code, message, body_size, seconds, kept)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(attempt, at, *_ended_row(ended)) for attempt, ended in verdicts],
    )
    _set_states(db, [(attempt, state_after(ended.verdict)) for attempt, ended in verdicts])


def _ended_row(ended: Ended) -> tuple[object, ...]:
    message, kept = to_db(ended.message), None if ended.kept is None else to_db(ended.kept)
    code = _text(ended.code)
    return (ended.verdict, ended.http_status, code, message, ended.body_size, ended.seconds, kept)


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
    _insert_places(db, [(place, placed) for _source, place, placed in results])
    db.executemany(
        "UPDATE image SET state = 'done'"
        " WHERE digest = ? AND params_id = (SELECT id FROM params WHERE canonical = ?)",
        [(placed.key.digest, placed.key.params) for _source, _place, placed in results],
    )
    db.executemany("DELETE FROM failure WHERE input = ?", [(to_db(source),) for source, _p, _w in results])


def write_kept(db: sqlite3.Connection, place: str, placed: Placed) -> None:
    """A result is kept at `place` as well, before another one takes its own. What its image is in stays so."""
    _insert_places(db, [(place, placed)])


def write_forgotten(db: sqlite3.Connection, places: Sequence[str]) -> None:
    """Nothing stands at these places any more."""
    rows = [tuple(map(to_db, split_place(place))) for place in places]
    db.executemany("DELETE FROM place WHERE folder = ? AND name = ?", rows)


def _insert_places(db: sqlite3.Connection, results: Sequence[tuple[str, Placed]]) -> None:
    rows = [
        (*map(to_db, split_place(place)), placed.size, placed.key.digest, placed.key.params)
        for place, placed in results
    ]
    written = db.executemany(
        "INSERT INTO place (folder, name, image_id, size) SELECT ?, ?, image.id, ? FROM image"
        " JOIN params ON params.id = params_id WHERE digest = ? AND canonical = ? ON CONFLICT (folder, name)"
        " DO UPDATE SET image_id = excluded.image_id, size = excluded.size",
        rows,
    ).rowcount
    if written != len(rows):
        raise ValueError(f"{len(rows) - written} results are of images that were never sent")


def write_failure(db: sqlite3.Connection, run: int, at: str, *, source: str, problem: Problem) -> None:
    """An input that has no result, and why."""
    db.execute(
        "INSERT OR REPLACE INTO failure (input, run_id, at, code, message) VALUES (?, ?, ?, ?, ?)",
        (to_db(source), run, at, _text(problem.code), to_db(problem.message)),
    )


def write_source(db: sqlite3.Connection, path: str, *, size: int, mtime_ns: int, digest: bytes) -> None:
    """An input's hash, for as long as its size and time stay."""
    folder, name = os.path.split(path)
    db.execute(
        "INSERT OR REPLACE INTO source (folder, name, size, mtime_ns, digest) VALUES (?, ?, ?, ?, ?)",
        (to_db(folder), to_db(name), size, mtime_ns, digest),
    )


def write_concurrency(db: sqlite3.Connection, run: int, change: ConcurrencyChange) -> None:
    """How many workers may be in use from a moment on, and why."""
    db.execute(
        "INSERT INTO concurrency (run_id, at, allowed, in_use, resting, reason) VALUES (?, ?, ?, ?, ?, ?)",
        (run, change.at, change.allowed, change.in_use, change.resting, change.reason),
    )


def write_resolution(db: sqlite3.Connection, attempt: int, at: str, *, charged: bool) -> None:
    """A person's decision: the image may be sent again."""
    how = "charged" if charged else "not_charged"
    db.execute("INSERT INTO resolution (attempt_id, at, how) VALUES (?, ?, ?)", (attempt, at, how))
    _set_states(db, [(attempt, State.OPEN)])


def _text(code: int | str | None) -> str | None:
    return None if code is None else str(code)
