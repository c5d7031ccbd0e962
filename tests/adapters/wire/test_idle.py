"""The idle timeout against servers that stand still, in real time and in virtual."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import os
import random
import time
from typing import TYPE_CHECKING

import pytest
from support import virtual
from support.emulators import EmulatorThread
from support.pictures import put
from support.wires import PNG, Connection, http, raw_server

from pixian_batch.adapters.wire import upload
from pixian_batch.adapters.wire.session import use_small_tls_buffers
from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.adapters.wire.trace import Trace
from pixian_batch.contract.kinds import Kind
from pixian_batch.emulator.weather import Latency, Weather

if TYPE_CHECKING:
    from pathlib import Path

    from pixian_batch.adapters.wire.session import WireSession

from support.sessions import (
    BIG,
    IMAGE,
    NONE,
    broken,
    fetch,
    file_source,
    get,
    never_read,
    one_request,
    swallow,
    wire,
)


def test_180_seconds_without_a_byte_end_a_request_in_virtual_time() -> None:
    async def main() -> tuple[float, Trace]:
        async with raw_server(swallow) as server:
            trace = await broken(server.url, idle_timeout=180.0)
            return virtual.now(), trace

    ended, trace = virtual.run(main())
    assert 180 <= ended < 181
    assert trace == Trace(possibly_complete=True)


def test_180_seconds_cover_an_upload_that_stalls_in_virtual_time() -> None:
    async def main() -> tuple[float, Trace]:
        async with raw_server(never_read) as server:
            trace = await broken(server.url, BytesSource(b"\0" * BIG, Kind.JPEG), idle_timeout=180.0)
            return virtual.now(), trace

    ended, trace = virtual.run(main())
    assert 180 <= ended < 181
    assert trace == Trace(possibly_complete=False)


@pytest.mark.asyncio
@pytest.mark.parametrize("cached", ["all", "nothing", "the first half", "a few bytes at a time"])
async def test_a_large_file_arrives_as_it_is_wherever_its_blocks_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: str
) -> None:
    """Only Linux says what it has in memory; elsewhere, and when it has nothing, a thread reads."""
    content = random.Random(1).randbytes(1_000_003)  # noqa: S311  # any bytes
    real = getattr(os, "preadv", None)

    def preadv(descriptor: int, buffers: list[bytearray], offset: int, flags: int) -> int:
        if cached == "the first half" and offset > len(content) // 2:
            raise BlockingIOError
        views = [memoryview(buffer)[:7000] for buffer in buffers] if cached.startswith("a few") else buffers
        return int(real(descriptor, views, offset, flags))  # type: ignore[misc]  # only where there is one

    if cached != "nothing" and real is None:
        pytest.skip("this system does not say what it has in memory")
    monkeypatch.setattr(upload, "_READS_CACHED", cached != "nothing")
    monkeypatch.setattr(os, "preadv", preadv, raising=False)
    heard = await one_request(file_source(put(tmp_path / "large.jpg", content)))
    [part] = heard.parts()
    assert part.get_payload(decode=True) == content


def test_asyncio_still_lets_its_tls_buffers_be_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attribute that asyncio does not document: 60 MB for a hundred workers hang on it."""
    before = asyncio.sslproto.SSLProtocol.max_size
    monkeypatch.setattr(asyncio.sslproto.SSLProtocol, "max_size", before)  # put back afterwards
    use_small_tls_buffers()
    assert asyncio.sslproto.SSLProtocol.max_size <= before // 4


@pytest.mark.asyncio
async def test_an_upload_that_crawls_is_no_stall() -> None:
    """Little may wait in the socket, or its way out after the last write looks like silence."""

    async def script(connection: Connection) -> None:
        left = int((await connection.head())["Content-Length"])
        while left:
            await asyncio.sleep(0.2)
            left -= len(await connection.reader.readexactly(min(left, 256 * 1024)))
        await connection.say(http())

    async with raw_server(script, receive_buffer=64 * 1024) as server:
        body, _trace = await fetch(server.url, BytesSource(b"\0" * (BIG // 6), Kind.JPEG), idle_timeout=2.0)
    assert body == PNG


def test_an_answer_that_crawls_for_hours_is_taken_whole() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        answer = http()
        start = answer.index(b"\r\n\r\n") + 4
        await connection.say(answer[:start])
        for at in range(start, len(answer)):
            await asyncio.sleep(179)
            await connection.say(answer[at : at + 1])

    async def main() -> tuple[float, bytes, Trace]:
        async with raw_server(script) as server:
            body, trace = await fetch(server.url, idle_timeout=180.0)
            return virtual.now(), body, trace

    ended, body, trace = virtual.run(main())
    assert ended > 3600
    assert body == PNG
    assert trace.whole


@pytest.mark.asyncio
@pytest.mark.parametrize("whole", [True, False], ids=["an answer", "an upload"])
async def test_what_lies_in_the_socket_is_let_in_after_a_pause(*, whole: bool) -> None:
    """The loop was held up for longer than the idle timeout; meanwhile the other end went on."""
    photo = BytesSource(IMAGE + b"\0" * 4_000_000, Kind.JPEG)
    trace = Trace()

    async def send(client: WireSession) -> bytes:
        async with client.remove_background(photo, NONE, trace) as answer:
            await asyncio.sleep(0.01)  # as the head is written down, before the body is read
            return await get(answer)

    with EmulatorThread(weather=Weather(latency=Latency(0.1)), api_id=None, api_secret=None) as emulator:
        async with wire(emulator.url, idle_timeout=0.5) as client:
            sent = asyncio.ensure_future(send(client))
            while not (trace.possibly_complete if whole else emulator.bill.totals.at_once):  # noqa: ASYNC110  # facts
                await asyncio.sleep(0)
            began = time.monotonic()
            while (held := time.monotonic() - began) < 1.0 or (
                held < 20.0 and not emulator.bill.totals.delivered
            ):
                time.sleep(0.005)  # held up, and the other end is not
            assert await sent
    assert trace.whole
