"""Duplicates in rounds: what waits shares a question, a sync and a commit, and none is written down before it is safe."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import content_of, put
from support.records import answered, ended, key, sending

from pixian_batch.adapters.landing import DiskError, Landing, TakenError
from pixian_batch.adapters.ledger import Ledger, LedgerError, writing
from pixian_batch.pipeline.describing import Describer, Keep
from pixian_batch.pipeline.duplicating import Duplicates, Wanted
from pixian_batch.pipeline.finishing import Finisher
from pixian_batch.policy.outcome import Duplicate, Skipped, SkipReason
from pixian_batch.policy.record import Placed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BODY = b"paid for"


@asynccontextmanager
async def rounds(folder: Path, *places: str) -> AsyncIterator[Duplicates]:
    """Duplicates of image 1, whose results stand at `places`."""
    ledger = await Ledger.open(str(folder / "ledger.db"))
    try:
        await ledger.begin_run(version="1", service="test")
        attempt = ledger.next_attempt()
        await ledger.sending(sending(attempt, 1))
        await ledger.answered(attempt, answered())
        await ledger.ended(attempt, ended(body_size=len(BODY)))
        for place in places:
            put(folder / "out" / place, BODY)
            await ledger.placed(f"in/{place}", place, Placed(key(1), len(BODY)))
        yield Duplicates(Finisher(ledger, Landing(str(folder / "out"))))
    finally:
        await ledger.close()


def wanted(number: int) -> Wanted:
    return Wanted(key(1), f"in/{number}.jpg", f"twin-{number}.png")


def recorded(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        return {name for (name,) in db.execute("SELECT name FROM place")}


@pytest.mark.asyncio
async def test_what_waits_shares_its_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    write = writing.write_placed

    def counted(db: Any, results: Any) -> None:
        commits.append(len(results))
        write(db, results)

    async with rounds(tmp_path, "a.png") as duplicates:
        monkeypatch.setattr(writing, "write_placed", counted)
        said = await asyncio.gather(*(duplicates.make(wanted(number)) for number in range(200)))
    assert said == [Duplicate(of=str(tmp_path / "out" / "a.png"))] * 200
    assert commits == [200]
    assert len(recorded(tmp_path)) == 201


@pytest.mark.asyncio
async def test_no_copy_is_made_while_results_are_put_in_their_places(tmp_path: Path) -> None:
    """Between the question where it stands and the copy, another result could be renamed over it."""
    async with rounds(tmp_path, "a.png") as duplicates:
        async with duplicates.finisher.rounds:
            waiting = asyncio.ensure_future(duplicates.make(wanted(1)))
            done, _pending = await asyncio.wait({waiting}, timeout=0.3)
            assert not done
            assert recorded(tmp_path) == {"a.png"}
        assert await waiting == Duplicate(of=str(tmp_path / "out" / "a.png"))


@pytest.mark.asyncio
async def test_a_duplicate_is_written_down_only_when_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = writing.write_placed

    def checked(db: Any, results: Any) -> None:
        assert all(content_of(tmp_path / "out" / place) == BODY for _source, place, _placed in results)
        write(db, results)

    async with rounds(tmp_path, "a.png") as duplicates:
        monkeypatch.setattr(writing, "write_placed", checked)
        (tmp_path / "out" / "twin-3.png").mkdir()
        said = await asyncio.gather(
            *(duplicates.make(wanted(number)) for number in range(12)), return_exceptions=True
        )
    assert isinstance(said[3], DiskError)
    assert recorded(tmp_path) == {"a.png", *(f"twin-{number}.png" for number in range(12) if number != 3)}


@pytest.mark.asyncio
async def test_a_ledger_that_takes_nothing_is_told_to_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async with rounds(tmp_path, "a.png") as duplicates:
        monkeypatch.setattr(writing, "write_placed", full)
        said = await asyncio.gather(
            *(duplicates.make(wanted(number)) for number in range(9)), return_exceptions=True
        )
    assert all(isinstance(one, LedgerError) for one in said)
    assert recorded(tmp_path) == {"a.png"}


@pytest.mark.asyncio
async def test_a_source_is_found_among_many_that_are_gone(tmp_path: Path) -> None:
    places = [f"{number:02}.png" for number in range(30)]
    async with rounds(tmp_path, *places) as duplicates:
        for place in places[:-1]:
            os.unlink(tmp_path / "out" / place)
        duplicates.remember(key(1))
        assert await duplicates.make(wanted(1)) == Duplicate(of=str(tmp_path / "out" / "29.png"))
        for name in os.listdir(tmp_path / "out"):
            os.unlink(tmp_path / "out" / name)
        assert await duplicates.make(wanted(2)) is None
        assert not duplicates.knows(key(1)), "it has to be looked up again, and perhaps bought"


@pytest.mark.asyncio
async def test_what_stands_at_its_place_already_is_only_said_so(tmp_path: Path) -> None:
    async with rounds(tmp_path, "a.png") as duplicates:
        again = Wanted(key(1), "in/a.jpg", "a.png")
        assert await duplicates.make(again) == Skipped(SkipReason.DONE)


@pytest.mark.asyncio
async def test_no_result_is_renamed_during_a_round(tmp_path: Path) -> None:
    """What is copied is what the ledger says stands there: both kinds of rounds hold the same lock."""
    async with rounds(tmp_path, "a.png") as duplicates:
        async with duplicates.finisher.rounds:
            waiting = asyncio.ensure_future(duplicates.make(wanted(1)))
            for _turn in range(50):
                await asyncio.sleep(0)
            # As a finisher's round does: renamed over the source, and only then written down.
            put(tmp_path / "out" / "b.png", BODY)
            put(tmp_path / "out" / "a.png", b"another image")
            await duplicates.finisher.ledger.placed("in/b.png", "b.png", Placed(key(1), len(BODY)))
        assert await waiting == Duplicate(of=str(tmp_path / "out" / "b.png"))
        assert content_of(tmp_path / "out" / "twin-1.png") == BODY


@pytest.mark.asyncio
async def test_no_copy_takes_the_place_of_a_photo_that_came_there_meanwhile(tmp_path: Path) -> None:
    async with rounds(tmp_path, "a.png") as duplicates:
        put(tmp_path / "out" / "twin-1.png", b"a photo")
        duplicates.finisher.is_photo = lambda path, _source: path.endswith("twin-1.png")
        said = await asyncio.gather(
            *(duplicates.make(wanted(number)) for number in range(3)), return_exceptions=True
        )
        assert isinstance(said[1], TakenError)
        assert isinstance(said[0], Duplicate)
        assert isinstance(said[2], Duplicate)
        assert content_of(tmp_path / "out" / "twin-1.png") == b"a photo"
    assert recorded(tmp_path) == {"a.png", "twin-0.png", "twin-2.png"}


@pytest.mark.asyncio
async def test_each_has_its_photos_date_before_it_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = writing.write_placed

    def checked(db: Any, results: Any) -> None:
        for _source, place, _placed in results:
            assert (tmp_path / "out" / place).stat().st_mtime_ns == int(place[5]) * 10**9
        write(db, results)

    async with rounds(tmp_path, "a.png") as duplicates:
        duplicates.finisher.describer = Describer(Keep(dates=True))
        photos = [put(tmp_path / "in" / f"{number}.jpg", b"") for number in range(3)]
        for number, photo in enumerate(photos):
            os.utime(photo, ns=(0, number * 10**9))
        monkeypatch.setattr(writing, "write_placed", checked)
        said = await asyncio.gather(
            *(
                duplicates.make(Wanted(key(1), str(photo), f"twin-{number}.png"))
                for number, photo in enumerate(photos)
            )
        )
    assert len(recorded(tmp_path)) == 4
    assert said == [Duplicate(of=str(tmp_path / "out" / "a.png"))] * 3
