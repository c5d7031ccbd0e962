"""Claims: what keeps two workers from buying the same."""

from __future__ import annotations

import asyncio

from support import virtual
from support.records import key
from support.virtual import now

from pixian_batch.pipeline.claims import Claims


def test_one_image_is_in_one_hand_at_a_time() -> None:
    async def main() -> None:
        claims = Claims()
        holding: dict[int, int] = {1: 0, 2: 0}

        async def work(number: int) -> None:
            async with claims.hold(key(number)):
                holding[number] += 1
                assert holding[number] == 1
                try:
                    await asyncio.sleep(10)
                finally:
                    holding[number] -= 1

        impatient = [asyncio.ensure_future(work(1)) for _ in range(3)]
        tasks = [asyncio.ensure_future(work(1 + n % 2)) for n in range(6)]
        await asyncio.sleep(5)
        for task in impatient:
            task.cancel()
        await asyncio.gather(*tasks)
        assert now() == 35, "other images did not wait"
        assert claims == Claims(), "nothing is remembered of what is in no hand"

    virtual.run(main())
