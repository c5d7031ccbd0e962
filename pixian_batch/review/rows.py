"""The rows of a review: what the ledger and the disk say of every result, and of every photo that has none.

A row is one result at its place; an image that has none has one row, too. What only looking at pixels can say is not
here. Blocking; writes nothing. Proved by tests/review/test_rows.py.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing import is_kept
from pixian_batch.adapters.ledger import reviews, statements
from pixian_batch.policy.statement import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from pixian_batch.adapters.ledger.reader import LedgerReader
    from pixian_batch.adapters.ledger.reviews import Delivery, StandingResult
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.policy.statement import ImageLine

_URLS: Final = ("http://", "https://")
GONE: Final = "gone"
"""The outcome of a result that the ledger says is done, and that is not at its place as it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One result, or one photo without one.

    identity: the same in every report until another result is bought; name: the result's place under the output
    folder, the input where there is none. photo, result: absolute paths of files that are there; gone: photos that
    the ledger names and that are not. input: as it may be sent again, a path or a URL. charged: None where it was free.
    """

    identity: str
    name: str
    folder: str
    input: str
    outcome: str
    photo: str | None = None
    photo_gone: bool = False
    result: str | None = None
    digest: bytes = b""
    charged: Decimal | None = None
    calculated: Decimal | None = None
    attempts: int = 0
    pixels: int | None = None
    date: str = ""
    parameters: str = ""
    seconds: float | None = None
    error: str | None = None
    headers: ResultHeaders | None = None


def rows_of(reader: LedgerReader, out: str) -> Iterator[Row]:
    """Every row of the ledger, in the order in which the images were first sent. Raises `LedgerError`."""
    gathering = _Gathering(reader, os.path.abspath(out))
    for line in reader.each(statements.image_lines):
        yield from gathering.rows(line)


class _Gathering:
    """What several lines need: held by number, one small entry an image."""

    def __init__(self, reader: LedgerReader, out: str) -> None:
        self._out = out
        self._deliveries = {item.image: item for item in reader.each(reviews.deliveries)}
        self._standing: defaultdict[int, list[StandingResult]] = defaultdict(list)
        self._kept: set[int] = set()
        for item in reader.each(reviews.standing_results):
            if is_kept(item.place):
                self._kept.add(item.image)
            else:
                self._standing[item.image].append(item)
        self._photos: defaultdict[bytes, list[str]] = defaultdict(list)
        for digest, path in reader.each(reviews.photos):
            self._photos[digest].append(path)

    def rows(self, line: ImageLine) -> Iterator[Row]:
        """The rows of one image; none of a result that was replaced by another one."""
        standing = self._standing.get(line.image or 0, [])
        if not standing and line.image in self._kept:
            return
        row = self._without_result(line)
        if not standing:
            yield replace(row, outcome=GONE if line.status == "done" else line.status)
            return
        bought = next((item for item in standing if item.place == line.place), standing[0])
        for item in standing:
            yield self._with_result(row, item, line, is_first=item is bought)

    def _without_result(self, line: ImageLine) -> Row:
        delivery = self._deliveries.get(line.image or 0)
        path = line.input if line.input.startswith(_URLS) else os.path.abspath(line.input)
        there = os.path.isfile(path)
        sums = line.sums
        return Row(
            identity=_identity(line.input, line.image or 0, None),
            name=line.place or os.path.basename(line.input),
            folder=folder_of(line.place or "", None),
            input=path,
            outcome=line.status,
            photo=path if there else None,
            photo_gone=not there and not path.startswith(_URLS),
            charged=sums.charged if sums.charged or sums.images else None,
            calculated=sums.calculated or None,
            attempts=line.attempts,
            pixels=line.pixels,
            date=line.date,
            parameters=line.parameters,
            seconds=None if delivery is None else delivery.seconds,
            error=line.error,
            headers=None if delivery is None else delivery.headers,
        )

    def _with_result(self, row: Row, item: StandingResult, line: ImageLine, *, is_first: bool) -> Row:
        path = os.path.join(self._out, *item.place.split("/"))
        whole = _size(path) == item.size
        photo, there = self._photo_of(item, line, is_first=is_first)
        done = line.status if is_first else "duplicate"
        return replace(
            row,
            identity=_identity(item.place, item.image, self._deliveries.get(item.image)),
            name=item.place,
            folder=folder_of(item.place, None),
            input=photo,
            photo=photo if there else None,
            photo_gone=not there and not photo.startswith(_URLS),
            outcome=done if whole else GONE,
            result=path if whole else None,
            digest=item.digest,
            charged=row.charged if is_first else None,
            calculated=row.calculated if is_first else None,
        )

    def _photo_of(self, item: StandingResult, line: ImageLine, *, is_first: bool) -> tuple[str, bool]:
        """The photo of a result, and whether it is there: of several with these bytes, the one whose name is most like."""
        if line.input.startswith(_URLS):
            return line.input, False
        sent = os.path.abspath(line.input)
        paths = self._photos.get(item.digest, []) or [sent]
        if is_first and sent in paths:
            return sent, os.path.isfile(sent)
        path = max(paths, key=lambda path: (_likeness(item.place, path), os.path.exists(path)))
        return path, os.path.isfile(path)


def _likeness(place: str, path: str) -> int:
    """How many of the last parts of a place and of a photo's path are the same, suffixes aside."""
    same = 0
    one, other = os.path.splitext(place)[0].split("/"), os.path.splitext(path)[0].split(os.sep)
    for ours, theirs in zip(reversed(one), reversed(other), strict=False):
        if ours != theirs:
            break
        same += 1
    return same


def _identity(name: str, image: int, delivery: Delivery | None) -> str:
    """Another one for another result at the same place: a choice that somebody made was about what they saw."""
    attempt = 0 if delivery is None else delivery.attempt
    return blake2b(f"{image}:{attempt}:{name}".encode(errors="surrogateescape"), digest_size=8).hexdigest()


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
