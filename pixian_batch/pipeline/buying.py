"""From the decision to buy an image to what came of it: sent, landed, and drawn where that was asked for.

Knows one image at a time, and nothing of whether it had to be bought.

Proved by tests/money/test_faults.py and tests/money/test_masters.py.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, assert_never

from pixian_batch.adapters.landing import DiskError, DrawError, RebuildError
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.pipeline import outcomes
from pixian_batch.pipeline.finishing import Finisher, Received
from pixian_batch.pipeline.job import master_of
from pixian_batch.pipeline.worker import Pursuit
from pixian_batch.policy.decision import AtHand
from pixian_batch.policy.disk import Reach
from pixian_batch.policy.outcome import Done, Duplicate, Failed, Lost, NotStarted, Outcome, Problem
from pixian_batch.policy.retry import Fail, Halt, Hold, Land
from pixian_batch.policy.stopping import Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.contract.headers import Box, ResultHeaders
    from pixian_batch.contract.params import Size
    from pixian_batch.pipeline.converting import Converter
    from pixian_batch.pipeline.drawing import Drawing
    from pixian_batch.pipeline.duplicating import Duplicates
    from pixian_batch.pipeline.job import Job
    from pixian_batch.pipeline.pool import Turn
    from pixian_batch.pipeline.preflight import Preflight
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.progress import Message
    from pixian_batch.policy.record import Key
    from pixian_batch.policy.reply import Reply


_MOST_UNLANDED: Final = 5
"""Results that may be kept from their places, one after the other, before the run stops buying more."""


@dataclass(slots=True, kw_only=True)
class Buying:
    """`await buying.send(job, turn)`, then `await buying.outcome(job, pursuit)`.

    free: it cannot cost money. recovered: masters of an interrupted run, of which nobody was told yet. preflight: goes before anything is bought; notify: tells the user what is to be known of
    an image before it is sent.
    """

    free: bool
    ledger: Ledger
    landing: Landing
    converter: Converter
    finisher: Finisher
    duplicates: Duplicates
    drawing: Drawing
    preflight: Preflight
    stop: StopSign
    notify: Callable[[Message], None]
    recovered: dict[Key, Done] = field(default_factory=dict)
    _unlanded: int = 0
    """Results in a row that could not be brought to their places."""

    async def send(self, job: Job, turn: Turn) -> Pursuit:
        """Send what is to be bought for `job`, with a worker of the pool."""
        await self.preflight.once()
        async with self.converter.ready(master_of(job)) as ready:
            if ready is None:
                return Pursuit(asyncio.get_running_loop().time(), None, 0, None)
            async with turn as worker:
                if job.no_delta and not self.stop.up:
                    self.notify(outcomes.not_by_delta(job))
                return await worker.pursue(ready)

    async def outcome(self, job: Job, pursuit: Pursuit) -> Outcome:
        """What came of it; its result is at its place when that is `Done`."""
        reply = pursuit.reply
        if reply is None:
            return NotStarted()
        match pursuit.ended:
            case Land():
                return await self._land(job, reply)
            case Fail():
                return Failed(outcomes.problem_of(reply), reply.http_status)
            case Hold() if self.free:
                return Failed(
                    outcomes.problem_of(reply), reply.http_status
                )  # tried often enough; nobody has to decide
            case Hold():
                return outcomes.doubtful(reply)
            case Halt() | None:
                doubtful = reply.verdict in {Verdict.IN_DOUBT, Verdict.LOST} and not self.free
                return outcomes.doubtful(reply) if doubtful else NotStarted()
            case other:
                assert_never(other)

    async def drawn(self, job: Job, master: AtHand) -> Outcome:
        """From a master that was bought before: nothing is sent. Raises `DiskError`, `LedgerError`."""
        try:
            size, foreground = await self.drawing.draw(job, master)
        except DrawError as error:
            return Failed(outcomes.not_drawn(error))
        self.duplicates.remember(job.result_key)
        recovered = self.recovered.pop(master.key, None)
        if recovered is not None:
            return replace(recovered, headers=_of_drawn(recovered.headers, size, foreground))
        return Duplicate(of=self.landing.path(master.place))

    def stop_at(self, error: DiskError | LedgerError) -> bool:
        """Raise the stop sign, unless the disk's trouble is this image's alone; whether it was raised."""
        if isinstance(error, DiskError) and error.reach is Reach.IMAGE:
            return False
        self.stop.raise_(Stop.disk(error))
        return True

    async def _land(self, job: Job, reply: Reply) -> Outcome:
        bought = master_of(job)
        received = Received.of(bought, reply)
        if reply.unrecorded is not None:
            return outcomes.kept(reply, received.body, reply.unrecorded)
        try:
            size = await self.finisher.finish(received)
        except (DiskError, LedgerError) as error:
            self._note_unlanded(error)
            # The rename may have been done, and only the note of it failed.
            spooled = await asyncio.to_thread(os.path.exists, received.body)
            kept = received.body if spooled else self.landing.path(bought.place)
            return outcomes.kept(reply, kept, error)
        except RebuildError as error:
            await self._note_lost(received.attempt)
            problem = Problem("delta", str(error), "see pixian-batch decode --help")
            return Lost(problem, received.headers, reply.http_status, received.body, at_most=None)
        done = Done(received.headers, reply.http_status, at_most=reply.at_most)
        if job.drawn is not None:
            return await self._draw(job, AtHand(bought.key, bought.place, size), reply, done)
        self._landed(job)
        return done

    async def _draw(self, job: Job, master: AtHand, reply: Reply, done: Done) -> Outcome:
        """The master is safe: whatever goes wrong here, it is drawn for free at another time."""
        path = self.landing.path(master.place)
        try:
            size, foreground = await self.drawing.draw(job, master)
        except DrawError as error:
            return replace(outcomes.kept(reply, path, error), problem=outcomes.not_drawn(error))
        except (DiskError, LedgerError) as error:
            self._note_unlanded(error)
            return outcomes.kept(reply, path, error)
        self._landed(job)
        return replace(done, headers=_of_drawn(done.headers, size, foreground))

    def _landed(self, job: Job) -> None:
        self._unlanded = 0
        self.duplicates.remember(job.result_key)

    def _note_unlanded(self, error: DiskError | LedgerError) -> None:
        """One more that is kept from its place: after some in a row nothing more is bought."""
        self._unlanded += 1
        if not self.stop_at(error) and self._unlanded >= _MOST_UNLANDED:
            self.stop.raise_(Stop.disk(error))

    async def _note_lost(self, attempt: int) -> None:
        """Write it down. If the ledger does not take it, the next run finds out the same."""
        try:
            await self.ledger.lost(attempt)
        except LedgerError as error:
            self.stop.raise_(Stop.disk(error))


def _of_drawn(headers: ResultHeaders, size: Size, foreground: Box) -> ResultHeaders:
    """What the service said, but for what is said of its result."""
    return replace(headers, result_size=size, result_foreground=foreground)
