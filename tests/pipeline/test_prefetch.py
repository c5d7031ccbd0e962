"""The walk ahead: nothing that was found waits, little is held, and both sides end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from pixian_batch.adapters.walking import BATCH, Batch, FoundUrl, Trouble, Walked
from pixian_batch.pipeline.prefetch import Prefetch

if TYPE_CHECKING:
    from collections.abc import Iterator


def batch(size: int) -> Batch:
    return Batch("in", "", [f"{number}.jpg" for number in range(size)])


async def everything(prefetch: Prefetch) -> list[list[Walked]]:
    groups = []
    while group := await asyncio.to_thread(prefetch.take):
        groups.append(group)
    return groups


@pytest.mark.asyncio
async def test_all_comes_in_order_and_then_nothing() -> None:
    walk: list[Walked] = [
        batch(3),
        FoundUrl("http://x", "x"),
        Trouble("p", "c", "m", "h"),
        *map(batch, range(50)),
    ]
    prefetch = Prefetch(iter(walk))
    assert [item for group in await everything(prefetch) for item in group] == walk
    assert prefetch.take() == []


@pytest.mark.asyncio
async def test_what_was_found_does_not_wait_for_what_comes_next() -> None:
    silent = threading.Event()

    def walk() -> Iterator[Walked]:
        yield batch(1)
        silent.wait()

    prefetch = Prefetch(walk())
    try:
        assert await asyncio.wait_for(asyncio.to_thread(prefetch.take), 10) == [batch(1)]
    finally:
        silent.set()
    assert prefetch.take() == []


@pytest.mark.asyncio
async def test_it_never_goes_further_ahead_than_a_batch_and_one() -> None:
    seen: list[int] = []
    there = threading.Event()

    def walk() -> Iterator[Walked]:
        for number in range(10):
            seen.append(number)
            if number == 2:  # the second one has been put down, and there is no room for this one
                there.set()
            yield batch(BATCH - 1)

    prefetch = Prefetch(walk())
    assert await asyncio.to_thread(there.wait, 10)
    threading.Event().wait(0.05)
    assert seen == [0, 1, 2]
    prefetch.close()


@pytest.mark.asyncio
async def test_many_small_folders_come_together() -> None:
    """Those that were found while nobody asked."""
    walked = threading.Event()

    def walk() -> Iterator[Walked]:
        for _ in range(100):
            yield batch(10)
        walked.set()

    prefetch = Prefetch(walk())
    assert await asyncio.to_thread(walked.wait, 10)
    assert len(await everything(prefetch)) == 1


@pytest.mark.asyncio
async def test_an_error_comes_after_what_was_found_before_it() -> None:
    def walk() -> Iterator[Walked]:
        yield batch(1)
        raise OSError("gone")

    prefetch = Prefetch(walk())
    assert await asyncio.to_thread(prefetch.take) == [batch(1)]
    with pytest.raises(OSError, match="gone"):
        await asyncio.to_thread(prefetch.take)


@pytest.mark.asyncio
async def test_closed_it_walks_no_further_and_its_thread_ends() -> None:
    prefetch = Prefetch(batch(BATCH) for _ in range(1_000_000))
    prefetch.take()
    prefetch.close()
    await asyncio.to_thread(prefetch._thread.join, 30)
    assert not prefetch._thread.is_alive()
