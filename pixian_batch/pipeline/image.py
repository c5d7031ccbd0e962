"""One image's way: found -> job -> bought (or not needed) -> landed -> ending.

Every image that comes here leaves with exactly one ending.

Proved by tests/money/test_dedupe.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from pixian_batch.adapters.landing import DiskError
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.reading import ReadingError
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.pipeline import outcomes
from pixian_batch.pipeline.claims import Claims
from pixian_batch.pipeline.duplicating import Wanted
from pixian_batch.pipeline.job import master_of
from pixian_batch.policy.decision import (
    Bought,
    Drawn,
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
from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Ending,
    Failed,
    NotStarted,
    Outcome,
    Problem,
    Skipped,
    SkipReason,
)
from pixian_batch.policy.record import Key, Placed
from pixian_batch.policy.stopping import Stop

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.pipeline.allowance import Ticket
    from pixian_batch.pipeline.buying import Buying
    from pixian_batch.pipeline.deciding import Deciding
    from pixian_batch.pipeline.duplicating import Duplicates
    from pixian_batch.pipeline.finishing import Finisher
    from pixian_batch.pipeline.job import Found, Job
    from pixian_batch.pipeline.keeping import Keeping
    from pixian_batch.pipeline.pool import Turn
    from pixian_batch.pipeline.preparing import Preparing
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.worker import Pursuit
    from pixian_batch.policy.decision import AtHand, Decision
    from pixian_batch.policy.record import Stands


@dataclass(slots=True)
class _Way:
    """How far an image has come. wanted: which image it is, once that is known; pursuit: what was sent for it."""

    found: Found
    turn: Turn
    ticket: Ticket
    wanted: Wanted | None = None
    pursuit: Pursuit | None = None


@dataclass(slots=True, kw_only=True)
class ImageHandler:
    """Knows the way; owns none of the rooms.

    replace: results that were bought with other parameters may be replaced; buys: anything may be bought.
    """

    replace: bool
    buys: bool
    ledger: Ledger
    landing: Landing
    preparing: Preparing
    deciding: Deciding
    keeping: Keeping
    finisher: Finisher
    duplicates: Duplicates
    buying: Buying
    stop: StopSign
    claims: Claims = field(default_factory=Claims)

    async def handle(self, found: Found, turn: Turn, ticket: Ticket) -> Ending:
        """The whole way of one image. Never raises for what the image, the service or the disk does.

        A worker is asked for (`turn`) only for what has to be sent, and only while it is sent. `ticket`: may it be
        bought? If not, it is not started.
        """
        if self.stop.up:
            return Ending(found.path, None, NotStarted())
        way = _Way(found, turn, ticket)
        try:
            outcome = await self._settle(way)
        except (ReadingError, SourceChangedError) as error:
            outcome = Failed(Problem(error.code, str(error), error.hint))
        except (DiskError, LedgerError) as error:
            outcome = self._unwritable(error)
        await self._remember_failure(found, outcome)
        return self._ending(way, outcome)

    def _ending(self, way: _Way, outcome: Outcome) -> Ending:
        wanted, pursuit = way.wanted, way.pursuit
        output = self.landing.path(wanted.place) if wanted else None
        converted = wanted.key.converted if wanted else None
        ending = Ending(way.found.path, output, outcome, converted=converted)
        if pursuit is None:
            return ending
        seconds = asyncio.get_running_loop().time() - pursuit.began
        return replace(ending, attempts=pursuit.attempts, seconds=seconds)

    async def _settle(self, way: _Way) -> Outcome:
        """Made from what was bought before, held, or sent now."""
        found = way.found
        way.wanted = await self.preparing.recalled(found, lambda key: self._needs_no_decision(key, found))
        if way.wanted is not None:
            if not await way.ticket.turn():
                return NotStarted()
            if outcome := await self._duplicate(way.wanted, way):
                return outcome
        while True:
            settled = await self._look(way)
            if not isinstance(settled, Wanted):
                return settled
            if outcome := await self._duplicate(settled, way):
                return outcome

    async def _duplicate(self, wanted: Wanted, way: _Way) -> Outcome | None:
        """Make the result in a round of many; None when the first one stands nowhere any more.

        Without a claim: nothing is sent, and many of the same bytes may wait for one round together.
        """
        way.ticket.pass_by()
        async with way.turn.aside():
            return await self.duplicates.make(wanted)

    async def _look(self, way: _Way) -> Outcome | Wanted:
        """Read it and decide; what is wanted, when that is known by now. The photo itself is forgotten then."""
        way.wanted = None
        prepared = await self._prepare(way.found, way.ticket)
        if prepared is None:
            return NotStarted()
        job, refusal = prepared
        way.wanted = Wanted(job.result_key, job.input, job.place)
        return await self._decide(job, refusal, way)

    async def _prepare(self, found: Found, ticket: Ticket) -> tuple[Job, str | None] | None:
        """The job, and why its result can have no place; None for an image beyond the last that may be bought."""
        try:
            job, refusal = await self._read(found)
        except ReadingError:
            if await ticket.turn():
                raise
            return None
        if not await ticket.turn():
            return None
        if self.claims.held(job.key):
            ticket.pass_by()
        return job, refusal

    async def _read(self, found: Found) -> tuple[Job, str | None]:
        """The job, and why its result can have no place. The ledger learns what the file is."""
        job, refusal, stamp = await self.preparing.job(found)
        if stamp is not None and (found.known is None or found.known[:2] != (stamp.size, stamp.mtime_ns)):
            self.ledger.note_source(found.absolute, stamp.size, stamp.mtime_ns, job.key.digest)
        return job, refusal

    # --- deciding ------------------------------------------------------------------------------------

    def _needs_no_decision(self, key: Key, found: Found) -> bool:
        """Whether the decision can only be `Made`, or `Stays`: known as done, and nothing of the ledger's is replaced."""
        rules = self.deciding.rules
        free_place = found.stands is None or not found.there
        plain = not (rules.trust or rules.again or self.finisher.describer.words)
        return plain and free_place and self.duplicates.knows(key)

    async def _decide(self, job: Job, refusal: str | None, way: _Way) -> Outcome | Wanted:
        """Decide and follow, while nobody else has the same image in hand.

        What is replaced is kept before that, with *its* image in hand and no other: whoever makes a result of it
        has ended by then, or finds what is kept. (Two that want each other's place would wait for ever.)
        """
        kept = False
        while True:
            if known := self._known(job, refusal, way):
                return known
            async with self.claims.hold(job.key):
                if known := self._known(job, refusal, way):
                    return known
                decision = await self.deciding.decide(job.key, job.place, found=way.found, refusal=refusal)
                if not _may_be(decision, way.ticket):
                    return NotStarted()
                if isinstance(decision, Bought) and not self.buys:
                    return outcomes.not_cached()
                over = decision.over if isinstance(decision, Made | Drawn | Bought) else None
                if needs_permission(over, self.deciding.rules) and not self.replace:
                    return outcomes.not_replaced()
                if kept or over is None or not worth_keeping(over, self.deciding.rules):
                    if outcome := await self._follow(decision, job, way):
                        return outcome
                    continue
            async with self.claims.hold(Key(*over[:2])):
                await self._keep(job, over)
            kept = True

    def _known(self, job: Job, refusal: str | None, way: _Way) -> Wanted | None:
        """What is wanted, when it is known that it need not be bought."""
        return way.wanted if refusal is None and self._needs_no_decision(job.result_key, way.found) else None

    async def _keep(self, job: Job, over: Stands) -> None:
        same = Key(*over[:2]) == job.result_key
        standing = await self.ledger.standing(job.key) if same else None
        await self.keeping.keep(job.place, over, again=standing.attempt if standing else 0)

    async def _follow(self, decision: Decision, job: Job, way: _Way) -> Outcome | None:
        """How it ended; None when what it was to be made from has gone meanwhile."""
        match decision:
            case Refused(why):
                return outcomes.refused(why)
            case Spared():
                return Skipped(SkipReason.BOUGHT)
            case Waits(standing):
                return outcomes.waiting(standing)
            case Stays(here):
                return await self._stays(job, here)
            case Trusted():
                return Skipped(SkipReason.TRUSTED)
            case Made(of, over):
                return await self._make(job, of, over)
            case Drawn(of, over):
                outcome = await self.buying.drawn(job, of)
                return self._replacing(outcome, over)
            case Held(_state, standing):
                return outcomes.held(standing, self.landing.out)
            case Bought():
                return await self._buy(job, decision, way)
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
        if self.finisher.describer.words:
            size = await self.finisher.again(of.place, job)
            await self.ledger.placed(job.input, job.place, Placed(of.key, size))
            outcome: Outcome | None = Duplicate(of=self.landing.path(of.place))
        else:
            outcome = await self.duplicates.make(Wanted(of.key, job.input, job.place))
        if not isinstance(outcome, Duplicate):
            return outcome
        self.duplicates.remember(of.key)
        return self._replacing(outcome, over)

    async def _keep_master(self, job: Job) -> None:
        """One that is bought again takes the place of the master that was bought before."""
        place = master_of(job).place
        standing = await self.ledger.standing(job.key)
        sizes = dict(await self.ledger.places_of(job.key)) if standing else {}
        if standing and place in sizes:
            stands = (job.key.digest, job.key.params, sizes[place])
            await self.keeping.keep(place, stands, again=standing.attempt)

    def _replacing(self, outcome: Outcome, over: Stands | None) -> Outcome:
        """With whether it took the place of a result that was bought with other parameters."""
        if not isinstance(outcome, Done | Duplicate):
            return outcome
        return replace(outcome, replaced=needs_permission(over, self.deciding.rules))

    async def _buy(self, job: Job, bought: Bought, way: _Way) -> Outcome:
        if job.drawn is not None:
            await self._keep_master(job)
        way.pursuit = await self.buying.send(job, way.turn)
        outcome = await self.buying.outcome(job, way.pursuit)
        if isinstance(outcome, Done) and bought.partial is not None:
            self.landing.remove(self.landing.partial_of(*bought.partial))
        return self._replacing(outcome, bought.over)

    def _unwritable(self, error: DiskError | LedgerError) -> Outcome:
        """Nothing was sent: the image fails alone, or the run stops before it."""
        if self.buying.stop_at(error):
            return NotStarted()
        return Failed(Problem("output", str(error), error.hint))

    async def _remember_failure(self, found: Found, outcome: Outcome) -> None:
        # What may not be bought here is no failure of the photo.
        if isinstance(outcome, Failed) and outcome.problem.code != outcomes.NOT_CACHED:
            try:
                await self.ledger.failed(found.path, outcome.problem)
            except LedgerError as error:
                self.stop.raise_(Stop.disk(error))


def _may_be(decision: Decision, ticket: Ticket) -> bool:
    """Whether the limit lets it happen. What needs no purchase keeps nobody waiting that may need one."""
    if isinstance(decision, Bought):
        return ticket.take()
    ticket.pass_by()
    return True
