"""How much is decoded at the same time: few pixels, in the order in which they came."""

from __future__ import annotations

import asyncio

import pytest

from pixian_batch.pipeline.pixel_room import PixelRoom

MEGA = 1_000_000


async def most_at_once(room: PixelRoom, sizes: list[int]) -> tuple[int, int, list[int]]:
    """The most pixels and the most photos that were decoded together, and the order in which they began."""
    now, began, most = list[int](), list[int](), (0, 0)

    async def decode(pixels: int) -> None:
        nonlocal most
        async with room.turn(pixels):
            now.append(pixels)
            began.append(pixels)
            most = max(most[0], sum(now)), max(most[1], len(now))
            for _ in range(5):
                await asyncio.sleep(0)
            now.remove(pixels)

    await asyncio.gather(*map(decode, sizes))
    return *most, began


@pytest.mark.asyncio
async def test_few_pixels_are_decoded_at_the_same_time() -> None:
    assert await most_at_once(PixelRoom(at_once=100), [12 * MEGA] * 40) == (24 * MEGA, 2, [12 * MEGA] * 40)
    assert (await most_at_once(PixelRoom(at_once=100), [MEGA] * 100))[:2] == (32 * MEGA, 32)
    assert (await most_at_once(PixelRoom(at_once=2), [MEGA] * 20))[:2] == (2 * MEGA, 2)


@pytest.mark.asyncio
async def test_a_large_one_is_decoded_alone_and_not_passed_by() -> None:
    sizes = [MEGA, 48 * MEGA, *[MEGA] * 9]
    pixels, _photos, began = await most_at_once(PixelRoom(at_once=100), sizes)
    assert (pixels, began) == (48 * MEGA, sizes)
