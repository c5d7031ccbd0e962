"""What is going on right now, kept up to date by the run and read by the displays."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pixian_batch.policy.outcome import Done, Ending, Skipped, SkipReason
from pixian_batch.policy.progress import Snapshot, eta
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from pixian_batch.pipeline.circuit import Circuit
    from pixian_batch.pipeline.pool import Pool
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.ramp import Ramp

_LATELY = 200
_SKIPPED = Skipped(SkipReason.DONE)


@dataclass(slots=True)
class Progress:
    """The state behind `Snapshot`."""

    ramp: Ramp
    stop: StopSign
    free: bool = False
    tally: Tally = field(default_factory=Tally)
    found: int = 0
    counted: bool = False
    pool: Pool[Any] | None = None
    circuit: Circuit | None = None
    credits_before: Decimal | None = None
    credits_ever: Decimal | None = None
    _began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _lately: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_LATELY))

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return asyncio.get_running_loop().time() - self._began

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        self.tally = self.tally.plus(ending)
        if isinstance(ending.outcome, Done) and ending.attempts:
            self._lately.append((self.elapsed, ending.seconds))

    def skipped(self, done: list[tuple[str, str]], out: str) -> Iterator[Ending]:
        """Many images that need no work: counted at once, told one by one only to who asks."""
        self.tally = self.tally.plus_skipped(len(done))
        return (Ending(path, os.path.join(out, *place.split("/")), _SKIPPED) for path, place in done)

    def snapshot(self) -> Snapshot:
        """The state now."""
        workers = self.pool.workers if self.pool else []
        resting = sum(worker.resting for worker in workers)
        elapsed, found = self.elapsed, max(self.found, self.tally.ended)
        charged = self.tally.credits_charged
        return Snapshot(
            elapsed=elapsed,
            tally=self.tally,
            found=found,
            counted=self.counted,
            workers=len(workers),
            busy=sum(worker.busy for worker in workers) - resting,
            resting=resting,
            cap=self.ramp.cap,
            next_worker=self.pool.next_opening if self.pool else None,
            per_second=self._per_second(elapsed),
            eta=eta(
                found - self.tally.ended, ramp=self.ramp, elapsed=elapsed, seconds_per_image=self._each()
            ),
            paused=self.circuit is not None and self.circuit.is_tripped(),
            stop=self.stop.stop,
            free=self.free,
            throttled=sum(worker.throttled for worker in workers),
            credits_ever=None if self.credits_before is None else self.credits_before + charged,
        )

    def _per_second(self, elapsed: float) -> float:
        """Images a second over the latest ones, at most a minute back."""
        recent = [at for at, _seconds in self._lately if at > elapsed - 60]
        return len(recent) / max(1e-3, elapsed - recent[0]) if len(recent) > 1 else 0.0

    def _each(self) -> float | None:
        """Mean seconds that an image keeps a worker, rests included."""
        return sum(seconds for _at, seconds in self._lately) / len(self._lately) if self._lately else None
