"""The circuit layer that every attempt passes: closed, or (while the service fails for everyone) one probe at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.progress import Outage
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from pixian_batch.pipeline.job import Job, Send
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.breaker import Breaker
    from pixian_batch.policy.reply import Reply

PROBE_INTERVAL: Final = 30.0
"""Seconds between two probes."""


@dataclass(slots=True, kw_only=True)
class Circuit:
    """Holds the workers back while the breaker is tripped; raises the stop sign when it gives up.

    idle: entered by who has to wait here; the worker is not in use meanwhile.
    """

    breaker: Breaker
    stop: StopSign
    send: Send
    idle: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext
    probe_interval: float = PROBE_INTERVAL
    on_trip: Callable[[ChangeReason], None] = lambda _reason: None
    """Told when an outage begins, and when it is over."""
    _probe: asyncio.Lock = field(default_factory=asyncio.Lock)
    _failed_at: float = 0.0
    latest: str = ""
    """What the service said when it failed last."""

    def outage(self) -> Outage | None:
        """Since when the service fails for everyone; None while it does not."""
        since = self.breaker.tripped_at
        return None if since is None else Outage(asyncio.get_running_loop().time() - since, self.latest)

    def is_tripped(self) -> bool:
        """Whether the service fails for everyone."""
        return self.breaker.tripped

    async def __call__(self, job: Job) -> Reply | None:
        """Send `job` when its turn has come; None when the run stops first."""
        async with self._passage():
            reply = None if self.stop.up else await self.send(job)
            if reply is not None:
                self._watch(reply)
            return reply

    @asynccontextmanager
    async def _passage(self) -> AsyncIterator[None]:
        """Around one attempt; that of a probe holds the lock."""
        probing = False
        while self.is_tripped() and not probing:
            async with self.idle():
                probing = await self._turn()
        try:
            yield
        finally:
            if probing:
                self._probe.release()

    async def _turn(self) -> bool:
        """Wait for this attempt's turn; whether it is a probe, which holds the lock."""
        await self._probe.acquire()
        if not self.is_tripped():
            self._probe.release()
            return False
        # Until the next probe is due, or the run stops.
        due = self._failed_at + self.probe_interval - asyncio.get_running_loop().time()
        if due > 0:
            await self.stop.rest(due)
        return True

    def _watch(self, reply: Reply) -> None:
        """Count an attempt that has ended; should it be the last straw, what it was answered is told."""
        now, before = asyncio.get_running_loop().time(), self.breaker.tripped
        self.breaker = self.breaker.seen(reply.verdict, now)
        if self.breaker.tripped != before:
            self.on_trip(ChangeReason.OUTAGE if self.breaker.tripped else ChangeReason.RESTORED)
        if not self.breaker.tripped:
            return
        self._failed_at = now
        self.latest = reply.problem.message if reply.problem else self.latest
        if self.breaker.gives_up(now):
            minutes = self.breaker.give_up_after / 60
            self.stop.raise_(
                Stop(
                    Exit.SERVICE,
                    f"the service has failed for {minutes:.0f} min without a break; the last answer: {self.latest}",
                    "run the same command again later: it goes on where it stopped",
                )
            )
