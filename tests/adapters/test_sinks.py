"""One suite for everything that takes a body: write, finish, keep, drop mean the same in memory and on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support.pictures import picture

from pixian_batch.adapters.landing import Spool
from pixian_batch.adapters.wire.exchange import MemorySink
from pixian_batch.contract.kinds import HEAD_BYTES, TAIL_BYTES, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from pixian_batch.policy.reply import Sink

PNG = picture("png", size=(300, 300))
JPEG = picture("jpg")
JUDGED: list[tuple[bytes, Kind | None, bool]] = [
    (b"", None, False),
    (b"<html>sorry</html>", None, False),
    (PNG, Kind.PNG, True),
    (PNG[:-1], Kind.PNG, False),
    (PNG[:20], Kind.PNG, False),
    (PNG + b"\n", Kind.PNG, False),
    (JPEG, Kind.JPEG, True),
    (JPEG[:-1], Kind.JPEG, False),
    (picture("gif"), Kind.GIF, False),
]
CHUNKS = (1, 7, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 1, TAIL_BYTES, 1000, 1_000_000)


@dataclass(frozen=True)
class Spools:
    """Spools in a folder of their own."""

    folder: str

    async def open(self) -> Sink:
        return await Spool.open(os.path.join(self.folder, f"{len(os.listdir(self.folder))}.part"))

    def content(self, sink: Sink) -> bytes:
        assert isinstance(sink, Spool)
        if not os.path.exists(sink.path):
            return b""
        with open(sink.path, "rb") as stream:
            return stream.read()


class Memories:
    """Sinks in memory."""

    async def open(self) -> Sink:
        return MemorySink()

    def content(self, sink: Sink) -> bytes:
        assert isinstance(sink, MemorySink)
        return bytes(sink.content)


@pytest.fixture(params=["spool", "memory"])
def sinks(request: pytest.FixtureRequest, tmp_path: Path) -> Spools | Memories:
    return Spools(str(tmp_path)) if request.param == "spool" else Memories()


async def filled(sinks: Spools | Memories, content: bytes, *, chunk: int = 1000) -> Sink:
    sink = await sinks.open()
    for start in range(0, len(content), chunk):
        await sink.write(content[start : start + chunk])
    return sink


@pytest.mark.asyncio
async def test_a_body_is_judged_by_its_own_bytes_however_they_come(sinks: Spools | Memories) -> None:
    for content, kind, whole in JUDGED:
        for chunk in CHUNKS:
            if len(content) > 2000 * chunk:
                continue  # the same, only slower
            case = (content[:12], len(content), chunk)
            sink = await filled(sinks, content, chunk=chunk)
            body = await sink.finish()
            assert (body.size, body.kind, body.whole) == (len(content), kind, whole), case
            assert sinks.content(sink) == content, case


@pytest.mark.asyncio
async def test_large_bodies_come_whole(sinks: Spools | Memories) -> None:
    content = os.urandom(3_000_000)
    sink = await filled(sinks, content, chunk=70_001)
    assert (await sink.finish()).size == len(content)
    assert sinks.content(sink) == content


@pytest.mark.asyncio
async def test_what_is_kept_is_all_that_came_and_says_where_it_is(sinks: Spools | Memories) -> None:
    for finished in (False, True):
        sink = await filled(sinks, PNG[:100])
        if finished:
            await sink.finish()
        path = await sink.keep()
        assert sinks.content(sink) == PNG[:100], finished
        assert path == (sink.path if isinstance(sink, Spool) else None), finished


@pytest.mark.asyncio
async def test_nothing_is_kept_of_nothing(sinks: Spools | Memories, tmp_path: Path) -> None:
    sink = await sinks.open()
    assert await sink.keep() is None
    assert os.listdir(tmp_path) == []


@pytest.mark.asyncio
async def test_what_is_dropped_is_gone_whenever_it_is_dropped(
    sinks: Spools | Memories, tmp_path: Path
) -> None:
    for content, finished in ((b"", False), (PNG, False), (PNG * 1000, False), (PNG, True)):
        sink = await filled(sinks, content)
        if finished:
            await sink.finish()
        await sink.drop()
        await sink.drop()  # a second time is no trouble
        assert sinks.content(sink) == b"", (len(content), finished)
        assert os.listdir(tmp_path) == [], (len(content), finished)
