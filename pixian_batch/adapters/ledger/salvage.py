"""Rebuilds a damaged ledger from every row that can still be read and from the results on disk. Blocking.

A new ledger is never begun in silence: the damaged files stay beside it as `ledger.damaged-<time>.db`, what
was saved is said, and the run stops. Where a record is gone the careful reading is taken: an image that
may have been paid for is in doubt, or its result is left where it stands.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.adapters.ledger import in_own_folder, store
from pixian_batch.adapters.ledger.carving import CarvedRow, Carver, Value
from pixian_batch.adapters.ledger.clock import now
from pixian_batch.adapters.ledger.committer import LedgerDamagedError, LedgerError, LedgerRebuiltError
from pixian_batch.policy.record import State
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Check: TypeAlias = Callable[[Value], bool]

_COMPANIONS: Final = ("-wal", "-shm")
_LARGEST_ID: Final = 1 << 40
_BLOCK: Final = 1 << 20
_FEW: Final = 8
"""Columns of the widest table that others could be taken for."""
UNKNOWN: Final = "unknown: its record was damaged"
"""Stands for names and parameters that could not be read."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved. missing: numbers of attempts that are known to have been made and could not be read."""

    attempts: int
    images: int
    results: int
    missing: int

    def __str__(self) -> str:
        if not self.attempts and not self.images:
            return "nothing in it could be read"
        lost = f"; {self.missing:,} more attempts are missing" if self.missing else "; no attempt is missing"
        return (
            f"{self.attempts:,} attempts, {self.images:,} images and {self.results:,} results"
            f" were saved{lost if self.attempts else ''}"
        )


# --- the way of a repair ---------------------------------------------------------------------------


def mark(path: str) -> None:
    """Remember that the ledger at `path` was found damaged while it was used. Never raises."""
    with suppress(OSError), open(_marker(path), "w", encoding="utf-8") as stream:
        stream.write("found damaged: the next run rebuilds the ledger\n")


def check_mark(path: str) -> None:
    """Raise `LedgerDamagedError` when a run has found the ledger damaged, though it may look whole now."""
    if os.path.exists(_marker(path)):
        raise LedgerDamagedError("an earlier run found damage in it")


def _marker(path: str) -> str:
    return f"{path}.damaged"


def _rebuilt(path: str) -> str:
    return f"{path}.rebuilt"


def finish_interrupted(path: str) -> None:
    """Finish a repair that was interrupted after its ledger was ready. Raises `LedgerRebuiltError` then."""
    if os.path.isfile(_rebuilt(path)):
        _swap(path)
        raise LedgerRebuiltError(
            f"the ledger {path} was damaged, and an interrupted run had rebuilt it from what could be read;"
            " the damaged one is beside it"
        )


def rebuild(path: str, out: str, reason: str) -> LedgerRebuiltError:
    """Set the damaged ledger at `path` aside and put what can be saved in its place; the error that says so.

    out: the output folder, whose files prove results. Raises `LedgerError` when `path` is somebody else's
    file or the disk does not take the new ledger; then nothing has changed.
    """
    if not _is_ours(path):
        raise LedgerError(f"{path} is not a pixian-batch ledger: it was not touched")
    try:
        aside = _keep_aside(path)
        saved = _build(path, out)
        _swap(path)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"the damaged ledger {path} cannot be rebuilt: {error}") from error
    return LedgerRebuiltError(
        f"the ledger {path} was damaged ({reason}) and has been rebuilt: {saved}; the damaged one is kept as {aside}"
    )


def _is_ours(path: str) -> bool:
    """Whether a file that SQLite cannot use was a ledger: by its place, its header, or a table of ours in it."""
    return in_own_folder(path) or any(_names_us(path + companion) for companion in ("", "-wal"))


def _names_us(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        head = stream.read(100)
        if head[68:72] == store.APPLICATION_ID.to_bytes(4, "big"):
            return True
        tail = head
        while block := stream.read(_BLOCK):
            if b"CREATE TABLE attempt" in tail + block or b"attempt_is_kept" in tail + block:
                return True
            tail = block[-32:]
    return False


def _keep_aside(path: str) -> str:
    """Copies of the damaged files, whole and synced; the path of the first."""
    stem, extension = os.path.splitext(path)
    aside = f"{stem}.damaged-{now().replace(':', '').replace('+0000', 'Z')}{extension}"
    for companion in ("", *_COMPANIONS):
        if os.path.isfile(path + companion):
            _copy(path + companion, aside + companion)
    return aside


def _copy(source: str, target: str) -> None:
    """A copy that skips what the disk does not give back."""
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while True:
            at = reader.tell()
            try:
                block = reader.read(_BLOCK)
            except OSError:
                reader.seek(at + _BLOCK)
                block = b"\0" * _BLOCK
            if not block:
                break
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    shutil.copystat(source, target)


def _build(path: str, out: str) -> Saved:
    """The new ledger, complete and synced, as `.rebuilt`: from then on it will take the old one's place."""
    part = f"{_rebuilt(path)}.part"
    for companion in ("", "-journal", *_COMPANIONS):
        with suppress(FileNotFoundError):
            os.unlink(part + companion)
    with closing(sqlite3.connect(part, isolation_level=None)) as db:
        store.create(db)
        db.execute("BEGIN")
        _take_rows(db, Carver(path).rows())
        saved = _Mender(db, out).mend()
        db.execute("COMMIT")
    with open(part, "rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(part, _rebuilt(path))
    return saved


def _swap(path: str) -> None:
    """The new ledger takes the old one's place. The old log goes first: SQLite would play it into the new file."""
    for companion in _COMPANIONS:
        with suppress(FileNotFoundError):
            os.unlink(path + companion)
    os.replace(_rebuilt(path), path)
    with suppress(FileNotFoundError):
        os.unlink(_marker(path))


# --- rows ------------------------------------------------------------------------------------------


def _is_id(value: Value) -> bool:
    return type(value) is int and 0 < value < _LARGEST_ID


def _is_integer(value: Value) -> bool:
    return type(value) is int


def _is_number(value: Value) -> bool:
    return type(value) in {int, float}


def _is_text(value: Value) -> bool:
    return isinstance(value, str)


def _is_name(value: Value) -> bool:
    return isinstance(value, (str, bytes))


def _is_digest(value: Value) -> bool:
    return isinstance(value, bytes) and len(value) == 32  # bytes of BLAKE3


def _matches(pattern: str) -> Check:
    matching = re.compile(pattern, re.ASCII).fullmatch
    return lambda value: isinstance(value, str) and matching(value) is not None


def _is_one_of(*words: Value) -> Check:
    return lambda value: value in words


def _is_canonical(value: Value) -> bool:
    """Parameters; the index of unsettled images looks the same, with a state in their place."""
    return isinstance(value, str) and value not in set(State)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_is_money: Final = _or_none(_matches(r"\d{1,20}(\.\d{1,20})?"))
_is_word: Final = _or_none(_is_text)
_is_count: Final = _or_none(_is_integer)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How rows of a table (or of an index of it) look.

    needed: checks of the columns that make a row what it is; soft: of the others, which become NULL
    when they make no sense. Columns keep their order; `rowid` stands for the first one.
    """

    insert: str
    checks: tuple[tuple[Check, bool], ...]
    rowid: bool

    def read(self, row: CarvedRow) -> tuple[Value, ...] | None:
        """The row's values for `insert`; None when it is not of this shape."""
        if (row.rowid is not None) != self.rowid:
            return None
        values = (row.rowid, *row.values[1:]) if self.rowid else row.values
        # SQLite, too, takes columns that a record does not have for NULL.
        missing = len(self.checks) - len(values) if self.rowid and len(values) > _FEW else 0
        values += (None,) * missing
        if len(values) != len(self.checks) or (self.rowid and row.values[0] is not None):
            return None
        read: list[Value] = []
        for value, (check, needed) in zip(values, self.checks, strict=True):
            if check(value):
                read.append(value)
            elif needed:
                return None
            else:
                read.append(None)
        return tuple(read)


def _shape(table: str, *needed_or_soft: Check | tuple[Check], rowid: bool = True) -> _Shape:
    """A shape; a check in a tuple is soft."""
    checks = tuple((item[0], False) if isinstance(item, tuple) else (item, True) for item in needed_or_soft)
    marks = ", ".join("?" * len(checks))
    return _Shape(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", checks, rowid)  # noqa: S608  # our own names


_SHAPES: Final = (
    _shape(
        "run", _is_id, _is_text, (_is_text,), _is_text, _is_text, (_is_count,), (_is_money,), (_is_money,)
    ),
    _shape("params", _is_id, _is_text),
    _shape("image", _is_id, _is_digest, _is_id, _is_one_of(*State), (_is_count,), _is_id),
    _shape(
        "attempt",
        _is_id,
        _is_id,
        _is_id,
        _is_text,
        _is_name,
        _is_name,
        _is_name,
        (_is_money,),
        _is_one_of(0, 1),
    ),
    _shape(
        "answer",
        _is_id,
        _is_text,
        _is_integer,
        (_is_money,),
        (_is_money,),
        (_is_count,),
        (_is_word,),
        (_is_word,),
        (_is_word,),
        (_is_word,),
        (_is_count,),
    ),
    _shape(
        "verdict",
        _is_id,
        _is_text,
        _is_one_of(*Verdict),
        (_is_count,),
        (_is_word,),
        _is_name,
        (_is_count,),
        _is_number,
        (_or_none(_is_name),),
    ),
    _shape("resolution", _is_id, _is_text, _is_one_of("charged", "not_charged")),
    _shape("place", _is_name, _is_name, _is_id, _is_integer, rowid=False),
    _shape("source", _is_name, _is_name, _is_integer, _is_integer, _is_digest, rowid=False),
    _shape("failure", _is_name, _is_integer, _is_text, (_is_word,), _is_name, rowid=False),
    # Indices repeat what a lost page of their table held.
    _shape("seen_image (digest, params_id, id)", _is_digest, _is_id, _is_id, rowid=False),
    _shape("seen_params (canonical, id)", _is_canonical, _is_id, rowid=False),
    _shape("seen_place (image_id, folder, name)", _is_id, _is_name, _is_name, rowid=False),
)
_SEEN: Final = """
    CREATE TEMP TABLE seen_image (digest, params_id, id);
    CREATE TEMP TABLE seen_params (canonical, id);
    CREATE TEMP TABLE seen_place (image_id, folder, name, PRIMARY KEY (image_id, folder, name));
"""


@cache
def _candidates(columns: int, *, rowid: bool) -> tuple[_Shape, ...]:
    """The shapes that a row of so many columns can have; it may lack some of a wide table's."""
    return tuple(
        shape
        for shape in _SHAPES
        if shape.rowid == rowid and (len(shape.checks) == columns or len(shape.checks) > columns > _FEW)
    )


def _take_rows(db: sqlite3.Connection, rows: Iterator[CarvedRow]) -> None:
    """Put every row where it belongs; of several versions the first, which is the newest."""
    for statement in _SEEN.split(";"):
        db.execute(statement)
    for row in rows:
        for shape in _candidates(len(row.values), rowid=row.rowid is not None):
            values = shape.read(row)
            if values is not None:
                # A rowid may be spelt twice: in its table and, stale, on a freed page.
                with suppress(sqlite3.IntegrityError):
                    db.execute(shape.insert, values)
                break


# --- mending ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Mender:
    """Makes saved rows a ledger again: every reference leads somewhere, every image stands where its sheets say."""

    db: sqlite3.Connection
    out: str

    def mend(self) -> Saved:
        """All of it, in order; what was saved (stand-ins are not counted)."""
        attempts = self._count("SELECT count(*) FROM attempt")
        self._from_indices()
        self._from_sources()
        images = self._count("SELECT count(*) FROM image")
        self._places_from_disk()
        self._stand_in()
        self._newest_attempts()
        results = self._note_standing()
        self.db.execute(_STATES)
        self._set_apart()
        self._unrecorded_results()
        last = self._count("SELECT coalesce(max(id), 0) FROM attempt")
        return Saved(attempts, images, results, max(0, last - attempts))

    def _count(self, question: str) -> int:
        return int(self.db.execute(question).fetchone()[0])

    def _from_indices(self) -> None:
        self.db.execute("INSERT OR IGNORE INTO params (id, canonical) SELECT id, canonical FROM seen_params")
        self.db.execute(
            "INSERT OR IGNORE INTO image (id, digest, params_id, state, attempt)"
            " SELECT id, digest, params_id, 'sending', 0 FROM seen_image"
        )

    def _from_sources(self) -> None:
        """An image that only its attempts know: its bytes by its input's hash, its parameters if all are the same."""
        only = self.db.execute("SELECT id FROM params").fetchall()
        if len(only) != 1:
            return
        lost = self.db.execute(
            "SELECT image_id, input FROM attempt WHERE image_id NOT IN (SELECT id FROM image)"
        ).fetchall()
        for image, source in lost:
            folder, name = os.path.split(os.path.abspath(store.from_db(source)))
            self.db.execute(
                "INSERT OR IGNORE INTO image (id, digest, params_id, state, attempt)"
                " SELECT ?, digest, ?, 'sending', 0 FROM source WHERE folder = ? AND name = ?",
                (image, only[0][0], store.to_db(folder), store.to_db(name)),
            )

    def _places_from_disk(self) -> None:
        """Places that only an index knows: if a file stands there, it is what was put there."""
        known = self.db.execute(
            "SELECT image_id, folder, name FROM seen_place WHERE image_id IN (SELECT id FROM image)"
        ).fetchall()
        for image, folder, name in known:
            size = self._size(folder, name)
            if size is not None:
                self._place(folder, name, image, size)
        # Of an image nobody knows: without its record the file is simply left alone.
        self.db.execute("DELETE FROM place WHERE image_id NOT IN (SELECT id FROM image)")

    def _place(self, folder: str | bytes, name: str | bytes, image: int, size: int) -> None:
        self.db.execute("INSERT OR IGNORE INTO place VALUES (?, ?, ?, ?)", (folder, name, image, size))

    def _size(self, folder: str | bytes, name: str | bytes) -> int | None:
        try:
            return os.stat(os.path.join(self.out, store.from_db(folder), store.from_db(name))).st_size
        except (OSError, ValueError):
            return None

    def _stand_in(self) -> None:
        """Stand-ins for what is referred to and lost, so that no charge is forgotten."""
        self.db.execute(
            "INSERT INTO params (id, canonical) SELECT DISTINCT params_id, ? || ' #' || params_id FROM image"
            " WHERE params_id NOT IN (SELECT id FROM params)",
            (UNKNOWN,),
        )
        orphans = self.db.execute(_ORPHANS).fetchall()
        for (attempt,) in orphans:
            owner = self.db.execute("SELECT id FROM image WHERE attempt = ?", (attempt,)).fetchone()
            self._attempt(attempt, owner[0] if owner else self._new_image_id())
        lost = self.db.execute(
            "SELECT DISTINCT image_id FROM attempt WHERE image_id NOT IN (SELECT id FROM image)"
        ).fetchall()
        for (image,) in lost:
            self._image(image)
        self.db.execute(
            "INSERT INTO run (id, started_at, version, service) SELECT run_id, min(sent_at), ?, ?"
            " FROM attempt WHERE run_id NOT IN (SELECT id FROM run) GROUP BY run_id",
            (UNKNOWN, UNKNOWN),
        )

    def _new_image_id(self) -> int:
        return self._count(
            "SELECT 1 + max((SELECT coalesce(max(id), 0) FROM image), (SELECT coalesce(max(image_id), 0) FROM attempt))"
        )

    def _attempt(self, attempt: int, image: int) -> None:
        """A stand-in for an attempt: the nearest earlier one says in which run it was made."""
        near = self.db.execute(
            "SELECT run_id, sent_at FROM attempt WHERE id < ? ORDER BY id DESC LIMIT 1", (attempt,)
        ).fetchone()
        run, sent_at = near or (1, self._first_moment(attempt))
        place = self.db.execute(
            "SELECT folder, name FROM place WHERE image_id = ? LIMIT 1", (image,)
        ).fetchone() or ("", f"{UNKNOWN} #{attempt}")
        where = "/".join(store.from_db(part) for part in place if part)
        self.db.execute(
            "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 0)",
            (
                attempt,
                run,
                image,
                sent_at,
                f"{UNKNOWN} #{attempt}",
                store.to_db(where),
                f"{UNKNOWN} #{attempt}",
            ),
        )

    def _first_moment(self, attempt: int) -> str:
        row = self.db.execute(
            "SELECT at FROM answer WHERE attempt_id = ?1 UNION SELECT at FROM verdict WHERE attempt_id = ?1",
            (attempt,),
        ).fetchone()
        return str(row[0]) if row else now()

    def _image(self, image: int) -> None:
        """A stand-in for an image: no file has such a hash."""
        self.db.execute("INSERT OR IGNORE INTO params (canonical) VALUES (?)", (UNKNOWN,))
        digest = f"unknown image {image}".encode().ljust(32, b".")
        self.db.execute(
            "INSERT INTO image (id, digest, params_id, state, attempt)"
            " VALUES (?, ?, (SELECT id FROM params WHERE canonical = ?), 'sending', 0)",
            (image, digest, UNKNOWN),
        )

    def _newest_attempts(self) -> None:
        self.db.execute("CREATE TEMP TABLE newest (image_id INTEGER PRIMARY KEY, attempt)")
        self.db.execute("INSERT INTO newest SELECT image_id, max(id) FROM attempt GROUP BY image_id")
        # A state that belongs to an earlier attempt says nothing.
        self.db.execute(
            "UPDATE image SET state = 'sending', attempt = (SELECT attempt FROM newest WHERE image_id = id)"
            " WHERE attempt < (SELECT attempt FROM newest WHERE image_id = id)"
        )
        for (image,) in self.db.execute("SELECT id FROM image WHERE attempt = 0").fetchall():
            number = self._count("SELECT 1 + coalesce(max(id), 0) FROM attempt")
            self._attempt(number, image)
            self.db.execute("UPDATE image SET attempt = ? WHERE id = ?", (number, image))

    def _set_apart(self) -> None:
        """Images whose bytes or parameters nobody knows are never met again: nothing may be finished for them.

        Without a record of its place a result is left alone as somebody else's file; with one, it would
        be taken for the result of other parameters, and be bought again.
        """
        self.db.execute("CREATE TEMP TABLE nameless (image_id INTEGER PRIMARY KEY)")
        self.db.execute(f"INSERT INTO nameless {_NAMELESS}", (f"{UNKNOWN}%",))
        self.db.execute("DELETE FROM place WHERE image_id IN (SELECT image_id FROM nameless)")
        self.db.execute(
            "UPDATE image SET state = CASE state WHEN 'received' THEN 'done' WHEN 'sending' THEN 'in_doubt'"
            " ELSE state END WHERE id IN (SELECT image_id FROM nameless)"
        )

    def _unrecorded_results(self) -> None:
        """What was `done`, with its place's record lost: the file at the place that its attempt names."""
        rows = self.db.execute(
            "SELECT image.id, place FROM image JOIN attempt ON attempt.id = image.attempt"
            " WHERE state = 'received' AND image.id NOT IN (SELECT image_id FROM place)"
            " AND image.attempt NOT IN (SELECT attempt_id FROM verdict)"
        ).fetchall()
        for image, place in rows:
            folder, name = store.split_place(store.from_db(place))
            size = self._size(folder, name)
            if size is not None:
                self._place(store.to_db(folder), store.to_db(name), image, size)
                self.db.execute("UPDATE image SET state = 'done' WHERE id = ?", (image,))

    def _note_standing(self) -> int:
        """Results whose file is there with its size: their number; `standing` has their images."""
        self.db.execute("CREATE TEMP TABLE standing (image_id INTEGER PRIMARY KEY)")
        places = self.db.execute("SELECT folder, name, size, image_id FROM place").fetchall()
        there = [image for folder, name, size, image in places if self._size(folder, name) == size]
        self.db.executemany("INSERT OR IGNORE INTO standing VALUES (?)", ((image,) for image in there))
        return len(there)


_NAMELESS: Final = "SELECT image.id FROM image JOIN params ON params.id = params_id WHERE canonical LIKE ?"
_ORPHANS: Final = """
    SELECT id FROM (
        SELECT attempt_id AS id FROM answer UNION SELECT attempt_id FROM verdict
        UNION SELECT attempt_id FROM resolution UNION SELECT attempt FROM image WHERE attempt > 0
    ) WHERE id NOT IN (SELECT id FROM attempt) ORDER BY id
"""
# By the sheets of the newest attempt. `done` needs its file, or a row that says so of this very attempt: an
# older result may have been removed, and the image sent again. Where sheets are lost, a state that can only
# have followed from them is believed; everything else the next run settles as an interrupted attempt.
_STATES: Final = """
    UPDATE image SET state = coalesce(
        (SELECT 'open' FROM resolution WHERE attempt_id = attempt),
        (SELECT CASE verdict
            WHEN 'delivered' THEN CASE
                WHEN id IN (SELECT image_id FROM standing) THEN 'done'
                WHEN state = 'done' AND id IN (SELECT image_id FROM place) THEN 'done'
                WHEN state = 'lost' THEN 'lost'
                ELSE 'received' END
            WHEN 'in_doubt' THEN 'in_doubt'
            WHEN 'lost' THEN 'lost'
            ELSE 'open' END
            FROM verdict WHERE attempt_id = attempt),
        CASE
            WHEN state IN ('open', 'in_doubt', 'lost') THEN state
            WHEN id IN (SELECT image_id FROM standing) THEN 'done'
            WHEN state = 'done' AND id IN (SELECT image_id FROM place) THEN 'done'
            WHEN state = 'done' THEN 'received'
            ELSE 'sending' END
    )
"""
