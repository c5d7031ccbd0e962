"""One image's way: found -> job -> bought (or not needed) -> landed -> ending.

Every image that comes here leaves with exactly one ending.

Proved by tests/money/test_dedupe.py.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from pixian_batch.adapters.landing import DiskError, RebuildError
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.reading import ReadingError
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.pipeline.claims import Claims
from pixian_batch.pipeline.duplicating import Wanted
from pixian_batch.pipeline.finishing import Finisher, Received
from pixian_batch.policy.decision import (
    Bought,
    Held,
    Made,
    Refused,
    Spared,
    Stays,
    Trusted,
    Waits,
    needs_permission,
    worth_keeping,
)
from pixian_batch.policy.disk import Reach
from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Ending,
    Failed,
    InDoubt,
    Kept,
    Lost,
    NotStarted,
    Outcome,
    Problem,
    Skipped,
    SkipReason,
)
from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.record import Key, Placed, State
from pixian_batch.policy.retry import Fail, Halt, Hold, Land
from pixian_batch.policy.stopping import Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.pipeline.deciding import Deciding
    from pixian_batch.pipeline.duplicating import Duplicates
    from pixian_batch.pipeline.job import Found, Job
    from pixian_batch.pipeline.keeping import Keeping
    from pixian_batch.pipeline.pool import Turn
    from pixian_batch.pipeline.preflight import Preflight
    from pixian_batch.pipeline.preparing import Preparing
    from pixian_batch.pipeline.spec import Spec
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.worker import Pursuit
    from pixian_batch.policy.decision import AtHand, Decision
    from pixian_batch.policy.record import Standing, Stands
    from pixian_batch.policy.reply import Reply


_Way: TypeAlias = "tuple[Outcome, Pursuit | None]"
"""How an image's way ended, and what was sent for it."""
_NEXT_RUN: Final = "the next run finishes it for free"
_MOST_UNLANDED: Final = 5
"""Results that may be kept from their places, one after the other, before the run stops buying more."""


@dataclass(slots=True, kw_only=True)
class ImageHandler:
    """Knows the way; owns none of the rooms.

    preflight: goes before anything is bought; notify: tells the user what is to be known of an image before
    it is sent.
    """

    spec: Spec
    ledger: Ledger
    landing: Landing
    preparing: Preparing
    deciding: Deciding
    keeping: Keeping
    finisher: Finisher
    duplicates: Duplicates
    preflight: Preflight
    stop: StopSign
    notify: Callable[[Message], None]
    claims: Claims = field(default_factory=Claims)
    _unlanded: int = 0
    """Results in a row that could not be brought to their places."""

    async def handle(self, found: Found, turn: Turn) -> Ending:
        """The whole way of one image. Never raises for what the image, the service or the disk does.

        A worker is asked for (`turn`) only for what has to be sent, and only while it is sent.
        """
        if self.stop.up:
            return Ending(found.path, None, NotStarted())
        output: str | None = self.landing.path(self.spec.result_place(found.place))
        pursuit: Pursuit | None = None
        try:
            outcome, pursuit = await self._settle(found, turn)
        except ReadingError as error:
            output, outcome = None, Failed(Problem(error.code, str(error), error.hint))
        except SourceChangedError as error:
            outcome = Failed(Problem(error.code, str(error), error.hint))
        except (DiskError, LedgerError) as error:
            outcome = self._unwritable(error)
        await self._remember_failure(found, outcome)
        if pursuit is None:
            return Ending(found.path, output, outcome)
        seconds = asyncio.get_running_loop().time() - pursuit.began
        return Ending(found.path, output, outcome, attempts=pursuit.attempts, seconds=seconds)

    async def _prepare(self, found: Found) -> tuple[Job, str | None]:
        """The job, and why its result can have no place. The ledger learns what the file is."""
        job, refusal, stamp = await self.preparing.job(found)
        if stamp is not None and (found.known is None or found.known[:2] != (stamp.size, stamp.mtime_ns)):
            self.ledger.note_source(found.absolute, stamp.size, stamp.mtime_ns, job.key.digest)
        return job, refusal

    async def _settle(self, found: Found, turn: Turn) -> _Way:
        """Made from what was bought before, held, or sent now."""
        wanted = await self.preparing.recalled(found, lambda key: self._needs_no_decision(key, found))
        while True:
            # Without a claim: it sends nothing, and many of the same bytes may wait for one round together.
            if wanted is not None and (outcome := await self._duplicate(wanted, turn)) is not None:
                return outcome, None
            way = await self._look(found, turn)
            if not isinstance(way, Wanted):
                return way
            wanted = way

    async def _look(self, found: Found, turn: Turn) -> _Way | Wanted:
        """Read it and decide; what is wanted, when that is known by now. The photo itself is forgotten then."""
        job, refusal = await self._prepare(found)
        if refusal is None and self._needs_no_decision(job.key, found):
            return _wanted(job)
        return await self._decide(job, found=found, refusal=refusal, turn=turn)

    async def _duplicate(self, wanted: Wanted, turn: Turn) -> Outcome | None:
        """Make the result in a round of many; None when the first one stands nowhere any more."""
        async with turn.aside():
            return await self.duplicates.make(wanted)

    # --- deciding ------------------------------------------------------------------------------------

    def _needs_no_decision(self, key: Key, found: Found) -> bool:
        """Whether the decision can only be `Made`, or `Stays`: known as done, and nothing of the ledger's is replaced."""
        rules = self.deciding.rules
        free_place = found.stands is None or not found.there
        return free_place and not rules.trust and not rules.again and self.duplicates.knows(key)

    async def _decide(self, job: Job, *, found: Found, refusal: str | None, turn: Turn) -> _Way | Wanted:
        """Decide and follow, while nobody else has the same image in hand.

        What is replaced is kept before that, with *its* image in hand and no other: whoever makes a result of it
        has ended by then, or finds what is kept. (Two that want each other's place would wait for ever.)
        """
        kept = False
        while True:
            async with self.claims.hold(job.key):
                if refusal is None and self._needs_no_decision(job.key, found):
                    return _wanted(job)
                decision = await self.deciding.decide(job.key, job.place, found=found, refusal=refusal)
                over = decision.over if isinstance(decision, Made | Bought) else None
                if needs_permission(over, self.deciding.rules) and not self.spec.replace:
                    return _not_replaced(), None
                if kept or over is None or not worth_keeping(over, self.deciding.rules):
                    if (way := await self._follow(decision, job, turn)) is not None:
                        return way
                    continue
            async with self.claims.hold(Key(*over[:2])):
                await self._keep(job, over)
            kept = True

    async def _keep(self, job: Job, over: Stands) -> None:
        same = Key(*over[:2]) == job.key
        standing = await self.ledger.standing(job.key) if same else None
        await self.keeping.keep(job.place, over, again=standing.attempt if standing else 0)

    async def _follow(self, decision: Decision, job: Job, turn: Turn) -> _Way | None:
        """How it ended; None when what it was to be made from has gone meanwhile."""
        match decision:
            case Refused(why):
                return _refused(why), None
            case Spared():
                return Skipped(SkipReason.BOUGHT), None
            case Waits(standing):
                return _waiting(standing), None
            case Stays(here):
                return await self._stays(job, here), None
            case Trusted():
                return Skipped(SkipReason.TRUSTED), None
            case Made(of, over):
                made = await self._make(job, of, over)
                return None if made is None else (made, None)
            case Held():
                return self._held(decision), None
            case Bought():
                return await self._buy(job, decision, turn)
            case other:
                assert_never(other)

    # --- what needs no request ---------------------------------------------------------------------

    async def _stays(self, job: Job, here: AtHand) -> Outcome:
        if here.place != job.place:
            # Written in another spelling on a disk that folds names: it stands here already.
            await self.ledger.placed(job.input, job.place, Placed(here.key, here.size))
        self.duplicates.remember(here.key)
        return Skipped(SkipReason.DONE)

    async def _make(self, job: Job, of: AtHand, over: Stands | None) -> Outcome | None:
        """The result, from where it stands already. Of the next ones of these bytes nothing is asked any more."""
        outcome = await self.duplicates.make(Wanted(of.key, job.input, job.place))
        if isinstance(outcome, Duplicate):
            self.duplicates.remember(of.key)
            return replace(outcome, replaced=needs_permission(over, self.deciding.rules))
        return outcome

    def _held(self, held: Held) -> Outcome:
        standing = held.standing
        if standing is None:
            raise ValueError("held, and the ledger knows nothing of it")
        message = (
            f"sent at {standing.sent_at} and never answered in full: {standing.message or 'interrupted'}"
        )
        problem = Problem(
            standing.state.value, message, f"decide with: pixian-batch resolve {self.landing.out}"
        )
        if standing.state is State.LOST and standing.headers is not None:
            return Lost(
                problem, standing.headers, None, standing.kept, at_most=standing.at_most, earlier=True
            )
        return InDoubt(problem, standing.at_most, earlier=True)

    # --- buying ------------------------------------------------------------------------------------

    async def _buy(self, job: Job, bought: Bought, turn: Turn) -> tuple[Outcome, Pursuit]:
        pursuit = await self._send(job, turn)
        outcome = await self._outcome(job, pursuit)
        if isinstance(outcome, Done):
            if bought.partial is not None:
                self.landing.remove(self.landing.partial_of(*bought.partial))
            outcome = replace(outcome, replaced=needs_permission(bought.over, self.deciding.rules))
        return outcome, pursuit

    async def _send(self, job: Job, turn: Turn) -> Pursuit:
        await self.preflight.once()
        async with turn as worker:
            if job.no_delta and not self.stop.up:
                self.notify(_not_by_delta(job))
            return await worker.pursue(job)

    async def _outcome(self, job: Job, pursuit: Pursuit) -> Outcome:
        reply = pursuit.reply
        if reply is None:
            return NotStarted()
        match pursuit.ended:
            case Land():
                return await self._land(job, reply)
            case Fail():
                return Failed(_problem(reply), reply.http_status)
            case Hold() if self.spec.free:
                return Failed(_problem(reply), reply.http_status)  # tried often enough; nobody has to decide
            case Hold():
                return _doubtful(reply)
            case Halt() | None:
                doubtful = reply.verdict in {Verdict.IN_DOUBT, Verdict.LOST} and not self.spec.free
                return _doubtful(reply) if doubtful else NotStarted()
            case other:
                assert_never(other)

    async def _land(self, job: Job, reply: Reply) -> Outcome:
        received = Received.of(job, reply)
        headers, status = received.headers, reply.http_status
        if reply.unrecorded is not None:
            return _kept(reply, received.body, reply.unrecorded)
        try:
            await self.finisher.finish(received)
        except (DiskError, LedgerError) as error:
            self._unlanded += 1
            if not self._stop_at(error) and self._unlanded >= _MOST_UNLANDED:
                self.stop.raise_(Stop.disk(error))
            # The rename may have been done, and only the note of it failed.
            spooled = await asyncio.to_thread(os.path.exists, received.body)
            kept = received.body if spooled else self.landing.path(job.place)
            return _kept(reply, kept, error)
        except RebuildError as error:
            await self._note_lost(received.attempt)
            problem = Problem("delta", str(error), "see pixian-batch decode --help")
            return Lost(problem, headers, status, received.body, at_most=None)
        self._unlanded = 0
        self.duplicates.remember(job.key)
        return Done(headers, status, at_most=reply.at_most)

    def _unwritable(self, error: DiskError | LedgerError) -> Outcome:
        """Nothing was sent: the image fails alone, or the run stops before it."""
        if self._stop_at(error):
            return NotStarted()
        return Failed(Problem("output", str(error), error.hint))

    def _stop_at(self, error: DiskError | LedgerError) -> bool:
        """Raise the stop sign, unless the disk's trouble is this image's alone; whether it was raised."""
        if isinstance(error, DiskError) and error.reach is Reach.IMAGE:
            return False
        self.stop.raise_(Stop.disk(error))
        return True

    async def _note_lost(self, attempt: int) -> None:
        """Write it down. If the ledger does not take it, the next run finds out the same."""
        try:
            await self.ledger.lost(attempt)
        except LedgerError as error:
            self.stop.raise_(Stop.disk(error))

    async def _remember_failure(self, found: Found, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            try:
                await self.ledger.failed(found.path, outcome.problem)
            except LedgerError as error:
                self.stop.raise_(Stop.disk(error))


def _wanted(job: Job) -> Wanted:
    return Wanted(job.key, job.input, job.place)


def _waiting(standing: Standing | None) -> Outcome:
    """Bought in an earlier run, and still kept from its place: nobody has to decide, and nothing is sent."""
    if standing is None:
        raise ValueError("received, and the ledger knows nothing of it")
    problem = Problem("disk", f"paid for at {standing.sent_at} and not at its place yet", _NEXT_RUN)
    headers = standing.headers or ResultHeaders()
    return Kept(problem, headers, None, standing.kept, at_most=standing.at_most, earlier=True)


def _refused(refusal: str) -> Outcome:
    return Failed(
        Problem(
            "output",
            refusal,
            "clear the way there (its rights, or what stands there), or choose another --out",
        )
    )


def _not_replaced() -> Outcome:
    """Found only now, and not by the look ahead: its list came from a pipe, or something changed meanwhile."""
    return Failed(
        Problem(
            "other_parameters",
            "a result that was bought with other parameters stands there",
            "add --replace to have it replaced (it is kept), or name another --out",
        )
    )


def _not_by_delta(job: Job) -> Message:
    """A delta has the original's size and needs the original: said before anything is sent for this image."""
    return Message(Level.INFO, f"{job.input}: asked for as PNG, not by way of a Delta PNG: {job.no_delta}")


def _problem(reply: Reply) -> Problem:
    return reply.problem or Problem(None, f"HTTP {reply.http_status}", "")


def _kept(reply: Reply, path: str, error: Exception) -> Outcome:
    """What is told of a result that is here, and that the disk or the ledger kept from its place."""
    problem = Problem("disk", f"paid for and kept at {path}: {error}", _NEXT_RUN)
    return Kept(problem, reply.headers or ResultHeaders(), reply.http_status, path, at_most=reply.at_most)


def _doubtful(reply: Reply) -> Outcome:
    """What is told of an image that may have been charged and has no result."""
    if reply.headers is None:
        return InDoubt(_problem(reply), reply.at_most)
    return Lost(_problem(reply), reply.headers, reply.http_status, reply.kept, at_most=reply.at_most)
