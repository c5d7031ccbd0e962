"""The session: connections that fail, redirects, proxies; whether the request may have been complete."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
from typing import TYPE_CHECKING

import pytest
from support.pictures import put
from support.wires import PNG, Connection, Heard, http, raw_server, refusing_port

from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.adapters.wire.trace import StoppedError, Trace, WireError, WireFact
from pixian_batch.contract.kinds import Kind

if TYPE_CHECKING:
    from pathlib import Path

from support.sessions import (
    BIG,
    IDLE,
    IMAGE,
    NONE,
    SMALL,
    broken,
    fetch,
    file_source,
    get,
    never_read,
    saying,
    swallow,
    wire,
)


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
        assert trace == Trace(possibly_complete=True, reused=True)
    assert server.connections == 1


async def answers_once(connection: Connection) -> None:
    """A gateway that closes a kept connection as soon as something new comes on it."""
    await connection.request()
    await connection.say(http())
    await connection.reader.readexactly(1)
    connection.reset()


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, BIG], ids=["whole requests", "long uploads"])
async def test_after_two_deaths_of_kept_connections_none_is_kept(size: int) -> None:
    source = BytesSource(IMAGE + b"\0" * size, Kind.JPEG)
    told: list[WireFact] = []
    lost: list[Trace] = []
    async with raw_server(answers_once) as server, wire(server.url) as client:
        client.on_fact = told.append
        for _number in range(12):
            trace = Trace()
            try:
                async with client.remove_background(source, NONE, trace) as answer:
                    await get(answer)
            except WireError:
                assert trace.reused
                lost.append(trace)
            assert trace.whole or trace in lost
    assert [trace.possibly_complete for trace in lost] == [size == 1] * 2
    assert told == [WireFact.NO_KEEPING]
    assert len(server.heard) == 10


@pytest.mark.asyncio
async def test_a_wait_that_is_cut_short_is_told_once() -> None:
    busy = http(b"", "429 Too Many Requests", headers="Retry-After: 86400\r\n")
    told: list[WireFact] = []
    async with raw_server(saying(busy, busy)) as server, wire(server.url) as client:
        client.on_fact = told.append
        for _number in range(2):
            async with client.remove_background(SMALL, NONE, Trace()) as answer:
                assert answer.retry_after == 3600
                await answer.error()
    assert told == [WireFact.LONG_WAIT]


@pytest.mark.asyncio
async def test_a_new_connection_that_dies_is_no_reason_to_keep_none() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async with raw_server(script) as server, wire(server.url) as client:
        client.on_fact = lambda fact: pytest.fail(fact.value)
        for _number in range(4):
            trace = Trace()
            with pytest.raises(WireError):
                async with client.remove_background(SMALL, NONE, trace):
                    pass
            assert not trace.reused


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
    assert [(type(error), str(error)) for error in ended] == [
        (StoppedError, "given up at the second signal, before its answer came")
    ] * 5
    assert traces == [Trace(possibly_complete=True)] * 5


@pytest.mark.asyncio
async def test_cancelling_is_not_swallowed() -> None:
    async with raw_server(swallow) as server, wire(server.url) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), client.remove_background(SMALL, NONE, Trace()):
                pass


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
    assert not trace.possibly_complete
    assert trace.status is None


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
