"""Hostile, broken and crowded: every refusal is JSON, nothing hangs, nothing stays behind.

`server.py` and `answers.py`.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from PIL import Image
from support.emulator_lab import basic, form, lab, picture, until

from pixian_batch.emulator.server import Emulator
from pixian_batch.emulator.settings import EmulatorSettings, EngineName
from pixian_batch.emulator.weather import Fault, Latency, Weather

ENGINES = [EngineName.CANNED, EngineName.PLAIN]
GIF_BOMB = (
    b"GIF89a"
    + struct.pack("<HH", 65535, 65535)
    + bytes.fromhex("800000ffffff00000021f90401000000002c00000000ffffffff0002024401003b")
)


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(10_000)))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("image", "statuses"),
    [
        (GIF_BOMB, {413}),
        (png_header(16384, 16384), {413}),
        (png_header(2**31 - 1, 2**31 - 1), {400, 413}),
        (png_header(0, 5), {400}),
        (picture("JPEG", (400, 300))[:2000], {400}),
        (picture("JPEG")[:-2], {400}),
        (picture("TIFF")[:100], {400}),
        (picture("BMP")[:300], {400}),
        (b"II*\0\xff\xff\xff\x7f" + bytes(100), {400}),
        (b"BM" + bytes(60), {400}),
        (b"\xff\xd8\xff\xe1\xff\xff" + b"Exif" * 50, {400}),
    ],
    ids=[
        "gif bomb",
        "268 MP png",
        "absurd png",
        "empty png",
        "cut jpeg",
        "nearly whole jpeg",
        "cut tiff",
        "cut bmp",
        "lost tiff",
        "hollow bmp",
        "lying jpeg",
    ],
)
@pytest.mark.asyncio
async def test_hostile_pictures_are_refused_quickly_and_for_free(
    engine: EngineName, image: bytes, statuses: set[int]
) -> None:
    async with lab(engine=engine) as here:
        answer = await here.post(image)
        assert answer.status in statuses
        assert answer.code in {1006, 1013}
        assert here.emulator.bill.totals.charges == 0
        assert (await here.post(picture())).status == 200


def open_files() -> int:
    """How many files this process has open; 0 where nobody says."""
    table = Path("/proc/self/fd")
    return len(list(table.iterdir())) if table.is_dir() else 0


async def talk(origin: str, *pieces: bytes, end: bool = False) -> bytes:
    """Say raw bytes and return all that is answered until the server closes or falls silent."""
    host, _, port = origin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    if end:
        writer.write_eof()
    answered = b""
    try:
        async with asyncio.timeout(1):
            while block := await reader.read(65536):
                answered += block
    except TimeoutError:
        pass
    writer.close()
    return answered


def head_of(length: int | str, *, more: str = "") -> bytes:
    return (
        f"POST /api/v2/remove-background HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\n"
        f"Content-Type: multipart/form-data; boundary=abc\r\nContent-Length: {length}\r\n{more}\r\n"
    ).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /api/v2/remove-background HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        head_of("many"),
        head_of(-5),
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["words", "tls", "version", "long line", "no length", "negative length", "two lengths"],
)
@pytest.mark.asyncio
async def test_what_is_no_http_is_answered_in_json(raw: bytes) -> None:
    async with lab() as here:
        answered = await talk(here.emulator.origin, raw)
        head, _, body = answered.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
        assert json.loads(body)["error"]["status"] == 400
        assert (await here.post(picture())).status == 200


@pytest.mark.asyncio
async def test_clients_that_vanish_in_the_middle_of_an_upload_leave_nothing_behind() -> None:
    start = b'--abc\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + picture() + bytes(400_000)
    async with lab() as here:
        before = open_files()
        host, _, port = here.emulator.origin.removeprefix("http://").partition(":")
        writers = []
        for _ in range(20):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(head_of(900_000) + start)
            writers.append(writer)
        await until(lambda: here.emulator.bill.totals.at_once == 20)
        for writer in writers:
            writer.transport.abort()
        await until(lambda: here.emulator.bill.totals.at_once == 0)
        totals = here.emulator.bill.totals
        assert (totals.client_left, totals.charges) == (20, 0)
        assert (await here.post(picture())).status == 200
        assert open_files() < before + 10


@pytest.mark.asyncio
async def test_an_upload_that_stands_still_is_ended() -> None:
    async with lab(upload_idle=0.2) as here:
        answered = await talk(here.emulator.origin, head_of(1000), b"--abc\r\n")
        assert b" 408 " in answered.partition(b"\r\n")[0]
        assert b'"status": 408' in answered


@pytest.mark.asyncio
async def test_a_broken_chunked_body_is_refused() -> None:
    head = head_of(1).replace(b"Content-Length: 1", b"Transfer-Encoding: chunked")
    async with lab() as here:
        answered = await talk(here.emulator.origin, head, b"zz\r\nnonsense\r\n")
        assert b" 400 " in answered.partition(b"\r\n")[0]
        assert b'"error"' in answered


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.asyncio
async def test_a_hundred_at_once_are_all_answered(engine: EngineName) -> None:
    async with lab(engine=engine, weather=Weather(latency=Latency(0.1))) as here:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(shade: int) -> int:
                data = form(picture(size=(80, 60), shade=shade))
                async with session.post(here.url, data=data, headers={"Authorization": basic()}) as reply:
                    await reply.read()
                    return reply.status

            assert await asyncio.gather(*map(one, range(100))) == [200] * 100
        totals = here.emulator.bill.totals
        assert (totals.charges, totals.delivered) == (100, 100)


@pytest.mark.asyncio
async def test_more_than_may_wait_are_told_to_come_back() -> None:
    async with lab(max_waiting=3, weather=Weather(latency=Latency(30))) as here:
        waiting = [asyncio.create_task(here.post(picture(shade=shade))) for shade in range(3)]
        await until(lambda: len(here.emulator.bill.images) == 3)
        refused = await asyncio.gather(*(here.post(picture(shade=shade)) for shade in range(3, 8)))
        assert [(answer.status, answer.code) for answer in refused] == [(503, -3)] * 5
        assert {answer.headers["Retry-After"] for answer in refused} == {"5"}
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.asyncio
async def test_an_early_answer_reaches_a_client_that_is_still_uploading() -> None:
    big = picture() + bytes(8_000_000)
    async with lab(api_id="a", api_secret="b") as here:
        for _ in range(3):
            answer = await here.post(big)
            assert (answer.status, answer.code) == (401, 1001)


@pytest.mark.asyncio
async def test_large_uploads_and_results_go_through_files() -> None:
    out = io.BytesIO()
    Image.effect_noise((1200, 900), 80).convert("RGB").save(out, "PNG")
    assert len(out.getvalue()) > 256 * 1024
    async with lab(engine=EngineName.PLAIN, spool_bytes=1024) as here:
        answer = await here.post(out.getvalue())
    assert answer.status == 200
    with Image.open(io.BytesIO(answer.body)) as image:
        image.load()
        assert image.size == (1200, 900)


@pytest.mark.asyncio
async def test_delivered_means_that_the_system_took_the_last_byte() -> None:
    start = b'--abc\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
    body = start + picture("PNG", (2900, 1900)) + b"\r\n--abc--\r\n"
    loop = asyncio.get_running_loop()
    async with lab() as here:
        host, _, port = here.emulator.origin.removeprefix("http://").partition(":")
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await loop.sock_connect(sock, (host, int(port)))
        await loop.sock_sendall(sock, head_of(len(body)))
        await until(lambda: here.emulator.bill.totals.at_once)
        # The answer (some 100 KB) must not fit into the system's buffers.
        assert here.emulator._runner is not None
        assert here.emulator._runner.server is not None
        (connection,) = here.emulator._runner.server.connections
        assert connection.transport is not None
        raw = connection.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await loop.sock_sendall(sock, body)
        await until(lambda: here.emulator.bill.totals.charges)
        assert await loop.sock_recv(sock, 12) == b"HTTP/1.1 200"
        sock.close()
        await until(lambda: here.emulator.bill.entries)
        visit = here.emulator.bill.entries[0]
        assert (visit.ready, visit.delivered, visit.client_left) == (True, False, True)


@pytest.mark.asyncio
async def test_serving_ends_when_it_is_cancelled() -> None:
    ready: asyncio.Future[Emulator] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with Emulator(EmulatorSettings(engine=EngineName.CANNED)) as emulator:
            ready.set_result(emulator)
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(serve())
    emulator = await ready
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": basic()}
        async with session.get(f"{emulator.url}/account", headers=headers) as reply:
            assert reply.status == 200
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"{emulator.url}/account", headers=headers)


@pytest.mark.parametrize(
    "weather",
    [Weather(latency=Latency(30)), Weather(script=(Fault.parse("stall_before_charge"),))],
    ids=["working", "stalling"],
)
@pytest.mark.asyncio
async def test_stopping_drops_what_is_under_way(weather: Weather) -> None:
    async with lab(weather=weather) as here:
        asking = asyncio.create_task(here.post(picture()))
        await until(lambda: here.emulator.bill.images)
        async with asyncio.timeout(5):
            await here.emulator.stop()
            await here.emulator.stop()
        with pytest.raises(aiohttp.ClientError):
            await asking
        assert here.emulator.bill.totals.charges == 0


@pytest.mark.asyncio
async def test_stopping_in_the_middle_of_the_work_leaves_no_file_open() -> None:
    before = open_files()
    async with lab(engine=EngineName.PLAIN, spool_bytes=100) as here:
        asking = asyncio.create_task(here.post(picture("BMP", (4000, 3000))))
        await until(lambda: here.emulator.bill.images)
        await here.emulator.stop()
        with suppress(aiohttp.ClientError):  # a fast machine may have answered
            await asking
    assert open_files() <= before


@pytest.mark.asyncio
async def test_a_port_that_is_taken_is_an_os_error() -> None:
    async with lab() as here:
        port = int(here.emulator.origin.rpartition(":")[2])
        second = Emulator(EmulatorSettings(engine=EngineName.CANNED), port=port)
        with pytest.raises(OSError, match=str(port)):
            await second.start()
