"""Real ledgers with a few hundred images, and what may be asked of them after they were damaged."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from support.pictures import put
from support.records import answered, change, ended, key, sending

from pixian_batch.adapters.ledger import Ledger, default_path
from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.record import Placed
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = 300
PARAMS = "output_format=png"
PAGE = 4096
MONEY = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def rows(path: str, sql: str) -> list[Any]:
    """What any other program reads, while the ledger is open."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def place_of(number: int) -> str:
    return f"folder-{number % 7}/{number:04}.png"


async def make(out: Path, images: int = IMAGES, *, close: bool = True) -> Ledger:
    """A ledger of one run: most images done, some refused, in doubt, lost, resolved or interrupted."""
    ledger = await Ledger.open(default_path(str(out)), out=str(out))
    await ledger.begin_run(version="1", service="pixian")
    for first in range(1, images + 1, 10):
        ledger.note_concurrency(change(ChangeReason.RAMP, allowed=first, in_use=first))
        await asyncio.gather(
            *(_one(ledger, out, number) for number in range(first, min(first + 10, images + 1)))
        )
    if close:
        await ledger.end_run(0)
        await ledger.close()
    return ledger


async def _one(ledger: Ledger, out: Path, number: int) -> None:
    attempt = ledger.next_attempt()
    who = key(number, PARAMS)
    await ledger.sending(sending(attempt, key=who, input=f"in/{number:04}.jpg", place=place_of(number)))
    source = (f"/in/{number % 3}", f"{number:04}.jpg")
    ledger.note_source(os.path.join(*source), 1000 + number, number, who.digest)
    match number % 20:
        case 17:
            await ledger.ended(attempt, ended(Verdict.IN_DOUBT, http_status=None, message="no answer"))
        case 18:
            await ledger.ended(attempt, ended(Verdict.REFUSED, http_status=400, message="no image"))
        case 19:
            await ledger.answered(attempt, answered("0.31"))
            await ledger.ended(attempt, ended(Verdict.LOST, message="cut off"))
            if number > IMAGES // 2:
                await ledger.resolve(attempt, charged=True)
        case 0 if number == IMAGES:
            pass  # interrupted
        case _:
            await ledger.answered(attempt, answered(f"{Decimal(number) / 100}"))
            put(out / place_of(number), b"x" * (100 + number))
            await ledger.ended(attempt, ended(body_size=100 + number, seconds=2.5))
            await ledger.placed(f"in/{number:04}.jpg", place_of(number), Placed(who, 100 + number))


def copy(source: Path, target: Path) -> str:
    """The whole output folder elsewhere; its ledger's path."""
    shutil.copytree(source, target, copy_function=_share)
    return default_path(str(target))


def _share(source: str, target: str) -> str:
    """Results are never changed: links are quicker."""
    if source.endswith(".png"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)
    return target


def read_by_sqlite(path: str) -> dict[int, str]:
    """Charges that plain sqlite3 still reads from a copy of the file, from both ends."""
    legible: dict[int, str] = {}
    for direction in ("ASC", "DESC"):
        question = f"SELECT attempt_id, charged FROM answer ORDER BY attempt_id {direction}"  # noqa: S608  # ours
        with suppress(sqlite3.Error, UnicodeDecodeError), closing(sqlite3.connect(path)) as db:
            rows = db.execute(question)
            legible.update((attempt, charged) for attempt, charged in rows if _is_charge(attempt, charged))
    return legible


def _is_charge(attempt: object, charged: object) -> bool:
    """Whether what was read can be a charge: a damaged row may hold anything."""
    whole = isinstance(attempt, int) and 0 < attempt < 1 << 40
    return whole and isinstance(charged, str) and MONEY.fullmatch(charged) is not None


def charges(path: str) -> dict[int, str]:
    """What a whole ledger knows to be charged, through the same join as its budget."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        return dict(
            db.execute(
                "SELECT attempt_id, charged FROM answer JOIN attempt ON attempt.id = attempt_id"
                " WHERE charged IS NOT NULL"
            )
        )


def states(path: str) -> dict[bytes, str]:
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT digest, state FROM image"))


def would_send(path: str, out: Path) -> set[int]:
    """Images that a run would send now: never legible or open, and no file stands where the result would go."""
    with closing(sqlite3.connect(path)) as db:
        known = dict(
            db.execute(
                "SELECT digest, state FROM image JOIN params ON params.id = params_id"
                " JOIN attempt ON attempt.id = attempt WHERE canonical = ?",
                (PARAMS,),
            )
        )
    return {
        number
        for number in range(1, IMAGES + 1)
        if known.get(key(number, PARAMS).digest, "open") == "open" and not (out / place_of(number)).exists()
    }
