"""Bounds how many pixels are decoded at the same time, and so the memory that a run takes. Decodes nothing.

Proved by tests/pipeline/test_pixel_room.py.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PIXELS_AT_ONCE: Final = 32_000_000
"""Decoded at the same time at most; a picture that is larger alone is decoded alone. Of up to 16 bytes each."""


@dataclass(slots=True)
class PixelRoom:
    """`async with room.turn(pixels)`: one picture for each processor at most, and few pixels of all together."""

    at_once: int = field(default_factory=lambda: os.cpu_count() or 1)
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)
    _left: asyncio.Event = field(default_factory=asyncio.Event)
    _inside: list[int] = field(default_factory=list)
    """The pixels of each picture that has its turn."""

    @asynccontextmanager
    async def turn(self, pixels: int) -> AsyncIterator[None]:
        """First come, first served: a large picture is not passed by for ever."""
        async with self._line:
            while self._inside and not self._fits(pixels):
                self._left.clear()
                await self._left.wait()
            self._inside.append(pixels)
        try:
            yield
        finally:
            self._inside.remove(pixels)
            self._left.set()

    def _fits(self, pixels: int) -> bool:
        return len(self._inside) < self.at_once and sum(self._inside) + pixels <= _PIXELS_AT_ONCE
