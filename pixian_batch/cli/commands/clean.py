"""`pixian-batch clean`: what runs have left in an output folder, and freeing it. Shows only, unless told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import json as json_
import os
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

from pixian_batch.adapters.landing import Landing, leftovers
from pixian_batch.adapters.ledger import Ledger, results
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.cli.options import Json, option
from pixian_batch.cli.shared import LedgerPath, Out, say, table
from pixian_batch.cli.shared_ledger import ledger_errors, ledger_path
from pixian_batch.display.text import images

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pixian_batch.adapters.ledger.base import BaseLedger

Partials = Annotated[bool, option("--partials", "What arrived of results that are settled by now.")]
KeptResults = Annotated[
    bool, option("--kept", "Results that others have replaced: going back is not free then.")
]
Masters = Annotated[
    bool, option("--masters", "Full pictures of --keep-master: another size or ground is bought again then.")
]
Orphans = Annotated[bool, option("--orphans", "Results whose photo is gone.")]
Force = Annotated[bool, option("--force", "Remove it; without this it is only shown.", "-f")]


_KINDS: Final = ("partials", "kept", "masters", "orphans")


@dataclass(slots=True)
class FileGroup:
    """Files of one kind. places: those of them that the ledger knows as places."""

    paths: list[str] = field(default_factory=list)
    bytes: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, path: str, size: int, place: str | None = None) -> None:
        """One file more."""
        self.paths.append(path)
        self.bytes += size
        if place is not None:
            self.places.append(place)


@dataclass(slots=True)
class Leftovers:
    """What can be freed, by kind, and how many partials cannot: not settled, or of another ledger."""

    kinds: dict[str, FileGroup] = field(default_factory=lambda: {name: FileGroup() for name in _KINDS})
    unsettled: int = 0
    foreign: int = 0


def clean(
    out: Out,
    *,
    partials: Partials = False,
    kept: KeptResults = False,
    masters: Masters = False,
    orphans: Orphans = False,
    force: Force = False,
    ledger: LedgerPath = None,
    json: Json = False,
) -> None:
    """Show what runs have left, and free it with --force. What was bought (all but partials) only when it is named.

    Examples:
      pixian-batch clean ./cut
      pixian-batch clean ./cut --force
      pixian-batch clean ./cut --kept --force
    """
    chosen = zip(_KINDS, (partials, kept, masters, orphans), strict=True)
    named = [name for name, on in chosen if on]
    removed = (named or ["partials"]) if force else []
    with ledger_errors():
        found = asyncio.run(_clean(ledger_path(out, ledger), out, removed))
    shown = named or list(found.kinds)
    if json:
        say([json_.dumps(_record(found, shown, removed=removed))])
    else:
        say(_lines(found, shown, named=named, force=force))


async def _clean(path: str, out: str, remove: list[str]) -> Leftovers:
    """Look, and remove some kinds. Nothing is removed beside a run: it would hold the ledger."""
    if not remove:
        with closing(LedgerReader.open(path)) as reader:
            return await _look(reader, out)
    book = await Ledger.open(path, create=False)
    try:
        found = await _look(book, out)
        for name in remove:
            kind = found.kinds[name]
            await book.forget(
                kind.places
            )  # before the files go: what is left by a crash is only one more leftover
            await asyncio.to_thread(_remove, kind.paths)
        return found
    finally:
        await book.close()


async def _look(ledger: BaseLedger, out: str) -> Leftovers:
    found = Leftovers()
    on_disk = await asyncio.to_thread(lambda: list(leftovers.partials(out)))
    known = await ledger.ask(results.spools, [item.attempt for item in on_disk])
    for part in on_disk:
        spool, settled = known.get(part.attempt, ("", False))
        if os.path.basename(spool) != part.spool:
            found.foreign += 1
        elif settled:
            found.kinds["partials"].add(part.path, part.size)
        else:
            found.unsettled += 1
    for kept in await asyncio.to_thread(lambda: list(leftovers.kept_files(out))):
        found.kinds["kept"].add(kept.path, kept.size, kept.place)
    standing, masters = await ledger.ask(results.results_with_sources), await ledger.ask(results.masters)
    await asyncio.to_thread(_add_masters, found.kinds["masters"], Landing(out), masters)
    await asyncio.to_thread(_add_orphans, found.kinds["orphans"], Landing(out), standing)
    return found


def _add_masters(kind: FileGroup, landing: Landing, masters: Iterable[tuple[str, int]]) -> None:
    """Those that are there as they were recorded. Blocking."""
    for place, size in masters:
        if landing.size(place) == size:
            kind.add(landing.path(place), size, place)


def _add_orphans(kind: FileGroup, landing: Landing, standing: Iterable[tuple[str, int, list[str]]]) -> None:
    """Results that are there as they were recorded, and of which no photo is. Blocking."""
    for place, size, sources in standing:
        if sources and landing.size(place) == size and not any(map(os.path.exists, sources)):
            kind.add(landing.path(place), size, place)


def _remove(paths: list[str]) -> None:
    """Remove files, and folders that are empty by that. Blocking."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    for folder in sorted({os.path.dirname(path) for path in paths}, reverse=True):
        with contextlib.suppress(OSError):  # it holds something else
            os.rmdir(folder)


_TITLES = {
    "partials": ("partials", "of results that are settled by now"),
    "kept": ("kept results", "replaced by others; going back to them is free"),
    "masters": ("masters", "bought; other sizes and grounds are drawn from them for free"),
    "orphans": ("results without a photo", "bought; the photo is gone, or its drive is not here"),
}


def _lines(found: Leftovers, shown: list[str], *, named: list[str], force: bool) -> list[str]:
    rows = [
        [_TITLES[name][0], f"{len(found.kinds[name].paths):,}", _megabytes(found.kinds[name].bytes)]
        for name in shown
    ]
    lines = [f"{line}  {_TITLES[name][1]}" for name, line in zip(shown, table(rows), strict=True)]
    if found.unsettled:
        lines.append(f"left alone: partials of {images(found.unsettled)} that are not settled")
    if found.foreign:
        lines.append(f"left alone: {found.foreign:,} partials that this ledger does not know")
    return [*lines, "", _advice(found, named or ["partials"], force=force)]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _advice(found: Leftovers, chosen: list[str], *, force: bool) -> str:
    number = sum(len(found.kinds[name].paths) for name in chosen)
    rest = [name for name in _KINDS[1:] if name not in chosen and found.kinds[name].paths]
    more = f"; to free the others, name them: {' '.join(f'--{name}' for name in rest)}" if rest else ""
    files = f"{number:,} file{'' if number == 1 else 's'}"
    return f"removed {files}{more}" if force else f"nothing was removed: --force removes {files}{more}"


def _record(found: Leftovers, shown: list[str], *, removed: list[str]) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "clean",
        **{
            name: {
                "count": len(found.kinds[name].paths),
                "bytes": found.kinds[name].bytes,
                "removed": name in removed,
            }
            for name in shown
        },
        "unsettled": found.unsettled,
        "foreign": found.foreign,
    }
