"""Every ending is counted here, once, and told to the watcher; what is going on right now is read from here."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pixian_batch.adapters.wire.idle import Traffic
from pixian_batch.pipeline.allowance import Allowance
from pixian_batch.pipeline.rests import Rests
from pixian_batch.policy.left_out import LeftOut, Reason
from pixian_batch.policy.outcome import Done, Duplicate, Ending, Failed, Skipped, SkipReason
from pixian_batch.policy.pace import Meter, Throughput
from pixian_batch.policy.progress import Flow, Level, Message, Snapshot, Suspect
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.pipeline.circuit import Circuit
    from pixian_batch.pipeline.discovery import Discovery
    from pixian_batch.pipeline.pool import Pool
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.progress import Watcher
    from pixian_batch.policy.ramp import Ramp

_SUSPECTS = 100
"""Results to be looked at that are named at the end."""


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
    suspects: list[Suspect] = field(default_factory=list)
    """The first results that somebody should look at."""
    surveyed: int = 0
    """Inputs that the survey has counted so far; written by its thread alone."""
    allowance: Allowance = field(default_factory=Allowance)
    counted: bool = False
    """Whether `found` is all."""
    pool: Pool[Any] | None = None
    circuit: Circuit | None = None
    discovery: Discovery | None = None
    rests: Rests = field(default_factory=Rests)
    traffic: Traffic = field(default_factory=Traffic)
    newest: str = ""
    credits_before: Decimal | None = None
    credits_ever: Decimal | None = None
    _walked: int | None = None
    """Inputs that the discovery has found, once it has ended: this is what endings come for."""
    _recovered: set[str] = field(default_factory=set)
    """Outputs of images that ended in this run before they were found in it: each ends only once."""
    _told_left_out: bool = False
    _began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _bought: Throughput = field(default_factory=Throughput)
    _worked: Throughput = field(default_factory=Throughput)
    """Everything but what was done already: what is to come goes at this rate."""
    _meter: Meter = field(default_factory=Meter)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return asyncio.get_running_loop().time() - self._began

    @property
    def found(self) -> int:
        """Inputs known so far, never fewer than have ended; those that a run before this one left, and that are not
        among its inputs, included.
        """
        if self._walked is not None:
            return max(self._walked + len(self._recovered), self.tally.ended)
        seen = self.discovery.seen if self.discovery is not None else 0
        return max(self.surveyed, seen, self.tally.ended)

    # --- what is told --------------------------------------------------------------------------------

    def passed_by(self, left_out: LeftOut) -> None:
        """A walk has ended: say, once, what it has left out."""
        if not self._told_left_out:
            self._told_left_out, self.left_out = True, left_out
            self._say(left_out)

    def all_left_out(self) -> LeftOut:
        """So far, with what the limit has left out."""
        left_out = self.left_out.copy()
        if self.allowance.over:
            left_out.not_chosen[Reason.OVER_LIMIT] = self.allowance.over
        return left_out

    def tell_over(self) -> None:
        """Say, once everything was looked at, what the limit has left out."""
        if self.allowance.over:
            self._say(LeftOut(not_chosen=Counter({Reason.OVER_LIMIT: self.allowance.over})))

    def _say(self, left_out: LeftOut) -> None:
        for text, hint in left_out.sentences():
            self.watcher.notify(Message(Level.INFO, text, hint))

    def all_surveyed(self) -> None:
        """The survey has counted all inputs."""
        self._know()

    def all_walked(self, found: int) -> None:
        """The discovery has gone through all inputs, `found` of them: from now on this is the total."""
        self._walked = found
        self._know()

    def _know(self) -> None:
        if not self.counted:
            self.counted = True
            self.watcher.counted(self.found)

    def recovered(self, ending: Ending) -> None:
        """An image of an interrupted run was finished; when it is found, it is done already."""
        self.ended(ending)
        self._recovered.add(ending.output or "")

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        if isinstance(ending.outcome, Skipped) and self._was_told(ending.output):
            return
        self.tally = self.tally.plus(ending)
        self._measure(ending)
        match ending.outcome:
            case Done() as done:
                self.newest = ending.input
                self._suspect(ending, done)
            case Duplicate():
                self.newest = ending.input
            case Failed(problem):
                self.problems[problem.message] += 1
            case _:
                pass
        self.watcher.ended(ending)

    def _suspect(self, ending: Ending, done: Done) -> None:
        look = done.look
        if look is not None and look.suspicion is not None and len(self.suspects) < _SUSPECTS:
            self.suspects.append(Suspect(ending.input, ending.output or "", look.suspicion, look.text))

    def _measure(self, ending: Ending) -> None:
        if ending.attempts or isinstance(ending.outcome, Duplicate):
            self._worked.add(self.elapsed, took=ending.seconds)
        if ending.attempts and isinstance(ending.outcome, Done):
            self._bought.add(self.elapsed, took=ending.seconds)

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

    def close(self) -> None:
        """All has landed: what was found and has no ending is not started."""
        if self.stop.up:
            self.tally = self.tally.stopped(self.expected)

    def _was_told(self, output: str | None) -> bool:
        if output not in self._recovered:
            return False
        self._recovered.discard(output or "")
        return True

    def _output(self, place: str) -> str:
        return os.path.join(self.out, *place.split("/"))

    # --- what can be asked ---------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The state now."""
        resting, busy, throttled = self._at_work()
        allowed, next_step = (self.pool.allowed, self.pool.next_step) if self.pool else (0, None)
        outage = self.circuit.outage() if self.circuit else None
        slow_since = self._slow_since()
        step = next_step if slow_since is None and busy >= allowed else None
        return Snapshot(
            elapsed=self.elapsed,
            tally=self.tally,
            found=self.expected,
            counted=self.counted,
            workers=allowed,
            busy=busy,
            resting=resting,
            cap=self.ramp.cap,
            next_worker=next_step,
            per_second=self._bought.per_second(self.elapsed, slow_since=slow_since),
            eta=None if outage else self._eta(slow_since, allowed, step),
            paused=outage is not None,
            outage=outage,
            stop=self.stop.stop,
            free=self.free,
            throttled=throttled,
            backoffs=self.rests.backoffs(self._began + self.elapsed),
            newest=self.newest,
            flow=self.flow(),
            credits_ever=self._credits_ever(),
        )

    def _at_work(self) -> tuple[int, int, int]:
        """How many workers rest, how many are sending, and the 429s of all of them."""
        workers = self.pool.workers if self.pool else []
        resting = sum(worker.resting for worker in workers)
        busy = sum(worker.busy for worker in workers) - resting
        return resting, busy, sum(worker.throttled for worker in workers)

    def _credits_ever(self) -> Decimal | None:
        return None if self.credits_before is None else self.credits_before + self.tally.credits_charged

    @property
    def expected(self) -> int:
        """Images that will have ended at the end, as far as they were counted: what a limit leaves out will not."""
        ended = self.tally.ended
        return ended + self.allowance.most(max(0, self.found - self.allowance.over - ended))

    @property
    def complete(self) -> bool:
        """Whether all inputs were gone through, and each of them has ended."""
        return self._walked is not None and self.tally.ended >= self.expected

    def flow(self) -> Flow:
        """What has moved on the wire."""
        up, down = self.traffic.up, self.traffic.down
        up_rate, down_rate = self._meter.rates(self.elapsed, up, down)
        return Flow(up=up, down=down, up_rate=up_rate, down_rate=down_rate)

    def _slow_since(self) -> float | None:
        """Since when, in seconds of this run, workers are held back."""
        since = self.rests.slow_since(self._began + self.elapsed)
        return None if since is None else since - self._began

    def _eta(self, slow_since: float | None, allowed: int, next_step: float | None) -> float | None:
        """Seconds until all that is left has ended, at the rate that was measured.

        It counts on more workers only where they are being earned (`next_step`): while some rest, or not all are in
        use, the ramp does not grow.
        """
        rate = self._worked.per_second(self.elapsed, slow_since=slow_since)
        left = self.expected - self.tally.ended
        if not rate or not allowed or not self.counted:
            return None
        return self.ramp.seconds_for(left * allowed / rate, allowed=allowed, next_step=next_step)
