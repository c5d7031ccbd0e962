"""The stream of one item between two rooms."""

from __future__ import annotations

import asyncio

from support import virtual

from pixian_batch.pipeline.stream import Stream


def test_whoever_is_ahead_waits() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream()
        ahead: list[int] = []

        async def produce() -> None:
            for item in range(5):
                await stream.put(item)
                ahead.append(item)
            await stream.close()

        producing = asyncio.ensure_future(produce())
        await asyncio.sleep(100)
        assert ahead == [0], "one item waits, no more: memory does not grow with the inputs"
        assert [await stream.take() for _ in range(5)] == list(range(5))
        await producing
        assert [await stream.take() for _ in range(9)] == [None] * 9, "every consumer hears of the end"

    virtual.run(main())
