"""The client against servers that say exactly what a test wants: what leaves, and what is known afterwards.

The facts (`Trace`) decide about money, so each test ends with them.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import gzip
import os
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aioresponses import aioresponses
from support import virtual
from support.pictures import picture, put
from support.wires import PNG, Connection, Heard, http, raw_server, refusing_port

from pixian_batch.adapters.wire import upload
from pixian_batch.adapters.wire.session import WireSession, use_small_tls_buffers
from pixian_batch.adapters.wire.source import Base64Source, BytesSource, FileSource, Source, UrlSource
from pixian_batch.adapters.wire.trace import SourceChangedError, Trace, WireError
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.errors import ApiError
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params, params_from_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from pixian_batch.adapters.wire.answer import Answer

WHO = Credentials("the-id", "the-secret")
IMAGE = picture("jpg")
SMALL = BytesSource(IMAGE, Kind.JPEG)
NONE = Params()
BIG = 24 * 1024 * 1024
IDLE = 1.0
"""Seconds: short for who waits for it, and longer than a busy machine lets a request of ours wait."""
"""More than two sockets' buffers hold."""


def file_source(path: str, kind: Kind = Kind.JPEG) -> FileSource:
    found = os.stat(path)
    return FileSource(path, kind, (found.st_size, found.st_mtime_ns))


def wire(url: str, **options: Any) -> WireSession:
    return WireSession(WHO, api_url=url, **{"idle_timeout": 20.0, **options})


async def get(answer: Answer) -> bytes:
    return b"".join([block async for block in answer.blocks()])


async def fetch(
    url: str, source: Source = SMALL, params: Params = NONE, **options: Any
) -> tuple[bytes, Trace]:
    """One request; the body of its answer, and the facts."""
    trace = Trace()
    async with wire(url, **options) as client, client.remove_background(source, params, trace) as answer:
        return await get(answer), trace


async def broken(url: str, source: Source = SMALL, **options: Any) -> Trace:
    """One request that must end with a `WireError`; the facts."""
    trace = Trace()
    with pytest.raises(WireError) as caught:
        async with wire(url, **options) as client, client.remove_background(source, NONE, trace) as answer:
            await get(answer)
    assert str(caught.value)
    assert not isinstance(caught.value, aiohttp.ClientError)
    assert not trace.whole
    return trace


def saying(*answers: bytes) -> Callable[[Connection], Awaitable[None]]:
    """A script that answers each request in turn, then closes."""

    async def script(connection: Connection) -> None:
        for answer in answers:
            await connection.request()
            await connection.say(answer)

    return script


async def one_request(source: Source, params: Params = NONE) -> Heard:
    async with raw_server(saying(http())) as server:
        body, trace = await fetch(server.url, source, params)
    assert body == PNG
    assert (trace.possibly_complete, trace.status, trace.whole) == (True, 200, True)
    [heard] = server.heard
    return heard


# --- what leaves ---------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_head_of_a_request() -> None:
    heard = await one_request(SMALL)
    assert heard.line == "POST /api/v2/remove-background HTTP/1.1"
    assert heard["Authorization"] == "Basic dGhlLWlkOnRoZS1zZWNyZXQ="
    assert heard["User-Agent"].startswith("pixian-batch/")
    assert heard["Content-Type"].startswith("multipart/form-data; boundary=")
    assert heard["Content-Length"] == str(len(heard.body))
    assert not heard.all("Transfer-Encoding")
    assert not heard.all("Expect")
    assert heard["Accept-Encoding"] == "identity", "a compressed answer could not be read"


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 1023, 64 * 1024, 512 * 1024, 512 * 1024 + 1, 3_000_001])
async def test_a_file_arrives_byte_for_byte(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    heard = await one_request(file_source(put(tmp_path / "a photo.jpg", content)))
    [part] = heard.parts()
    assert part.get_payload(decode=True) == content
    assert part.get_content_type() == "image/jpeg"
    assert part.get_param("name", header="Content-Disposition") == "image"
    assert part.get_filename() == "image.jpg", "the user's file names are nobody's business"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", list(Kind))
async def test_the_kind_of_the_bytes_is_announced(kind: Kind) -> None:
    [part] = (await one_request(BytesSource(b"\r\n--x\r\n\0\xff", kind))).parts()
    assert part.get_content_type() == kind.media_type
    assert part.get_payload(decode=True) == b"\r\n--x\r\n\0\xff"


@pytest.mark.asyncio
async def test_parameters_are_fields_before_the_image() -> None:
    texts = [("test", "true"), ("background_color", "#ff0000"), ("margin", "5% 10px")]
    parts = (await one_request(SMALL, params_from_text(texts))).parts()
    names = [part.get_param("name", header="Content-Disposition") for part in parts]
    assert names[-1] == "image"
    said = dict(zip(names, [part.get_payload(decode=True) for part in parts], strict=True))
    assert said["test"] == b"true"
    assert said["background.color"] in {b"#ff0000", b"#FF0000"}
    assert said["result.margin"] == b"5% 10px"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        (UrlSource("https://host/a b.jpg?x=ü&y=1"), "image.url", "https://host/a b.jpg?x=ü&y=1".encode()),
        (Base64Source(b"\0\xff"), "image.base64", b"AP8="),
    ],
)
async def test_images_that_are_text(source: Source, name: str, value: bytes) -> None:
    [part] = (await one_request(source)).parts()
    assert part.get_param("name", header="Content-Disposition") == name
    assert part.get_payload(decode=True) == value


def test_base64_has_a_limit() -> None:
    with pytest.raises(ValueError, match="binary"):
        Base64Source(b"\0" * 800_000)


@pytest.mark.asyncio
async def test_a_connection_is_used_again() -> None:
    async with raw_server(saying(*[http()] * 3)) as server, wire(server.url) as client:
        for _ in range(3):
            async with client.remove_background(SMALL, NONE, Trace()) as answer:
                await get(answer)
    assert server.connections == 1


def test_the_secret_does_not_show() -> None:
    assert "the-secret" not in repr(WHO)
    assert "the-secret" not in f"{WHO}"


# --- the file is not the announced one -----------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("change", ["grown", "cut", "touched", "gone", "folder"])
async def test_a_file_that_changed_before_it_was_sent_is_never_sent(tmp_path: Path, change: str) -> None:
    path = put(tmp_path / "a.jpg", IMAGE)
    source = file_source(path)
    if change in {"gone", "folder"}:
        os.unlink(path)
    if change == "folder":
        (tmp_path / "a.jpg").mkdir()
    if change in {"grown", "cut"}:
        put(path, IMAGE + b"x" if change == "grown" else IMAGE[:-1])
    if change == "touched":
        os.utime(path, ns=(1, 1))
    received: list[bytes] = []

    async def script(connection: Connection) -> None:
        head = await connection.head()
        received.append(await connection.gone())
        assert len(received[0]) < int(head["Content-Length"])

    trace = Trace()
    async with raw_server(script) as server, wire(server.url) as client:
        with pytest.raises(SourceChangedError):
            async with client.remove_background(source, NONE, trace):
                pass
    assert trace == Trace(source_changed=True)


@pytest.mark.asyncio
@pytest.mark.parametrize("change", ["grown", "cut", "rewritten"])
async def test_a_file_that_changes_while_it_is_sent_is_never_completed(tmp_path: Path, change: str) -> None:
    path = put(tmp_path / "a.jpg", b"\0" * BIG)
    received = bytearray()
    announced = 0

    async def script(connection: Connection) -> None:
        nonlocal announced
        announced = int((await connection.head())["Content-Length"])
        received.extend(await connection.reader.readexactly(100_000))
        if change == "cut":
            os.truncate(path, BIG // 2)
        else:
            with open(path, "ab" if change == "grown" else "rb+") as stream:  # a test
                stream.write(b"\1")
        received.extend(await connection.gone())

    trace = Trace()
    async with raw_server(script) as server, wire(server.url) as client:
        with pytest.raises(SourceChangedError):
            async with client.remove_background(file_source(path), NONE, trace):
                pass
        assert len(received) < announced
        assert trace == Trace(source_changed=True)


# --- no answer -----------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_nobody_there() -> None:
    with refusing_port() as port:
        assert await broken(f"http://127.0.0.1:{port}/api") == Trace()


@pytest.mark.asyncio
async def test_no_such_host() -> None:
    assert await broken("https://host.invalid/api") == Trace()


@pytest.mark.asyncio
async def test_tls_to_a_server_that_speaks_none() -> None:
    async def script(connection: Connection) -> None:
        hello.append(await connection.reader.read(100))
        await connection.say(http())

    hello: list[bytes] = []
    async with raw_server(script) as server:
        assert await broken(server.url.replace("http:", "https:")) == Trace()
    assert b"POST" not in hello[0]


async def swallow(connection: Connection) -> None:
    await connection.request()
    await connection.gone()


async def never_read(connection: Connection) -> None:
    connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(3600)


@pytest.mark.asyncio
async def test_a_stalled_upload_is_given_up_and_was_never_complete() -> None:
    async with raw_server(never_read) as server:
        trace = await broken(server.url, BytesSource(b"\0" * BIG, Kind.JPEG), idle_timeout=IDLE)
    assert trace == Trace(possibly_complete=False)


@pytest.mark.asyncio
async def test_a_request_that_is_never_answered_may_have_been_charged() -> None:
    async with raw_server(swallow) as server:
        assert await broken(server.url, idle_timeout=IDLE) == Trace(possibly_complete=True)
    assert len(server.heard) == 1


@pytest.mark.asyncio
async def test_a_small_request_that_nobody_read_may_have_been_charged() -> None:
    async with raw_server(never_read) as server:
        assert await broken(server.url, idle_timeout=IDLE) == Trace(possibly_complete=True)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "after", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"\0\xff\r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n"]
)
@pytest.mark.parametrize("how", ["closed", "reset"])
async def test_broken_after_the_request(after: bytes, how: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.say(after)
        if how == "reset":
            connection.reset()

    async with raw_server(script) as server:
        assert await broken(server.url) == Trace(possibly_complete=True)
    assert len(server.heard) == 1, "never sent again by itself"


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["closed", "reset"])
async def test_broken_during_the_upload(how: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.reader.readexactly(1000)
        if how == "reset":
            connection.reset()

    async with raw_server(script) as server:
        trace = await broken(server.url, BytesSource(b"\0" * BIG, Kind.JPEG))
    assert trace == Trace(possibly_complete=False)
    assert server.connections == 1, "never sent again by itself"


@pytest.mark.asyncio
async def test_a_connection_that_died_while_it_was_kept_is_not_tried_again_by_itself() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.say(http())
        await connection.head()  # the second request begins
        connection.reset()

    async with raw_server(script) as server, wire(server.url) as client:
        async with client.remove_background(SMALL, NONE, Trace()) as answer:
            await get(answer)
        trace = Trace()
        with pytest.raises(WireError):
            async with client.remove_background(SMALL, NONE, trace):
                pass
        assert trace == Trace(possibly_complete=True)
    assert server.connections == 1


@pytest.mark.asyncio
async def test_abort_ends_everything_at_once_with_its_facts() -> None:
    async with raw_server(swallow) as server, wire(server.url) as client:
        traces = [Trace() for _ in range(5)]

        async def send(trace: Trace) -> None:
            async with client.remove_background(SMALL, NONE, trace):
                pass

        tasks = [asyncio.ensure_future(send(trace)) for trace in traces]
        async with asyncio.timeout(10):
            while len(server.heard) < 5:  # noqa: ASYNC110  # the script has no event
                await asyncio.sleep(0.01)
        client.abort()
        client.abort()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [(type(error), str(error)) for error in ended] == [(WireError, "stopped")] * 5
    assert traces == [Trace(possibly_complete=True)] * 5


@pytest.mark.asyncio
async def test_cancelling_is_not_swallowed() -> None:
    async with raw_server(swallow) as server, wire(server.url) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), client.remove_background(SMALL, NONE, Trace()):
                pass


# --- time, as it is ------------------------------------------------------------------------------


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


# --- answers that break off ----------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["closed", "reset", "silent"])
async def test_a_body_that_breaks_off_is_not_whole(how: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.say(http(length=len(PNG) + 10))
        if how == "reset":
            await asyncio.sleep(0.1)
            connection.reset()
        if how == "silent":
            await connection.gone()

    async with raw_server(script) as server:
        trace = await broken(server.url, idle_timeout=IDLE if how == "silent" else 20)
    assert trace == Trace(possibly_complete=True, status=200)


@pytest.mark.asyncio
@pytest.mark.parametrize("wait", [0, 0.1])
async def test_what_came_before_the_break_is_handed_over(wait: float) -> None:
    """Also when the break is known before the first byte was asked for."""
    got = b""
    trace = Trace()
    async with raw_server(saying(http(length=len(PNG) + 10))) as server, wire(server.url) as client:
        with pytest.raises(WireError, match="broke off"):  # noqa: PT012  # how much came before is the point
            async with client.remove_background(SMALL, NONE, trace) as answer:
                await asyncio.sleep(wait)
                async for block in answer.blocks():
                    got += block
    assert got == PNG


@pytest.mark.asyncio
async def test_more_bytes_than_announced_are_not_taken_for_the_image() -> None:
    async with raw_server(saying(http(length=10))) as server:
        trace = Trace()
        try:
            async with wire(server.url) as client, client.remove_background(SMALL, NONE, trace) as answer:
                assert await get(answer) == PNG[:10]
        except WireError:
            assert not trace.whole
    assert trace.possibly_complete


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


@pytest.mark.asyncio
async def test_chunked_answers() -> None:
    async with raw_server(saying(chunked(PNG[:7], PNG[7:]))) as server:
        body, trace = await fetch(server.url)
    assert (body, trace.whole) == (PNG, True)


@pytest.mark.asyncio
@pytest.mark.parametrize("end", [b"", b"10\r\nabc", b"zz\r\n"])
async def test_chunks_that_break_off(end: bytes) -> None:
    async with raw_server(saying(chunked(PNG, end=end))) as server:
        trace = await broken(server.url)
    assert (trace.possibly_complete, trace.whole) == (True, False)


@pytest.mark.asyncio
async def test_a_body_that_ends_with_its_connection() -> None:
    async with raw_server(saying(http(length=None))) as server:
        body, trace = await fetch(server.url)
    assert (body, trace.whole) == (PNG, True)


@pytest.mark.asyncio
async def test_a_compressed_body_is_not_unpacked() -> None:
    packed = gzip.compress(PNG)
    async with raw_server(saying(http(packed, headers="Content-Encoding: gzip\r\n"))) as server:
        body, _trace = await fetch(server.url)
    assert body == packed, "bytes are kept as they came"


@pytest.mark.asyncio
async def test_an_answer_before_the_upload_is_complete() -> None:
    said = b'{"error":{"status":413,"code":1,"message":"too large"}}'

    async def script(connection: Connection) -> None:
        await connection.head()
        await connection.reader.readexactly(1000)
        await connection.say(http(said, "413 Payload Too Large", kind="application/json"))
        await connection.gone()

    trace = Trace()
    async with raw_server(script) as server, wire(server.url) as client:
        async with client.remove_background(BytesSource(b"\0" * BIG, Kind.JPEG), NONE, trace) as answer:
            error = await answer.error()
        assert (answer.status, error.message) == (413, "too large")
        assert trace == Trace(possibly_complete=False, status=413, whole=True)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "headers", ["".join(f"X-{n}: {n}\r\n" for n in range(5000)), "X-A: " + "a" * 100_000 + "\r\n"]
)
async def test_absurd_headers_are_an_error_of_the_wire(headers: str) -> None:
    async with raw_server(saying(http(headers=headers))) as server:
        assert await broken(server.url) == Trace(possibly_complete=True)


@pytest.mark.asyncio
async def test_errors_are_read_as_far_as_they_come() -> None:
    said = b'{"error":{"status":400,"code":7,"message":"no image"}}'
    huge = b"<html>" + b"x" * 3_000_000
    for answer, expected in (
        (http(said, "400 Bad Request", kind="application/json"), "no image"),
        (http(said, "400 Bad Request", kind="application/json", length=9999), "no image"),
        (http(huge, "502 Bad Gateway", kind="text/html"), ""),
    ):
        async with raw_server(saying(answer)) as server, wire(server.url) as client:
            async with client.remove_background(SMALL, NONE, Trace()) as got:
                error = await got.error()
            assert isinstance(error, ApiError)
            assert expected in error.message


# --- redirects -----------------------------------------------------------------------------------


def elsewhere(target: str, status: str = "307 Temporary Redirect") -> bytes:
    return http(b"", status, headers=f"Location: {target}\r\n", kind="text/plain")


@pytest.mark.asyncio
@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_within_the_service_is_followed_with_a_fresh_body(
    tmp_path: Path, status: str
) -> None:
    path = put(tmp_path / "a.jpg", IMAGE)

    async def script(connection: Connection) -> None:
        while True:
            heard = await connection.request()
            await connection.say(http() if "moved" in heard.line else elsewhere("/moved/here?x=1", status))

    async with raw_server(script) as server:
        body, trace = await fetch(server.url, file_source(path))
    assert (body, trace.whole) == (PNG, True)
    assert [heard.line.split(" ")[1] for heard in server.heard] == [
        "/api/v2/remove-background",
        "/moved/here?x=1",
    ]
    assert [heard.parts()[0].get_payload(decode=True) for heard in server.heard] == [IMAGE, IMAGE]
    assert server.heard[1]["Authorization"]


@pytest.mark.asyncio
@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
async def test_a_redirect_to_another_origin_is_never_followed(status: str) -> None:
    async with raw_server(saying(http())) as other:
        for target in (
            other.url,
            other.url.replace("127.0.0.1", "localhost"),
            f"//127.0.0.1:{other.url.split(':')[2]}",
            other.url.replace("http:", "https:"),
            "http://the-id:the-secret@" + other.url.split("//")[1],
        ):
            async with raw_server(saying(elsewhere(target, status))) as server, wire(server.url) as client:
                trace = Trace()
                async with client.remove_background(SMALL, NONE, trace) as answer:
                    assert str(answer.status) == status[:3]
                assert trace.status == answer.status
    assert other.heard == []
    assert other.connections == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("target", ["https://[", "", "http://host:99999/", "\x80", "/same"])
async def test_odd_redirects_end(target: str) -> None:
    async def script(connection: Connection) -> None:
        for _ in range(10):
            await connection.request()
            await connection.say(elsewhere(target))

    async with (
        raw_server(script) as server,
        wire(server.url) as client,
        client.remove_background(SMALL, NONE, Trace()) as answer,
    ):
        assert answer.status == 307
    assert 1 <= len(server.heard) <= 4


@pytest.mark.asyncio
async def test_after_a_redirect_the_facts_are_those_of_the_last_request() -> None:
    async def script(connection: Connection) -> None:
        if server.connections == 1:
            await connection.request()
            await connection.say(elsewhere("/again"))
        else:
            await connection.head()
            await connection.reader.readexactly(1000)
            connection.reset()

    async with raw_server(script) as server:
        trace = await broken(server.url, BytesSource(b"\0" * BIG, Kind.JPEG))
    assert trace == Trace(possibly_complete=False)


# --- proxies -------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Heard] = []

    async def script(connection: Connection) -> None:
        asked.append(await connection.head())
        await connection.say(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(script) as proxy:
        address = proxy.url.removesuffix("/api/v2")
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("HTTP_PROXY", address)
        assert await broken("https://pixian.invalid/api") == Trace()
        [heard] = asked
        assert heard.line.startswith("CONNECT pixian.invalid:443")
        assert not heard.all("Authorization"), "the proxy learns no credentials"
        monkeypatch.setenv("NO_PROXY", "pixian.invalid")
        assert await broken("https://pixian.invalid/api") == Trace()
        async with raw_server(saying(http())) as server:
            body, _trace = await fetch(server.url)
        assert body == PNG, "our own emulator is never asked for through a proxy"
    assert len(asked) == 1


# --- scripted answers ----------------------------------------------------------------------------

URL = "https://pixian.test/api/v2"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "reset"),
        aiohttp.ClientPayloadError("cut"),
        aiohttp.ServerTimeoutError("slow"),
        aiohttp.InvalidURL("x"),
        OSError("odd"),
        ValueError("odd"),
    ],
)
async def test_no_exception_of_a_library_leaves(error: Exception) -> None:
    with aioresponses() as scripted:
        scripted.get(f"{URL}/account", exception=error)
        async with wire(URL) as client:
            with pytest.raises(WireError) as caught:
                await client.account()
    assert caught.value.__cause__ is error


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "credits_left"),
    [
        ('{"creditPack":"Small","state":"active","credits":12.50,"useBefore":"2027-01-01"}', "12.50"),
        ('{"credits":"0.1"}', "0.1"),
        ('{"credits":null}', None),
        ("{}", None),
        ("[1]", None),
        ("<html>", None),
        ("", None),
    ],
)
async def test_accounts_of_all_kinds(body: str, credits_left: str | None) -> None:
    with aioresponses() as scripted:
        scripted.get(f"{URL}/account", body=body)
        async with wire(URL) as client:
            account = await client.account()
    assert not isinstance(account, ApiError)
    assert account.credits == (None if credits_left is None else Decimal(credits_left))


@pytest.mark.asyncio
async def test_an_account_that_is_refused() -> None:
    with aioresponses() as scripted:
        scripted.get(f"{URL}/account", status=401, payload={"error": {"status": 401, "message": "who?"}})
        async with wire(URL) as client:
            account = await client.account()
    assert isinstance(account, ApiError)
    assert (account.status, account.message) == (401, "who?")


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["7", "0", "Wed, 21 Oct 2099 07:28:00 GMT", "soon", "-3"])
async def test_retry_after(value: str) -> None:
    said = http(b"", "429 Too Many Requests", headers=f"Retry-After: {value}\r\n")
    async with (
        raw_server(saying(said)) as server,
        wire(server.url) as client,
        client.remove_background(SMALL, NONE, Trace()) as answer,
    ):
        wait = answer.retry_after
    assert wait is None or wait >= 0
    assert (wait == 7) == (value == "7")


@pytest.mark.asyncio
async def test_credentials_are_probed_without_an_image() -> None:
    async with (
        raw_server(saying(http(b"{}", "400 Bad Request", kind="application/json"))) as server,
        wire(server.url) as client,
        client.probe_credentials(Trace()) as answer,
    ):
        assert answer.status == 400
    [heard] = server.heard
    assert heard.line == "POST /api/v2/remove-background HTTP/1.1"
    assert heard["Authorization"]
    assert len(heard.body) < 100


@pytest.mark.asyncio
async def test_a_wire_that_was_not_opened_says_so() -> None:
    with pytest.raises(RuntimeError, match="context manager"):
        async with wire(URL).remove_background(SMALL, NONE, Trace()):
            pass
