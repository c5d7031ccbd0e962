"""Makes saved rows a ledger again: every reference leads somewhere, every image stands where its sheets say. Blocking.

Where a record is gone the careful reading is taken: an image that may have been paid for is in doubt, or its
result is left where it stands. Results on disk are looked at, never touched.

Proved by tests/adapters/ledger/test_repair.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.clock import now
from pixian_batch.adapters.ledger.rows import from_db, join_place, split_place, to_db

if TYPE_CHECKING:
    import sqlite3

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


@dataclass(slots=True)
class Mender:
    """Mends the ledger of `db`, a transaction of the caller's. out: the output folder, whose files prove results."""

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
            folder, name = os.path.split(os.path.abspath(from_db(source)))
            self.db.execute(
                "INSERT OR IGNORE INTO image (id, digest, params_id, state, attempt)"
                " SELECT ?, digest, ?, 'sending', 0 FROM source WHERE folder = ? AND name = ?",
                (image, only[0][0], to_db(folder), to_db(name)),
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
            return os.stat(os.path.join(self.out, from_db(folder), from_db(name))).st_size
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
            "INSERT INTO run (id, started_at, version, service) SELECT run_id, min(moment), ?, ? FROM"
            " (SELECT run_id, sent_at AS moment FROM attempt UNION ALL SELECT run_id, at FROM concurrency)"
            " WHERE run_id NOT IN (SELECT id FROM run) GROUP BY run_id",
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
        name = f"{UNKNOWN} #{attempt}"
        known = self.db.execute(
            "SELECT folder, name FROM place WHERE image_id = ? LIMIT 1", (image,)
        ).fetchone()
        place = to_db(join_place(*known)) if known else name
        self.db.execute(
            "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 0)",
            (attempt, run, image, sent_at, name, place, name),
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
            folder, name = split_place(from_db(place))
            size = self._size(folder, name)
            if size is not None:
                self._place(to_db(folder), to_db(name), image, size)
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
