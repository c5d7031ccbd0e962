"""Every ending is counted here, once, and told to the watcher; what is going on right now is read from here."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pixian_batch.policy.left_out import LeftOut
from pixian_batch.policy.outcome import Done, Ending, Failed, Skipped, SkipReason
from pixian_batch.policy.progress import Level, Message, Snapshot
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.pipeline.circuit import Circuit
    from pixian_batch.pipeline.pool import Pool
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.progress import Watcher
    from pixian_batch.policy.ramp import Ramp

_LATELY = 200


@dataclass(slots=True, kw_only=True)
class Progress:
    """The state behind `Snapshot`. out: the output folder, of which the places of results are parts."""

    ramp: Ramp
    stop: StopSign
    watcher: Watcher
    out: str = ""
    free: bool = False
    tally: Tally = field(default_factory=Tally)
    problems: Counter[str] = field(default_factory=Counter)
    """Failures by their message."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """Of the walk that has ended first, or so far."""
    found: int = 0
    counted: bool = False
    pool: Pool[Any] | None = None
    circuit: Circuit | None = None
    credits_before: Decimal | None = None
    credits_ever: Decimal | None = None
    _recovered: set[str] = field(default_factory=set)
    """Outputs of images that ended in this run before they were found in it: each ends only once."""
    _told_left_out: bool = False
    _began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _lately: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_LATELY))

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return asyncio.get_running_loop().time() - self._began

    def passed_by(self, left_out: LeftOut) -> None:
        """A walk has ended: say, once, what it has left out."""
        if not self._told_left_out:
            self._told_left_out, self.left_out = True, left_out
            for text, hint in left_out.sentences():
                self.watcher.notify(Message(Level.INFO, text, hint))

    def recovered(self, ending: Ending) -> None:
        """An image of an interrupted run was finished; when it is found, it is done already."""
        self.ended(ending)
        self._recovered.add(ending.output or "")

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        if isinstance(ending.outcome, Skipped) and self._was_told(ending.output):
            return
        self.tally = self.tally.plus(ending)
        match ending.outcome:
            case Done() if ending.attempts:
                self._lately.append((self.elapsed, ending.seconds))
            case Failed(problem):
                self.problems[problem.message] += 1
            case _:
                pass
        self.watcher.ended(ending)

    def skipped(self, done: list[tuple[str, str]], reason: SkipReason = SkipReason.DONE) -> None:
        """Many images that need no work, (input, place): counted at once, told one by one only to who asks."""
        if self._recovered:
            done = [item for item in done if not self._was_told(self._output(item[1]))]
        self.tally = self.tally.plus_skipped(len(done), reason)
        # A million endings of a run that has nothing to do are only made for who writes each one down.
        if self.watcher.tells_skipped:
            skipped = Skipped(reason)
            for path, place in done:
                self.watcher.ended(Ending(path, self._output(place), skipped))

    def _was_told(self, output: str | None) -> bool:
        if output not in self._recovered:
            return False
        self._recovered.discard(output or "")
        return True

    def _output(self, place: str) -> str:
        return os.path.join(self.out, *place.split("/"))

    def snapshot(self) -> Snapshot:
        """The state now."""
        workers = self.pool.workers if self.pool else []
        resting = sum(worker.resting for worker in workers)
        elapsed, found = self.elapsed, max(self.found, self.tally.ended)
        allowed, next_step = (self.pool.allowed, self.pool.next_step) if self.pool else (0, None)
        return Snapshot(
            elapsed=elapsed,
            tally=self.tally,
            found=found,
            counted=self.counted,
            workers=allowed,
            busy=sum(worker.busy for worker in workers) - resting,
            resting=resting,
            cap=self.ramp.cap,
            next_worker=next_step,
            per_second=self._per_second(elapsed),
            eta=self._eta(found - self.tally.ended, allowed, next_step),
            paused=self.circuit is not None and self.circuit.is_tripped(),
            stop=self.stop.stop,
            free=self.free,
            throttled=sum(worker.throttled for worker in workers),
            credits_ever=None
            if self.credits_before is None
            else self.credits_before + self.tally.credits_charged,
        )

    def _eta(self, left: int, allowed: int, next_step: float | None) -> float | None:
        """Seconds until `left` more images are bought, each as long as the latest ones, rests included."""
        if self.pool is None or not self._lately or left < 0:
            return None
        each = sum(seconds for _at, seconds in self._lately) / len(self._lately)
        return self.ramp.seconds_for(left * each, allowed=allowed, next_step=next_step)

    def _per_second(self, elapsed: float) -> float:
        """Images a second over the latest ones, at most a minute back."""
        recent = [at for at, _seconds in self._lately if at > elapsed - 60]
        return len(recent) / max(1e-3, elapsed - recent[0]) if len(recent) > 1 else 0.0
