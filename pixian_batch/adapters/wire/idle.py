"""The idle timeout: an exchange ends when no byte has moved in either direction for so long.

Only time in which this process ran counts: what the service said while we were stopped (Ctrl-Z), asleep with
the machine or held up is still in the socket, and may have been paid for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

_STEP: Final = 1.0
"""Seconds from one look to the next: of a pause at most so much is taken for silence."""
_TURNS: Final = 5
"""Turns of the loop that what lies in a socket needs, at the most, until it is seen as a movement."""


@dataclass(slots=True)
class Traffic:
    """Bytes of bodies that have moved, in all exchanges of a session: what is sent again counts again."""

    up: int = 0
    down: int = 0


class IdleClock:
    """Ends the exchange when no byte has moved, in either direction, for `limit` seconds.

    A moved byte only leaves its time behind: the timer looks at it when it rings, and is not set anew for
    each of the thousands of blocks of a large photo.
    """

    def __init__(self, limit: float, traffic: Traffic | None = None) -> None:
        self._limit = limit
        self._traffic = traffic or Traffic()
        self._loop = asyncio.get_running_loop()
        self._latest = self._next_look = self._loop.time()
        self._timer: asyncio.Handle | None = None
        self.timeout = asyncio.timeout(None)
        self.aborted = False

    def start(self) -> None:
        """From now on, inside `timeout`, bytes have to move."""
        self.moved()
        self._wait()

    def stop(self) -> None:
        """The exchange is over."""
        if self._timer is not None:
            self._timer.cancel()

    def moved(self, *, up: int = 0, down: int = 0) -> None:
        """So many bytes of a body moved, or some of a head."""
        self._latest = self._loop.time()
        self._traffic.up += up
        self._traffic.down += down

    def abort(self) -> None:
        """End the exchange now: the same way out, so that its facts are kept."""
        self.aborted = True
        self._ring()

    def _wait(self) -> None:
        self._next_look = min(self._latest + self._limit, self._loop.time() + _STEP)
        self._timer = self._loop.call_at(self._next_look, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        # A timer that is late says for how long nothing could be heard.
        self._latest = min(now, self._latest + max(0.0, now - self._next_look))
        self._let_in(_TURNS)

    def _let_in(self, turns: int) -> None:
        """Before it rings, what is readable is read: the timer's turn comes before that of who waits for a byte."""
        if self._loop.time() < self._latest + self._limit:
            self._wait()
        elif turns:
            self._timer = self._loop.call_soon(self._let_in, turns - 1)
        else:
            self._ring()

    def _ring(self) -> None:
        if not self.timeout.expired():
            self.timeout.reschedule(self._loop.time())
