"""The idle timeout: an exchange ends when no byte has moved in either direction for so long."""

from __future__ import annotations

import asyncio


class IdleClock:
    """Ends the exchange when no byte has moved, in either direction, for `limit` seconds.

    A moved byte only leaves its time behind: the timer looks at it when it rings, and is not set anew for
    each of the thousands of blocks of a large photo.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._latest = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.timeout = asyncio.timeout(None)
        self.aborted = False

    def start(self) -> None:
        """From now on, inside `timeout`, bytes have to move."""
        self._latest = self._loop.time()
        self._timer = self._loop.call_at(self._latest + self._limit, self._look)

    def stop(self) -> None:
        """The exchange is over."""
        if self._timer is not None:
            self._timer.cancel()

    def moved(self) -> None:
        """A byte moved."""
        self._latest = self._loop.time()

    def abort(self) -> None:
        """End the exchange now: the same way out, so that its facts are kept."""
        self.aborted = True
        self._ring()

    def _look(self) -> None:
        due = self._latest + self._limit
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._ring()

    def _ring(self) -> None:
        if not self.timeout.expired():
            self.timeout.reschedule(self._loop.time())
