"""The corridor of a run: recover what was left, walk, buy, land, sum up. The only room that opens all doors.

`run` is handed its options in groups and its displays as one watcher; it prints nothing and knows no argv.

Proved by tests/money/test_stopping.py.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pixian_batch import __version__
from pixian_batch.adapters.descriptors import workers_for
from pixian_batch.adapters.landing import DiskError, Landing
from pixian_batch.adapters.ledger import Ledger, LedgerError
from pixian_batch.adapters.walking import in_words
from pixian_batch.adapters.wire.trace import WireFact
from pixian_batch.pipeline.allowance import Allowance
from pixian_batch.pipeline.assembly import Assembly
from pixian_batch.pipeline.describing import Describer
from pixian_batch.pipeline.discovery import Discovery
from pixian_batch.pipeline.doubts import Doubts
from pixian_batch.pipeline.finishing import Finisher
from pixian_batch.pipeline.looking import Looker
from pixian_batch.pipeline.originals import Originals
from pixian_batch.pipeline.progress import Progress
from pixian_batch.pipeline.recovery import Recovery
from pixian_batch.pipeline.stream import Stream
from pixian_batch.pipeline.survey import Survey
from pixian_batch.pipeline.time_limit import TimeLimit
from pixian_batch.policy.outcome import Done, Ending, Failed, Problem
from pixian_batch.policy.progress import Doubt, Level, Message, Summary
from pixian_batch.policy.ramp import VENDOR_ADVICE_ABOVE
from pixian_batch.policy.record import Key, State
from pixian_batch.policy.stopping import Exit, Stop, exit_code

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from pixian_batch.adapters.walking import Walked
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.image import ImageHandler
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.job import Found
    from pixian_batch.pipeline.pool import Pool, Turn
    from pixian_batch.pipeline.spec import Outputs, Pace, Spec
    from pixian_batch.pipeline.spending import Limits
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.policy.progress import Watcher
    from pixian_batch.policy.record import Standing
    from pixian_batch.policy.retry import Decision

_PATIENCE: Final = 1.0
"""Seconds that a run which was stopped waits, when all has landed, until it knows how much was left."""
_ABOUT: Final = {
    WireFact.LONG_WAIT: Message(
        Level.WARNING,
        "the service asks to wait for an hour or more (Retry-After): an hour is waited, then it is asked again",
        "to stop instead, press Ctrl-C: the same command goes on later",
    ),
    WireFact.NO_KEEPING: Message(
        Level.WARNING,
        "twice a connection that was kept open was closed from the other end just as a request went out on it:"
        " from now on each request has a connection of its own",
        "a proxy or gateway on the way may close connections too early",
    ),
}


@dataclass(slots=True, kw_only=True)
class Run:
    """One run. `await Run(...).go()` gives its summary; `LedgerInUseError` and its kin come out as they are.

    decide: asked once about images in doubt, before the first display; None: they are held.
    """

    inputs: Inputs
    outputs: Outputs
    spec: Spec
    pace: Pace
    limits: Limits
    session: WireSession
    stop: StopSign
    watcher: Watcher
    decide: Callable[[list[Standing]], Awaitable[Decision]] | None = None
    progress: Progress = field(init=False)
    _originals: Originals = field(init=False)
    _looker: Looker = field(init=False)
    _time_limit: TimeLimit = field(init=False)
    bug: Exception | None = field(init=False, default=None)
    """An error of ours: everything in flight landed before the run ended."""

    def __post_init__(self) -> None:
        wanted = self.pace.ramp
        fit = workers_for(wanted.cap)
        if fit < wanted.cap:
            self.pace = replace(self.pace, ramp=replace(wanted, start=min(wanted.start, fit), cap=fit))
            self.watcher.notify(_few_files(fit, wanted.cap))
        self._time_limit = TimeLimit(self.pace.max_duration, self.stop)
        self._originals = Originals(self.inputs, self.outputs.out)
        self._looker = Looker(self.spec, self.stop)
        self.progress = Progress(
            ramp=self.pace.ramp,
            stop=self.stop,
            watcher=self.watcher,
            out=self.outputs.out,
            free=self.spec.free,
            allowance=Allowance(self.inputs.selection.limit),
        )
        self.progress.traffic = self.session.traffic
        self.stop.on_hard = self.session.abort
        self.session.on_fact = lambda fact: self.watcher.notify(_ABOUT[fact])

    async def go(self) -> Summary:
        """The whole run. After an error of ours (`bug`) everything in flight still lands."""
        ledger = await Ledger.open(self.outputs.ledger, out=self.outputs.out)
        doubts: list[Doubt] = []
        try:
            await ledger.begin_run(version=__version__, service=self.spec.service or "pixian")
            await self._with_ledger(ledger)
            doubts = [_doubt(item) for item in await ledger.undecided()]
            self.progress.credits_ever = await ledger.charged()
        except LedgerError as error:
            self.stop.raise_(Stop.disk(error))
        finally:
            self._looker.close()
            self.progress.close()
            summary = self._summary(tuple(doubts))
            with contextlib.suppress(LedgerError):
                await ledger.end_run(summary.exit_code)
            await ledger.close()
        return summary

    async def _with_ledger(self, ledger: Ledger) -> None:
        landing = Landing(self.outputs.out, self.outputs.min_free, notify=self.watcher.notify)
        describer = Describer(self.outputs.keeping, self.watcher.notify)
        finisher = Finisher(ledger, landing, describer, self._originals.holds)
        doubts = Doubts(ledger=ledger, stop=self.stop, watcher=self.watcher, out=self.outputs.out)
        recovery, recovered = Recovery(ledger, landing, finisher, self._originals), list[Ending]()
        ready = False
        try:
            await asyncio.to_thread(landing.check_writable)
            await finisher.clean()
            recovered = await recovery.recover()
            if not self.spec.free:
                await doubts.decide(self.decide)
            self.progress.credits_before = await ledger.charged()
            ready = True
        except DiskError as error:
            self.stop.raise_(Stop.disk(error))
        self.watcher.started(self.progress.snapshot)
        for ending in await asyncio.gather(*map(self._looker.look, recovered)):
            self.progress.recovered(ending)
        if ready:
            if not self.spec.free:
                await doubts.tell()
            await self._in_motion(ledger, landing, finisher, recovery.masters)

    # --- motion --------------------------------------------------------------------------------------

    async def _in_motion(
        self, ledger: Ledger, landing: Landing, finisher: Finisher, masters: dict[Key, Done]
    ) -> None:
        """Have discovery, pool and displays go on side by side until all have landed. masters: as of `Recovery`."""
        assembly = Assembly(
            session=self.session,
            ledger=ledger,
            landing=landing,
            finisher=finisher,
            stop=self.stop,
            watcher=self.watcher,
            spec=self.spec,
            pace=self.pace,
            limits=self.limits,
        )
        handler, survey = assembly.handler(masters), self._survey(ledger, landing)
        pool, self.progress.circuit = assembly.pool(partial(self._handle, handler, survey))
        self.progress.pool, self.progress.rests = pool, assembly.rests
        if self.pace.ramp.cap > VENDOR_ADVICE_ABOVE:
            self.watcher.notify(_advice(self.pace.ramp.cap))
        discovery = self.progress.discovery = self._discovery(ledger, landing)
        try:
            await self._side_by_side(discovery, pool, survey)
        finally:
            assembly.concurrency.end()
        self.progress.tell_over()
        await assembly.preflight.afterwards()

    def _discovery(self, ledger: Ledger, landing: Landing) -> Discovery:
        return Discovery(
            spec=self.spec,
            ledger=ledger,
            landing=landing,
            stop=self.stop,
            listener=self.progress,
            originals=self._originals,
        )

    def _survey(self, ledger: Ledger, landing: Landing) -> Survey:
        return Survey(
            ledger=ledger,
            landing=landing,
            progress=self.progress,
            walk=lambda left_out, go_on: self._walk(left_out, go_on, names_only=True),
            listed=self.inputs.listed,
        )

    async def _side_by_side(self, discovery: Discovery, pool: Pool[Found], survey: Survey) -> None:
        stream: Stream[Found] = Stream()
        beside = [
            asyncio.ensure_future(self.watcher.attend()),
            asyncio.ensure_future(survey.run(discovery.work)),
            asyncio.ensure_future(self._time_limit.watch()),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed(discovery, stream))
                group.create_task(pool.run(stream))
        finally:
            await survey.close(_PATIENCE if self.stop.up and not self.stop.hard else 0.0)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _handle(self, handler: ImageHandler, survey: Survey, found: Found, turn: Turn) -> None:
        allowance = self.progress.allowance
        if allowance.exhausted:
            allowance.over += 1
            return
        try:
            with allowance.ticket() as ticket:
                ending = await handler.handle(found, turn, ticket)
            turn.end()
            if not ticket.refused:
                self.progress.ended(await self._looker.look(ending))
            survey.check_room()
        except Exception as bug:  # noqa: BLE001  # the others land first; then it is told
            self.bug = self.bug or bug
            self.stop.raise_(Stop(Exit.BUG, f"internal error ({type(bug).__name__})"))

    async def _feed(self, discovery: Discovery, stream: Stream[Found]) -> None:
        try:
            left_out = self.progress.left_out
            walk = self._walk(left_out, lambda: not self.stop.up)
            found = await discovery.feed(walk, stream, several=self.inputs.several)
            if found is not None:
                self.progress.passed_by(left_out)
                self.progress.all_walked(found)
        except LedgerError as error:
            self.stop.raise_(Stop.disk(error))
        except OSError as error:  # the list file
            problem = Problem("unreadable", *in_words(error))
            self.progress.ended(Ending(self.inputs.listed or "", None, Failed(problem)))

    def _walk(
        self, left_out: LeftOut, go_on: Callable[[], bool], *, names_only: bool = False
    ) -> Iterator[Walked]:
        return self.inputs.walk(
            out=self.outputs.out,
            result_names=None if names_only else self.spec.result_names,
            left_out=left_out,
            go_on=go_on,
        )

    def _why_stopped(self) -> Stop | None:
        """None, too, when its time was over just as everything had ended."""
        stop = self.stop.stop
        in_time = stop is not None and stop.cause is Exit.TIME and self.progress.complete
        return None if in_time else stop

    def _summary(self, doubts: tuple[Doubt, ...]) -> Summary:
        tally, stop = self.progress.tally, self._why_stopped()
        return Summary(
            tally=tally,
            stop=stop,
            exit_code=exit_code(tally, stop),
            seconds=self.progress.elapsed,
            out=self.outputs.out,
            ledger=self.outputs.ledger,
            free=self.spec.free,
            credits_ever=self.progress.credits_ever,
            doubts=() if self.spec.free else doubts,
            problems=tuple(self.progress.problems.most_common(10)),
            suspects=tuple(self.progress.suspects),
            left_out=self.progress.all_left_out(),
            found=self.progress.found,
            counted=self.progress.counted,
            flow=self.progress.flow(),
        )


def _doubt(standing: Standing) -> Doubt:
    """An image that waits for a decision, as it is told."""
    charged = standing.headers.credits_charged if standing.headers is not None else None
    lost = standing.state is State.LOST
    return Doubt(standing.input, standing.sent_at, standing.at_most, lost=lost, charged=charged)


def _few_files(fit: int, cap: int) -> Message:
    return Message(
        Level.WARNING,
        f"this process may open few files: {fit} workers at most, not {cap}",
        "raise the hard limit of open files (ulimit -Hn) for more",
    )


def _advice(cap: int) -> Message:
    return Message(
        Level.WARNING,
        f"{cap} workers: the vendor asks to be talked to before more than {VENDOR_ADVICE_ABOVE} are used",
        "write to them first, or leave --concurrency-max at 100",
    )
