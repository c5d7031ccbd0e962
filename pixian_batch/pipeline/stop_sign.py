"""One sign for all: nothing new may be sent. Raised once, softly or hard; everybody who waits sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pixian_batch.policy.stopping import Stop, graver

if TYPE_CHECKING:
    from collections.abc import Callable


class StopSign:
    """Softly: what is in flight lands. Hard: what is in flight is given up, `on_hard` is called. `on_up`: at the first."""

    def __init__(self) -> None:
        self.stop: Stop | None = None
        self.hard = False
        self.on_up: Callable[[], None] = lambda: None
        self.on_hard: Callable[[], None] = lambda: None
        self._raised = asyncio.Event()

    @property
    def up(self) -> bool:
        """Whether nothing new may be sent."""
        return self.stop is not None

    def raise_(self, stop: Stop) -> None:
        """Stop softly. The gravest reason is the one that is told."""
        first = not self.up
        self.stop = graver(self.stop, stop)
        self._raised.set()
        if first:
            self.on_up()

    def raise_hard(self, stop: Stop) -> None:
        """Stop now."""
        self.raise_(stop)
        if not self.hard:
            self.hard = True
            self.on_hard()

    async def rest(self, seconds: float) -> bool:
        """Wait; False when the sign went up meanwhile, and the wait was cut short."""
        try:
            async with asyncio.timeout(seconds):
                await self._raised.wait()
        except TimeoutError:
            return True
        return False

    async def wait(self) -> Stop:
        """Wait for the sign."""
        await self._raised.wait()
        assert self.stop is not None  # noqa: S101  # set just before the event
        return self.stop
