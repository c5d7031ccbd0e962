"""The corridor of a run: settle what was left, walk, buy, land, sum up. The only room that opens all doors.

`run` is handed its options in groups and its displays as watchers; it prints nothing and knows no argv.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from pixian_batch import __version__
from pixian_batch.adapters.landing import DiskError, Landing
from pixian_batch.adapters.ledger import Ledger, LedgerError
from pixian_batch.pipeline.attempt import Attempter
from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.discovery import Discovery, count
from pixian_batch.pipeline.finishing import Finisher
from pixian_batch.pipeline.image import DISK_HINT, ImageHandler
from pixian_batch.pipeline.pool import Pool, Turn
from pixian_batch.pipeline.preflight import Preflight
from pixian_batch.pipeline.progress import Progress
from pixian_batch.pipeline.recovery import Recovery
from pixian_batch.pipeline.spending import Spending
from pixian_batch.pipeline.stream import Stream
from pixian_batch.pipeline.worker import Worker
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.budget import Budget, Limit
from pixian_batch.policy.outcome import Ending, Failed, Problem, Skipped
from pixian_batch.policy.progress import Doubt, Level, Message, Summary
from pixian_batch.policy.ramp import VENDOR_ADVICE_ABOVE, Ramp
from pixian_batch.policy.retry import Decision, RetryPolicy
from pixian_batch.policy.stopping import Exit, Stop, exit_code

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from decimal import Decimal

    from pixian_batch.adapters.walking import Walked
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.job import Found, Spec
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.progress import Watcher
    from pixian_batch.policy.record import Standing


_ENOUGH_RESULTS: Final = 20
"""Results from which the size of the next ones can be told."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast, and how patiently."""

    ramp: Ramp = field(default_factory=Ramp)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class Limits:
    """Credits that may be spent: in this ledger ever, in this run, today."""

    ever: Decimal | None = None
    run: Decimal | None = None
    day: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results and the ledger go. min_free: bytes of disk that are left alone."""

    out: str
    ledger: str
    min_free: int = 100_000_000


@dataclass(slots=True)
class Run:
    """One run. `await Run(...).go()` gives its summary; `LedgerInUseError` and its kin come out as they are."""

    inputs: Inputs
    outputs: Outputs
    spec: Spec
    pace: Pace
    limits: Limits
    wire: WireSession
    stop: StopSign
    watcher: Watcher
    progress: Progress = field(init=False)
    _repaired: set[str] = field(default_factory=set)
    _problems: Counter[str] = field(default_factory=Counter)
    _done_before: int = 0
    _room_checked: bool = False
    _work: asyncio.Event = field(default_factory=asyncio.Event)
    """There is an image that may need work."""
    _counting: bool = False
    decide: Callable[[list[Standing]], Awaitable[Decision]] | None = None
    """Asked once about images in doubt, before the first display; None: they are held."""
    bug: Exception | None = None
    """An error of ours: everything in flight landed before the run ended."""

    def __post_init__(self) -> None:
        self.progress = Progress(self.pace.ramp, self.stop, self.spec.free)
        self.stop.on_hard = self.wire.abort

    async def go(self) -> Summary:
        """The whole run. After an error of ours (`bug`) everything in flight still lands."""
        ledger = await Ledger.open(self.outputs.ledger, out=self.outputs.out)
        doubts: list[Doubt] = []
        try:
            await ledger.begin_run(version=__version__, service=self.spec.service or "pixian")
            await self._with_ledger(ledger)
            doubts = [Doubt(item.input, item.sent_at, item.at_most) for item in await ledger.undecided()]
            self.progress.credits_ever = await ledger.charged()
        except LedgerError as error:
            self.stop.raise_(Stop(Exit.DISK, str(error), DISK_HINT))
        finally:
            summary = self._summary(tuple(doubts))
            with contextlib.suppress(LedgerError):
                await ledger.end_run(summary.exit_code)
            await ledger.close()
        return summary

    async def _with_ledger(self, ledger: Ledger) -> None:
        landing = Landing(self.outputs.out, self.outputs.min_free)
        finisher = Finisher(ledger, landing)
        handler: ImageHandler | None = None
        endings: list[Ending] = []
        try:
            await asyncio.to_thread(landing.check_writable)
            endings = await Recovery(ledger, landing, finisher).settle()
            await self._decide(ledger)
            handler = await self._handler(ledger, landing, finisher)
        except DiskError as error:
            self.stop.raise_(Stop(Exit.DISK, str(error), DISK_HINT))
        self.watcher.started(self.progress.snapshot)
        for ending in endings:
            self._ended(ending)
            self._repaired.add(ending.output or "")
        if handler is not None:
            await self._tell_doubts(ledger)
            await self._in_motion(handler)

    async def _decide(self, ledger: Ledger) -> None:
        """Have a person decide about what is in doubt, where there is one to ask."""
        doubts = await ledger.undecided() if self.decide is not None and not self.spec.free else []
        if self.decide is None or not doubts:
            return
        match await self.decide(doubts):
            case Decision.HOLD:
                pass
            case Decision.RESEND:
                for doubt in doubts:
                    await ledger.resolve(doubt.attempt, charged=True)
            case Decision.QUIT:
                self.stop.raise_(
                    Stop(Exit.IN_DOUBT, "nothing was sent", f"see pixian-batch resolve {self.outputs.out}")
                )

    async def _handler(self, ledger: Ledger, landing: Landing, finisher: Finisher) -> ImageHandler:
        self.progress.credits_before = await ledger.charged()
        # Questions to the whole ledger: a run that buys nothing asks none of them.
        spending = Spending(self.wire, self.stop, self.spec.free, fill=partial(self._fill, ledger))
        attempter = Attempter(ledger, landing, self.wire, self.stop, self.spec.free)
        # Asked before the first purchase, not before the first image: a run that buys nothing sends nothing.
        preflight = Preflight(self.wire, ledger, self.stop, needed=not self.spec.free)
        say = self.watcher.notify
        return ImageHandler(
            self.spec, ledger, landing, finisher, attempter, spending, self.stop, preflight, say
        )

    async def _fill(self, ledger: Ledger, spending: Spending) -> None:
        """What the ledger knows of prices and of what counts against the limits; not asked of a free run."""
        spending.budget = await self._budget(ledger)
        spending.unpriced = await ledger.unpriced()
        for params in self.spec.all_key_params():
            for pixels, cost in await ledger.prices(params):
                spending.prices.learn(pixels, cost)
        spending.count_unpriced()

    async def _budget(self, ledger: Ledger) -> Budget:
        """The limits, and what counts against them."""
        limits = []
        if self.limits.ever is not None:
            ever = await ledger.spending()
            limits.append(Limit("--max-credits", self.limits.ever, ever.counted))
        if self.limits.run is not None:
            limits.append(Limit("--max-credits-per-run", self.limits.run, past=False))
        if self.limits.day is not None:
            day = await ledger.spending_today()
            limits.append(Limit("--max-credits-per-day", self.limits.day, day.counted))
        return Budget(tuple(limits))

    async def _tell_doubts(self, ledger: Ledger) -> None:
        doubts = await ledger.undecided()
        if doubts and not self.spec.free:
            names = ", ".join(doubt.input for doubt in doubts[:3]) + (", …" if len(doubts) > 3 else "")
            self.watcher.notify(
                Message(
                    Level.WARNING,
                    f"{len(doubts)} image{'s' * (len(doubts) > 1)} of an earlier run may have been charged without"
                    f" a result: {names}",
                    f"decide with: pixian-batch resolve {self.outputs.out}",
                )
            )

    # --- motion --------------------------------------------------------------------------------------

    async def _in_motion(self, handler: ImageHandler) -> None:
        """Scout, pool and displays side by side, until the stream has ended and all have landed."""
        circuit = Circuit(self.pace.breaker, self.stop)

        async def handle(found: Found, turn: Turn) -> None:
            try:
                self._ended(await handler.handle(found, turn))
                self._check_room(handler.landing)
            except Exception as bug:  # noqa: BLE001  # the others land first; then it is told
                self.bug = self.bug or bug
                self.stop.raise_(Stop(Exit.BUG, f"internal error: {bug!r}"))

        pool: Pool[Found] = Pool(
            self.pace.ramp,
            self.stop,
            hire=lambda: Worker(circuit, self.stop, self.pace.retry_policy),
            handle=handle,
        )
        self.progress.pool, self.progress.circuit = pool, circuit
        if self.pace.ramp.cap > VENDOR_ADVICE_ABOVE:
            self.watcher.notify(_advice(self.pace.ramp.cap))
        stream: Stream[Found] = Stream()
        beside = [asyncio.ensure_future(self.watcher.attend()), asyncio.ensure_future(self._survey(handler))]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed(handler, stream))
                group.create_task(pool.run(stream))
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        await handler.preflight.afterwards()

    async def _feed(self, handler: ImageHandler, stream: Stream[Found]) -> None:
        discovery = Discovery(
            handler.ledger,
            handler.landing,
            self.stop,
            self.spec.result_place,
            frozenset(self.spec.all_key_params()).__contains__,
            self.spec.spares,
            self.spec.overwrite,
            self._ended,
            self._skipped,
            self._work,
        )
        try:
            found = await discovery.feed(self._walk(), stream, several=self.inputs.several)
            if found is not None and not self._counting:
                self.progress.found, self.progress.counted = found, True
        except LedgerError as error:
            self.stop.raise_(Stop(Exit.DISK, str(error), DISK_HINT))
        except OSError as error:  # the list file
            self._ended(
                Ending(
                    self.inputs.listed or "",
                    None,
                    Failed(
                        Problem(
                            "unreadable", f"the list cannot be read: {error.strerror}", "check --files-from"
                        )
                    ),
                )
            )

    async def _survey(self, handler: ImageHandler) -> None:
        """Count the inputs once one needs work, and look whether all results will fit on the disk.

        A run over what is done walks once only: its end is near, and then the total is known.
        """
        with contextlib.suppress(LedgerError):
            handler.landing.results, handler.landing.result_bytes = await handler.ledger.result_sizes()
        self._done_before = handler.landing.results
        await self._work.wait()
        await self._count()
        self._check_room(handler.landing)

    def _check_room(self, landing: Landing) -> None:
        """Say it when the results to come will hardly fit, as soon as their number and size can be told."""
        if not self.progress.counted or landing.results < _ENOUGH_RESULTS or self._room_checked:
            return
        self._room_checked = True
        left = self.progress.found - max(self._done_before, self.progress.tally.ended)
        if short := landing.shortage(max(0, left)):
            self.watcher.notify(_shortage(*short))

    async def _count(self) -> None:
        """The total, for the display. A list from a pipe can be read only once: no total then."""
        listed = self.inputs.listed
        if listed is not None and not await asyncio.to_thread(os.path.isfile, listed):
            return

        def add(number: int) -> None:
            if self.stop.up:
                raise InterruptedError
            self.progress.found += number

        self._counting = True
        with contextlib.suppress(OSError):
            await asyncio.to_thread(count, self._walk(names_only=True), add)
            self.progress.counted = True

    def _walk(self, *, names_only: bool = False) -> Iterator[Walked]:
        return self.inputs.walk(
            out=self.outputs.out,
            result_names=None if names_only else self.spec.result_names,
            go_on=lambda: not self.stop.up,
        )

    # --- telling -------------------------------------------------------------------------------------

    def _ended(self, ending: Ending) -> None:
        if isinstance(ending.outcome, Skipped) and self._was_told(ending.output):
            return
        self.progress.ended(ending)
        if isinstance(ending.outcome, Failed):
            self._problems[ending.outcome.problem.message] += 1
        self.watcher.ended(ending)

    def _skipped(self, done: list[tuple[str, str]]) -> None:
        if self._repaired:
            done = [item for item in done if not self._was_told(self._output(item[1]))]
        endings = self.progress.skipped(done, self.outputs.out)
        # A million endings of a run that has nothing to do are only made for who writes each one down.
        if self.watcher.tells_skipped:
            for ending in endings:
                self.watcher.ended(ending)

    def _was_told(self, output: str | None) -> bool:
        """Whether the image has ended in this run already, when it was settled; each ends only once."""
        if output not in self._repaired:
            return False
        self._repaired.discard(output or "")
        return True

    def _output(self, place: str) -> str:
        return os.path.join(self.outputs.out, *place.split("/"))

    def _summary(self, doubts: tuple[Doubt, ...]) -> Summary:
        tally, stop = self.progress.tally, self.stop.stop
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
            problems=tuple(self._problems.most_common(10)),
        )


def _shortage(needed: int, free: int) -> Message:
    return Message(
        Level.WARNING,
        f"the results will need about {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free",
        "make room: the run stops before the disk is full, and goes on when run again",
    )


def _advice(cap: int) -> Message:
    return Message(
        Level.WARNING,
        f"{cap} workers: the vendor asks to be talked to before more than {VENDOR_ADVICE_ABOVE} are used",
        "write to them first, or leave --concurrency-max at 100",
    )
