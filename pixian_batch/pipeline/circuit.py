"""The circuit breaker that every attempt passes: open, or (while the service fails for everyone) one probe at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.breaker import Breaker
    from pixian_batch.policy.verdict import Verdict

PROBE_INTERVAL: Final = 30.0
"""Seconds between two probes."""


class Circuit:
    """Holds the workers back while the breaker is tripped; raises the stop sign when it gives up."""

    def __init__(self, breaker: Breaker, stop: StopSign, *, probe_interval: float = PROBE_INTERVAL) -> None:
        self._breaker = breaker
        self._stop = stop
        self._interval = probe_interval
        self._probe = asyncio.Lock()
        self._failed_at = 0.0

    def is_tripped(self) -> bool:
        """Whether the service fails for everyone."""
        return self._breaker.tripped

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[bool]:
        """Around one attempt; gives False when the run stops before its turn came."""
        probing = await self._turn()
        try:
            yield not self._stop.up
        finally:
            if probing:
                self._probe.release()

    async def _turn(self) -> bool:
        """Wait for this attempt's turn; whether it is a probe, which holds the lock."""
        if not self.is_tripped():
            return False
        await self._probe.acquire()
        if not self.is_tripped():
            self._probe.release()
            return False
        await self._wait_for_probe()
        return True

    async def _wait_for_probe(self) -> None:
        """Until the next probe is due, the service is back, or the run stops."""
        due = self._failed_at + self._interval - asyncio.get_running_loop().time()
        if due > 0:
            await self._stop.rest(due)

    def seen(self, verdict: Verdict, *, last_words: str) -> None:
        """An attempt has ended; `last_words` say how, should it be the last straw."""
        now = asyncio.get_running_loop().time()
        self._breaker = self._breaker.seen(verdict, now)
        if not self._breaker.tripped:
            return
        self._failed_at = now
        if self._breaker.gives_up(now):
            minutes = self._breaker.give_up_after / 60
            self._stop.raise_(
                Stop(
                    Exit.SERVICE,
                    f"the service has failed for {minutes:.0f} min without a break; the last answer: {last_words}",
                    "run the same command again later: it goes on where it stopped",
                )
            )
