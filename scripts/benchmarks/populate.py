"""Makes a batch of any size whose images are all done: tiny inputs, results, and the ledger that knows them.

Files are hard links to a few, the ledger is written by its own statements. Runs in a process of its own.

usage: python -m scripts.benchmarks.populate FOLDER COUNT
"""

from __future__ import annotations

import asyncio
import os
import sys
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger import Ledger, default_path, writing
from pixian_batch.contract.headers import read_result_headers
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.spec import Spec
from pixian_batch.policy.record import Answered, Ended, Key, Placed, Sending
from pixian_batch.policy.verdict import Verdict
from scripts.benchmarks.photos import make_photos

if TYPE_CHECKING:
    import sqlite3

PER_FOLDER: Final = 1000
_LINKS: Final = 60_000  # ext4 gives one file at most 65,000 names
_HEADERS: Final = read_result_headers(
    {
        "X-Credits-Charged": "0.25",
        "X-Input-Orientation": "1",
        "X-Input-Size": "4000 3000",
        "X-Result-Size": "4000 3000",
        "X-Input-Foreground": "0 0 4000 3000",
        "X-Result-Foreground": "0 0 4000 3000",
    }
)


def main(folder: str, count: int) -> None:
    """Inputs in `FOLDER/in`, results in `FOLDER/out`; in `FOLDER/flat` as many inputs without folders."""
    _links(os.path.join(folder, "in"), count, "jpg")
    _links(os.path.join(folder, "out"), count, "png")
    _links(os.path.join(folder, "flat"), count, "jpg", flat=True)
    asyncio.run(_ledger(folder, count))


def names(count: int) -> list[tuple[str, str]]:
    """Folder and name, without suffix, of every image."""
    return [(f"{number // PER_FOLDER:05}", f"IMG_{number:07}") for number in range(count)]


def _links(top: str, count: int, suffix: str, *, flat: bool = False) -> None:
    origins = make_photos(f"{top}-origins", count // _LINKS + 1, 1000)
    for number, (folder, name) in enumerate(names(count)):
        target = top if flat else os.path.join(top, folder)
        if number % PER_FOLDER == 0:
            os.makedirs(target, exist_ok=flat)
        os.link(origins[number // _LINKS], os.path.join(target, f"{name}.{suffix}"))


async def _ledger(folder: str, count: int) -> None:
    ledger = await Ledger.open(default_path(os.path.join(folder, "out")))
    await ledger.begin_run(version="benchmark", service="pixian")
    places = names(count)
    for start in range(0, count, 10_000):
        rows = list(enumerate(places[start : start + 10_000], start + 1))
        await ledger.ask(partial(_rows, folder=folder, rows=rows))
    await ledger.end_run(0)
    await ledger.close()


def _rows(db: sqlite3.Connection, *, folder: str, rows: list[tuple[int, tuple[str, str]]]) -> None:
    for number, place in rows:
        _row(db, folder, number, place)


def _row(db: sqlite3.Connection, folder: str, number: int, place: tuple[str, str]) -> None:
    source = os.path.join(folder, "in", place[0], f"{place[1]}.jpg")
    result = f"{place[0]}/{place[1]}.png"
    key = Key(number.to_bytes(32, "big"), Spec(Params()).key_params(rebuild=False))
    at = "2026-01-01T00:00:00.000+00:00"
    found = os.stat(source)
    spool = os.path.join(folder, "out", place[0], f".pixian-{number}.part")
    writing.write_source(db, source, size=found.st_size, mtime_ns=found.st_mtime_ns, digest=key.digest)
    writing.write_sending(
        db, 1, at, Sending(number, key, source, result, spool, 12_000_000, Decimal("0.25"), free=False)
    )
    writing.write_answered(db, at, number, Answered(200, _HEADERS, 1000))
    writing.write_ended(db, at, [(number, Ended(Verdict.DELIVERED, 200, body_size=1000, seconds=2.0))])
    writing.write_placed(db, [(source, result, Placed(key, 1000))])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
