"""What a run would do and cost: the run's own discovery and its own decisions. Nothing is sent or written.

Bytes are read of those files only that another image may have: one that shares their size here, or one of the
ledger. Of all others the header says enough.

Proved by tests/money/test_plan_is_run.py.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.adapters.reading import ReadingError, probe_file
from pixian_batch.adapters.wire.exchange import ask_price
from pixian_batch.adapters.wire.trace import WireError
from pixian_batch.pipeline.allowance import Allowance
from pixian_batch.pipeline.converting import sample
from pixian_batch.pipeline.deciding import Deciding
from pixian_batch.pipeline.discovery import Discovery
from pixian_batch.pipeline.job import master_of
from pixian_batch.pipeline.originals import Originals
from pixian_batch.pipeline.preparing import Preparing
from pixian_batch.pipeline.settling import Settling, Then, finished_size
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.stream import Stream
from pixian_batch.policy.decision import Bought, Drawn, Made, needs_permission
from pixian_batch.policy.forecast import Fate, FolderPlan, fate_of, fate_of_failure, fate_of_skip
from pixian_batch.policy.left_out import LeftOut, Reason
from pixian_batch.policy.naming import is_master
from pixian_batch.policy.outcome import Ending, Failed, Skipped, SkipReason
from pixian_batch.policy.record import State, is_rendering

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger.reader import LedgerReader
    from pixian_batch.adapters.ledger.rows import Measures
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.job import Found, Job
    from pixian_batch.pipeline.settling import Settlement
    from pixian_batch.pipeline.spec import Spec
    from pixian_batch.policy.decision import Decision
    from pixian_batch.policy.record import Key, Stands

_SAMPLES = 64


@dataclass(slots=True)
class Planner:
    """Folds every input into `folders` (by the folder as the user would write it).

    only_replacing: look only at those whose result would take the place of another one.
    """

    spec: Spec
    ledger: LedgerReader
    landing: Landing
    inputs: Inputs
    only_replacing: bool = False
    folders: dict[str, FolderPlan] = field(default_factory=lambda: defaultdict(FolderPlan))
    problems: list[Ending] = field(default_factory=list)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Why photos can be no inputs, and what to do about it."""
    samples: dict[int, str] = field(default_factory=dict)
    """Some new images by their pixels, for calibrating."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """What the walk has passed by."""
    _originals: Originals = field(init=False)
    _deciding: Deciding = field(init=False)
    _preparing: Preparing = field(init=False)
    _allowance: Allowance = field(init=False)
    _measures: Measures | None = None
    _by_size: dict[int, Found | None] = field(default_factory=dict)
    """The first new image of each size, while nobody had to read it."""
    _finished: set[str] = field(default_factory=set)
    """Places of what recovery will finish: their images are told then, and not again when they are found."""

    _masters: set[Key] = field(default_factory=set)
    """Full pictures that recovery will finish: told when something is drawn from them."""

    def __post_init__(self) -> None:
        self._allowance = Allowance(self.inputs.selection.limit)
        self._originals = Originals(self.inputs, self.landing.out)
        self._deciding = Deciding(spec=self.spec, ledger=self.ledger, landing=self.landing)
        self._preparing = Preparing(spec=self.spec, landing=self.landing)

    async def plan(self) -> None:
        """Go through all inputs. Raises `LedgerError`, and OSError when a list of them cannot be read."""
        await self._foresee()
        stream: Stream[Found] = Stream()
        inputs, out = self.inputs, self.landing.out
        discovery = Discovery(
            spec=self.spec,
            ledger=self.ledger,
            landing=self.landing,
            stop=StopSign(),
            listener=self,
            originals=self._originals,
            foreseen=dict(self._deciding.foreseen.stands),
        )
        walk = inputs.walk(out=out, result_names=self.spec.result_names, left_out=self.left_out)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(discovery.feed(walk, stream, several=inputs.several))
                while (found := await stream.take()) is not None:
                    await self._add(found)
        except ExceptionGroup as errors:  # callers know the ledger's and the list's errors by their own names
            raise errors.exceptions[0] from errors

    @property
    def total(self) -> FolderPlan:
        """All folders as one."""
        total = FolderPlan()
        for folder in self.folders.values():
            total.merge(folder)
        return total

    def _folder(self, path: str) -> FolderPlan:
        url = path.startswith(("http://", "https://"))
        return self.folders["URLs" if url else os.path.dirname(path) or os.curdir]

    # --- what an interrupted run has left -------------------------------------------------------------

    async def _foresee(self) -> None:
        """What the run's recovery will do, before anything else."""
        settling = Settling(self.ledger, self.landing, self._originals)
        for item in await self.ledger.unfinished():
            await self._foresee_one(await settling.settlement(item))

    async def _foresee_one(self, item: Settlement) -> None:
        sending, foreseen = item.left.sending, self._deciding.foreseen
        match item.then:
            case Then.WAIT:
                foreseen.states[sending.key] = State.RECEIVED
            case Then.LOSE:
                foreseen.states[sending.key] = State.LOST
            case Then.DOUBT:
                foreseen.states[sending.key] = State.IN_DOUBT
            case Then.FINISH | Then.NOTE:
                size = await finished_size(item)
                if size is None:
                    foreseen.states[sending.key] = State.LOST
                    return
                foreseen.put(sending.place, sending.key, size, item.over)
                if is_master(sending.place):
                    self._masters.add(sending.key)
                    return
                self._folder(sending.input).add(Fate.FINISHED)
                self._finished.add(sending.place)

    def _was_told(self, place: str) -> bool:
        if place not in self._finished:
            return False
        self._finished.discard(place)
        return True

    # --- what the discovery tells ----------------------------------------------------------------------

    def skipped(self, done: list[tuple[str, str]], reason: SkipReason = SkipReason.DONE) -> None:
        """Images that are done already: (input path, place of the result)."""
        for path, place in done:
            if not self._was_told(place):
                self._folder(path).add(fate_of_skip(reason))

    def ended(self, ending: Ending) -> None:
        """An image that the discovery let through to nobody."""
        match ending.outcome:
            case Skipped(reason):
                if ending.output is not None and self._was_told(self._place(ending.output)):
                    return
                fate = fate_of_skip(reason)
            case Failed(problem):
                fate = fate_of_failure(problem.code)
                self.problems.append(ending)
            case _:
                fate = Fate.OTHER
        self._folder(ending.input).add(fate)

    def _place(self, output: str) -> str:
        return os.path.relpath(output, self.landing.out).replace(os.sep, "/")

    # --- what may need work ----------------------------------------------------------------------------

    async def _add(self, found: Found) -> None:
        if self._allowance.exhausted:
            self.left_out.not_chosen[Reason.OVER_LIMIT] += 1
            return
        # On which of them a limit falls, only a look at all of them tells.
        if self.only_replacing and self._allowance.limit is None and not found.there:
            return
        try:
            await self._judge(found)
        except ReadingError as error:
            self._folder(found.path).add(fate_of_failure(error.code))
            self.refused[str(error), error.hint] += 1

    async def _judge(self, found: Found) -> None:
        """Decide as the run will, and foresee what comes of it."""
        pixels = None
        if not found.is_url:
            size, pixels = await asyncio.to_thread(probe_file, found.path, convert=self.spec.convert)
            if not await self._is_worth_reading(found, size, pixels):
                await self._judge_unread(found, size, pixels)
                return
        job, refusal, _stamp = await self._preparing.job(found)
        decision = await self._deciding.decide(job.key, job.place, found=found, refusal=refusal)
        self._come(job, decision)
        await self._count(found, decision, pixels, job)

    async def _judge_unread(self, found: Found, size: int, pixels: int) -> None:
        """Nobody else has these bytes, so their hash decides nothing."""
        place = found.place
        refusal = await asyncio.to_thread(self.landing.refusal, place)
        decision = self._deciding.decide_unseen(found, refusal)
        if isinstance(decision, Bought):
            self._by_size[size] = found
            self._deciding.foreseen.vacate(place, decision.over)
        await self._count(found, decision, pixels)

    async def _is_worth_reading(self, found: Found, size: int, pixels: int) -> bool:
        """Whether another image may have the same bytes: of this plan, or of the ledger."""
        if size in self._by_size:
            await self._read_first(size)
            return True
        if self._measures is None:
            self._measures = await self.ledger.measures()
        if found.known is None and not self._measures.fit(size, pixels):
            return False
        self._by_size[size] = None
        return True

    async def _read_first(self, size: int) -> None:
        """The first of its size was taken for the only one: now its hash is needed."""
        first, self._by_size[size] = self._by_size[size], None
        if first is not None:
            job, _refusal, _stamp = await self._preparing.job(first)
            self._come(job, Bought())

    def _come(self, job: Job, decision: Decision) -> None:
        """What the run will have made of it, for those that come after."""
        foreseen = self._deciding.foreseen
        match decision:
            case Bought(over):
                foreseen.put(job.place, job.result_key, 0, over)
                if job.drawn is not None:
                    foreseen.put(master_of(job).place, job.key, 0)
            case Drawn(_of, over):
                foreseen.put(job.place, job.result_key, 0, over)
            case Made(of, over):
                foreseen.put(job.place, of.key, of.size, over)
            case _:
                pass

    async def _count(
        self, found: Found, decision: Decision, pixels: int | None, job: Job | None = None
    ) -> None:
        fate, folder = self._fate(decision), self._folder(found.path)
        if fate is Fate.DONE and self._was_told(found.place):
            return
        folder.add(fate, pixels)
        if fate is Fate.NEW:
            self._allowance.take()
        if isinstance(decision, Bought | Drawn | Made) and needs_permission(
            decision.over, self._deciding.rules
        ):
            folder.replaces += 1
            folder.at_hand += fate is Fate.NEW and await self._is_at_hand(job, decision.over)
        if fate is Fate.NEW and pixels is not None and not found.is_url and len(self.samples) < _SAMPLES:
            self.samples.setdefault(pixels, found.path)

    def _fate(self, decision: Decision) -> Fate:
        if isinstance(decision, Drawn) and decision.of.key in self._masters:
            self._masters.discard(decision.of.key)
            return Fate.FINISHED
        return fate_of(decision)

    async def _is_at_hand(self, job: Job | None, over: Stands | None) -> bool:
        """Whether what is wanted differs from a full result that is here in what needs no service."""
        if job is None or over is None:
            return False
        wanted = self.spec.result_key_params(conversion=job.key.converted)
        return any(
            is_rendering(wanted, of=params) and self.landing.size(place) == size
            for params, place, size in await self.ledger.results_of(job.key.digest)
        )


async def calibrate(
    planner: Planner, session: WireSession, number: int
) -> tuple[list[tuple[int, Decimal]], float | None]:
    """(pixels, credits) of some new images by free test requests, from the largest to the smallest; mean seconds of one.

    Raises `WireError` when none could be asked.
    """
    sizes = sorted(planner.samples, reverse=True)
    number = min(number, len(sizes))
    chosen = [sizes[index * (len(sizes) - 1) // max(1, number - 1)] for index in range(number)]
    prices: list[tuple[int, Decimal]] = []
    began = asyncio.get_running_loop().time()
    for pixels in chosen:
        path = planner.samples[pixels]
        source = await asyncio.to_thread(sample, path, convert=planner.spec.convert)
        reply = await ask_price(session, source, planner.spec.bought)
        if reply.headers is None or reply.cause is not None:
            raise WireError(reply.problem.message if reply.problem else "") from reply.cause
        if reply.headers.credits_calculated is not None:
            prices.append((pixels, reply.headers.credits_calculated))
    seconds = asyncio.get_running_loop().time() - began
    return prices, seconds / len(chosen) if chosen else None
