"""A result that a proxy has packed is unpacked as it comes; a bomb is refused, and what came of it is kept."""

from __future__ import annotations

import gzip
import random
import zlib
from typing import TYPE_CHECKING

import pytest
from support.sessions import NONE, SMALL, fetch, saying, wire
from support.wires import PNG, http, raw_server

from pixian_batch.adapters.wire import unpacking
from pixian_batch.adapters.wire.exchange import MemorySink, exchange
from pixian_batch.adapters.wire.unpacking import PackedError, Unpacker
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = random.Random(1).randbytes(700_001)  # noqa: S311  # any bytes


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("step", [1, 7, 4096, 10**9])
@pytest.mark.parametrize("content", [PNG, LARGE], ids=["png", "large"])
@pytest.mark.parametrize(
    ("name", "packed"), [*PACKERS.items(), ("deflate", raw_deflate)], ids=lambda value: str(value)[:20]
)
def test_whatever_the_steps_in_which_it_comes(
    name: str, packed: Callable[[bytes], bytes], content: bytes, step: int
) -> None:
    wrapped, unpacker = packed(content), Unpacker(name)
    steps = max(step, len(wrapped) // 5000)
    parts = [part for at in range(0, len(wrapped), steps) for part in unpacker.feed(wrapped[at : at + steps])]
    assert b"".join([*parts, *unpacker.end()]) == content


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_a_body_that_a_proxy_has_unpacked_itself(name: str) -> None:
    unpacker = Unpacker(name)
    assert b"".join([*unpacker.feed(PNG), *unpacker.end()]) == PNG


@pytest.mark.parametrize(
    "content", [gzip.compress(PNG)[:-9], b"\x1f\x8b" + b"nonsense" * 9], ids=["cut", "broken"]
)
def test_what_cannot_be_unpacked(content: bytes) -> None:
    unpacker = Unpacker("gzip")
    with pytest.raises(PackedError):
        _ = [*unpacker.feed(content), *unpacker.end()]


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["gzip", "deflate"])
async def test_a_packed_result_is_delivered(name: str) -> None:
    answer = http(PACKERS[name](PNG), headers=f"Content-Encoding: {name}\r\n")
    async with raw_server(saying(answer)) as server:
        body, trace = await fetch(server.url)
    assert body == PNG
    assert trace.whole


@pytest.mark.asyncio
async def test_a_bomb_is_refused_and_what_came_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST", 1 << 20)
    answer = http(gzip.compress(PNG + bytes(64 << 20)), headers="Content-Encoding: gzip\r\n")
    sink = MemorySink()
    async with raw_server(saying(answer)) as server, wire(server.url) as client:
        reply = await exchange(client, SMALL, NONE, sink)
    assert reply.verdict is Verdict.LOST
    assert reply.problem is not None
    assert reply.problem.message == "the answer unpacks to more than 1 MB: no image does"
    assert len(PNG) < len(sink.content) <= 1 << 20
    assert sink.content.startswith(PNG)


@pytest.mark.asyncio
async def test_what_we_cannot_unpack_is_named(subtests: pytest.Subtests) -> None:
    for name in ("br", "zstd", "gzip, gzip"):
        with subtests.test(name=name):
            answer = http(b"\x0b\x05\x80" + bytes(40), headers=f"Content-Encoding: {name}\r\n")
            async with raw_server(saying(answer)) as server, wire(server.url) as client:
                reply = await exchange(client, SMALL, NONE, MemorySink())
            assert reply.verdict is Verdict.LOST
            assert reply.problem is not None
            assert f"packed with {name}" in reply.problem.message


@pytest.mark.asyncio
async def test_a_result_of_another_size_than_announced_is_a_warning(subtests: pytest.Subtests) -> None:
    for told, warned in (("8 6", 0), ("9 9", 1)):
        with subtests.test(told=told):
            answer = http(headers=f"X-Result-Size: {told}\r\n")
            async with raw_server(saying(answer)) as server, wire(server.url) as client:
                reply = await exchange(client, SMALL, NONE, MemorySink())
            assert reply.verdict is Verdict.DELIVERED
            assert reply.headers is not None
            found = [warning for warning in reply.headers.warnings if warning.startswith("the result is")]
            assert len(found) == warned
