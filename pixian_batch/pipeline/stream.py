"""A stream of one item between two rooms: whoever is ahead waits, so memory does not grow."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Stream(Generic[T]):
    """One producer side, any number of consumers. `take` gives None after `close`."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[T | None] = asyncio.Queue(maxsize=1)

    async def put(self, item: T) -> None:
        """Hand an item over; waits while the last one has not been taken."""
        await self._queue.put(item)

    async def close(self) -> None:
        """Nothing more will come."""
        await self._queue.put(None)

    async def take(self) -> T | None:
        """The next item, or None when the stream has ended."""
        item = await self._queue.get()
        if item is None:
            self._queue.put_nowait(None)  # for the next consumer; there is room, we have just taken it
        return item
