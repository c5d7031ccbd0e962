"""Questions to the ledger about names: which place an image has had, and whose a place is. They only read.

An image keeps the place that it has been given, whether its result stands there or is still to come (in doubt,
kept, refused for now): what was recorded last counts. Asked through `ask`, like those of `questions`.

Proved by tests/cli/test_names.py.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger.questions import inputs_of
from pixian_batch.adapters.ledger.rows import from_db, join_place, split_place, to_db

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterable, Sequence

    from pixian_batch.policy.record import Known

_PART: Final = 500
"""Values that one statement may have everywhere."""
_PLACED: Final = """
    SELECT digest, folder, name FROM image JOIN place ON image_id = image.id WHERE digest IN ({})
"""
_SENT: Final = """
    SELECT digest, place FROM image JOIN attempt ON attempt.id = image.attempt
    WHERE state != 'done' AND digest IN ({})
"""
_OWNER: Final = """
    SELECT digest, input FROM place JOIN image ON image.id = place.image_id JOIN attempt ON attempt.id = image.attempt
    WHERE folder = ? AND name = ?
"""
# The very words of the index `image_unsettled`.
_WAITING: Final = """
    SELECT attempt.place, digest, input FROM image JOIN attempt ON attempt.id = image.attempt
    WHERE state NOT IN ('done', 'open')
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a place is. input: the photo that it was bought for, as it was named then."""

    digest: bytes
    input: str

    def is_photo(self, path: str, digests: Container[bytes]) -> bool:
        """Whether it belongs to the photo at the absolute `path`, which has had these digests."""
        return self.digest in digests or os.path.abspath(self.input) == path


def histories(
    db: sqlite3.Connection, asked: Iterable[tuple[str, Sequence[str]]]
) -> list[tuple[dict[str, Known], dict[bytes, list[str]]]]:
    """For each (folder, names): the inputs when they were last read, and the places of what they were then."""
    answers = []
    for folder, names in asked:
        known = inputs_of(db, folder, names)
        digests = {known[name][2] for name in names if name in known}
        answers.append((known, places_had(db, digests)))
    return answers


def places_had(db: sqlite3.Connection, digests: Iterable[bytes]) -> dict[bytes, list[str]]:
    """The places where results of these bytes stand or are to stand, with any parameters."""
    places: defaultdict[bytes, list[str]] = defaultdict(list)
    digests = list(digests)
    for start in range(0, len(digests), _PART):
        part = digests[start : start + _PART]
        marks = ",".join("?" * len(part))
        for digest, folder, name in db.execute(_PLACED.format(marks), part):
            places[digest].append(join_place(folder, name))
        for digest, place in db.execute(_SENT.format(marks), part):
            places[digest].append(from_db(place))
    return places


def waiting(db: sqlite3.Connection) -> dict[str, Owner]:
    """The places of images that were sent and are not settled: few."""
    return {from_db(place): Owner(digest, from_db(source)) for place, digest, source in db.execute(_WAITING)}


def owners(db: sqlite3.Connection, places: Iterable[str]) -> dict[str, Owner]:
    """Whose results stand at these places, where one does."""
    found = {}
    for place in places:
        row = db.execute(_OWNER, tuple(map(to_db, split_place(place)))).fetchone()
        if row is not None:
            found[place] = Owner(row[0], from_db(row[1]))
    return found


def names_in(db: sqlite3.Connection, folder: str) -> list[str]:
    """The names of all results that are recorded in a folder."""
    rows = db.execute("SELECT name FROM place WHERE folder = ?", (to_db(folder),))
    return [from_db(name) for (name,) in rows]
