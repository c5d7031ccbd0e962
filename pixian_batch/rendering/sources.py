"""What variants can be made of: the results that a ledger knows and that are there whole, or a folder of cut-out PNGs."""

from __future__ import annotations

import itertools
import os
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger import statements
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.rendering.index import OURS
from pixian_batch.rendering.meeting import Stored, ranked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pixian_batch.adapters.ledger.statements import StoredRow

_OLD: Final = ".attempt-"
"""In the name of a result that was bought once more since: not the latest one of its image."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """One picture of which variants are made. place: by which they are named; stored: its results, the best first.

    digest: of its photo, hexadecimal; None without a ledger. missing: results that were recorded and are not there.
    """

    place: str
    stored: tuple[Stored, ...]
    digest: str | None = None
    missing: int = 0


def of_ledger(ledger: str, out: str, *, photos: bool) -> list[Cutout]:
    """All pictures of which a result stands in `out`. photos: whether metadata are wanted of them. Raises `LedgerError`."""
    paths: dict[bytes, list[str]] = {}
    with closing(LedgerReader.open(ledger)) as reader:
        rows = list(reader.each(statements.stored_results))
        with_photos = photos or any("output.format=delta_png" in row.params for row in rows)
        for digest, path in reader.each(statements.photos) if with_photos else ():
            paths.setdefault(digest, []).append(path)
    cutouts: list[Cutout] = []
    for digest, group in itertools.groupby(rows, key=lambda row: row.digest):
        cutouts += _cutouts(out, digest, list(group), tuple(paths.get(digest, ())))
    return sorted(cutouts, key=lambda one: one.place)


def _cutouts(out: str, digest: bytes, rows: list[StoredRow], photos: tuple[str, ...]) -> Iterator[Cutout]:
    """Those of one photo's bytes: one for each name under which its results stand."""
    usable = [row for row in rows if _OLD not in row.place.rpartition("/")[2] or not _is_ours(row.place)]
    there = [row for row in usable if _size(os.path.join(out, *row.place.split("/"))) == row.size]
    stored = tuple(ranked(replace(_stored(out, row), photos=photos) for row in there))
    names: dict[str, str] = {}
    for row in usable:
        if not _is_ours(row.place):
            folder, slash, name = row.place.rpartition("/")
            names.setdefault(folder + slash + _stem(name), row.place)
    for place in names.values():
        yield Cutout(place, stored, digest.hex(), len(usable) - len(there))


def _stem(name: str) -> str:
    dot = name.rfind(".")
    return name[:dot] if dot > 0 else name


def _is_ours(place: str) -> bool:
    return place.startswith(f"{OURS}/")


def _stored(out: str, row: StoredRow) -> Stored:
    return Stored(
        path=os.path.join(out, *row.place.split("/")),
        params=row.params,
        size=row.size,
        identity=f"{row.digest.hex()} {row.params} {row.attempt} {row.size}",
        digest=row.digest,
        orientation=row.orientation,
    )


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def of_folder(folder: str, *, but: str) -> list[Cutout]:
    """All PNGs below a folder, hidden ones and those below `but` left out."""
    return sorted(_pngs(folder, os.path.realpath(but)), key=lambda one: one.place)


def _pngs(folder: str, but: str) -> Iterator[Cutout]:
    for here, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(here, name)) != but
        ]
        for name in names:
            path = os.path.join(here, name)
            if name.lower().endswith(".png") and not name.startswith(".") and os.path.isfile(path):
                yield _of_file(path, os.path.relpath(path, folder).replace(os.sep, "/"))


def _of_file(path: str, place: str) -> Cutout:
    status = os.stat(path)
    identity = f"{place} {status.st_size} {status.st_mtime_ns}"
    return Cutout(place, (Stored(path=path, size=status.st_size, identity=identity),))


def protected(cutouts: Iterable[Cutout]) -> set[tuple[int, int]]:
    """Device and inode of every result and photo: no variant takes their place."""
    paths = {path for one in cutouts for stored in one.stored for path in (stored.path, *stored.photos)}
    return {identity for path in paths if (identity := file_identity(path)) is not None}


def file_identity(path: str) -> tuple[int, int] | None:
    """Device and inode; None where nothing is."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
