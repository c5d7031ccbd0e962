"""Images in somebody's hand: two workers never send the same bytes at the same time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pixian_batch.policy.record import Key


@dataclass(slots=True)
class Claims:
    """A lock for every key that somebody holds or waits for, and nothing of the others."""

    _locks: dict[Key, tuple[asyncio.Lock, int]] = field(default_factory=dict)

    def held(self, key: Key) -> bool:
        """Whether somebody has `key`, or waits for it."""
        return key in self._locks

    @asynccontextmanager
    async def hold(self, key: Key) -> AsyncIterator[None]:
        """Wait until nobody else has `key`, and hold it."""
        lock, waiting = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(key)
            if waiting > 1:
                self._locks[key] = (lock, waiting - 1)
