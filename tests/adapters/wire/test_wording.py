"""Whatever comes over the wire is told in our words; aiohttp's stay in the cause."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aiohttp
import pytest
from support.sessions import NONE, SMALL, get, wire
from support.wires import PNG, Connection, http, raw_server, refusing_port

from pixian_batch.adapters.wire.trace import Trace, WireError
from pixian_batch.adapters.wire.wording import words_for

if TYPE_CHECKING:
    from pixian_batch.adapters.wire.session import WireSession

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "no status line": (b"<html>hello</html>\r\n\r\n", "no answer in HTTP"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "no answer in HTTP"),
    "a status of letters": (b"HTTP/1.1 abc OK\r\n\r\n", "no answer in HTTP"),
    "a header without a colon": (b"HTTP/1.1 200 OK\r\nContent-Type\r\n\r\n", "no answer in HTTP"),
    "a long header": (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n", "is too long"),
    "two lengths": (http(headers="Content-Length: 7\r\n"), "no answer in HTTP"),
    "nothing": (b"", "closed from the other end"),
    "half a head": (b"HTTP/1.1 200 OK\r\nConte", "closed from the other end"),
    "less than announced": (http(PNG[:20], length=len(PNG)), "fewer bytes came than were announced"),
    "a chunk of no length": (CHUNKED + b"zz\r\nabc\r\n", "it is malformed"),
    "a chunk too long": (CHUNKED + b"3\r\nabcdef\r\n", "it is malformed"),
    "chunks without an end": (CHUNKED + b"3\r\nabc\r\n", "not of the lengths"),
}
THEIRS = re.compile(
    r"aiohttp|Client\w*Error|\[Errno|Bad ?Status|Payload|message=|Expected|Not enough|Server disconnected|"
    r"Cannot connect|TransferEncoding|b'|0x|\n"
)


async def error_of(client: WireSession) -> WireError:
    with pytest.raises(WireError) as caught:
        async with client.remove_background(SMALL, NONE, Trace()) as answer:
            await get(answer)
    assert caught.value.__cause__ is not None
    return caught.value


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ANSWERS)
async def test_a_malformed_answer(name: str) -> None:
    content, words = ANSWERS[name]

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.say(content)

    async with raw_server(script) as server, wire(server.url) as client:
        told = str(await error_of(client))
    assert words in told
    assert not THEIRS.search(told), told


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://pixian.invalid/api", "the name pixian.invalid is not known"),
        ("http://127.0.0.1:{port}/api", "127.0.0.1:{port} does not answer: Connection refused"),
    ],
)
async def test_nobody_there(url: str, words: str) -> None:
    with refusing_port() as port:
        async with wire(url.format(port=port)) as client:
            told = str(await error_of(client))
    assert told == words.format(port=port)


def test_what_nobody_thought_of_is_named_by_its_kind() -> None:
    assert words_for(aiohttp.ClientError("internal words")) == "the connection broke (ClientError)"
