"""Sessions with a raw server: one request, and the facts that are known of it afterwards."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from support.pictures import picture
from support.wires import PNG, Connection, Heard, http, raw_server

from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.adapters.wire.source import BytesSource, FileSource, Source
from pixian_batch.adapters.wire.trace import Trace, WireError
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


async def swallow(connection: Connection) -> None:
    await connection.request()
    await connection.gone()


async def never_read(connection: Connection) -> None:
    connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(3600)
