"""Answers: whole, broken off, packed, scripted; what is known of each afterwards."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
from decimal import Decimal

import aiohttp
import pytest
from aioresponses import aioresponses
from support.sessions import BIG, IDLE, NONE, SMALL, broken, fetch, get, saying, wire
from support.wires import PNG, Connection, http, raw_server

from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.adapters.wire.trace import Trace, WireError
from pixian_batch.contract.errors import ApiError
from pixian_batch.contract.kinds import Kind


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
