"""What is noted of a run's pace: every step with its reason, rests together, and little of a long storm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from support import virtual
from support.labs import BUSY, DOWN, OK, Lab, reply

from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.concurrency import Concurrency, InUse
from pixian_batch.pipeline.pool import Pool, Turn
from pixian_batch.pipeline.rests import Rests
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.stream import Stream
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.retry import RetryPolicy
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.policy.concurrency import ConcurrencyChange

R = ChangeReason


class Notes:
    """What was noted, with the virtual time of it; `state` is told as it is."""

    def __init__(self) -> None:
        self.state = InUse(5, 5, 0)
        self.all: list[tuple[float, ConcurrencyChange]] = []
        self.concurrency = Concurrency(state=lambda: self.state, note=self._note)

    def _note(self, change: ConcurrencyChange) -> None:
        self.all.append((virtual.now(), change))

    @property
    def told(self) -> list[tuple[float, R, int, int]]:
        return [(at, change.reason, change.allowed, change.resting) for at, change in self.all]


def test_steps_of_a_pool_are_told_from_its_first_request_on() -> None:
    async def main() -> None:
        steps: list[tuple[float, int, int]] = []
        stop, stream = StopSign(), Stream[float]()

        async def handle(seconds: float, turn: Turn) -> None:
            async with turn:
                await asyncio.sleep(seconds)

        pool: Pool[float] = Pool(
            Ramp(2, 3, 10.0), stop, hire=lambda: Lab().worker(), handle=handle,
            on_step=lambda before, allowed: steps.append((virtual.now(), before, allowed)),
        )  # fmt: skip
        running = asyncio.ensure_future(pool.run(stream))
        await asyncio.sleep(100)
        assert steps == [], "nothing was asked for yet"
        for _ in range(2):
            await stream.put(12)
        await asyncio.sleep(50)
        assert steps == [(100, 0, 2), (110, 2, 3), (120, 3, 2)]
        assert pool.in_use == 0
        await stream.close()
        await running

    virtual.run(main())


def test_each_reason_is_noted_with_how_it_stands() -> None:
    async def main() -> None:
        notes = Notes()
        pace = notes.concurrency
        pace.once(R.OUTAGE)
        assert notes.told == [], "before the first request nothing has a pace"
        pace.stepped(0, 5)
        await asyncio.sleep(300)
        notes.state = InUse(6, 6, 0)
        pace.stepped(5, 6)
        await asyncio.sleep(300)
        notes.state = InUse(5, 2, 0)
        pace.stepped(6, 5)
        for reason, state in (
            (R.OUTAGE, InUse(1, 1, 0)),
            (R.RESTORED, InUse(5, 5, 0)),
            (R.STOP, InUse(0, 3, 0)),
        ):
            notes.state = state
            pace.once(reason)
        notes.state = InUse(0, 0, 0)
        pace.end()
        pace.rested(Verdict.THROTTLED, 1)
        await asyncio.sleep(100)
        assert notes.told == [
            (0, R.START, 5, 0), (300, R.RAMP, 6, 0), (600, R.IDLE, 5, 0), (600, R.OUTAGE, 1, 0),
            (600, R.RESTORED, 5, 0), (600, R.STOP, 0, 0), (600, R.END, 0, 0),
        ]  # fmt: skip

    virtual.run(main())


def test_rests_that_follow_each_other_are_noted_once_a_second_with_the_latest_state() -> None:
    async def main() -> None:
        notes = Notes()
        notes.concurrency.stepped(0, 5)
        await asyncio.sleep(10)
        for resting in (1, 2, 3, 4, 5, 4):
            notes.state = InUse(5, 5, resting)
            notes.concurrency.rested(Verdict.THROTTLED, resting)
            await asyncio.sleep(0.1)
        await asyncio.sleep(5)
        notes.state = InUse(5, 5, 0)
        notes.concurrency.rested(Verdict.THROTTLED, 0)
        notes.state = InUse(5, 5, 1)
        notes.concurrency.rested(Verdict.UNAVAILABLE, 1)
        notes.state = InUse(0, 5, 1)
        notes.concurrency.once(R.STOP)
        assert notes.told == [
            (0, R.START, 5, 0), (10, R.THROTTLED, 5, 1), (11, R.THROTTLED, 5, 4), (15.6, R.RESUMED, 5, 0),
            (15.6, R.FAILING, 0, 1), (15.6, R.STOP, 0, 1),
        ]  # fmt: skip

    virtual.run(main())


def test_a_step_is_told_though_rests_come_at_every_moment() -> None:
    async def main() -> None:
        notes = Notes()
        notes.concurrency.stepped(0, 2)
        for allowed in range(3, 10):
            for _ in range(20):
                await asyncio.sleep(0.25)
                notes.concurrency.rested(Verdict.THROTTLED, 1)
            notes.state = InUse(allowed, allowed, 1)
            notes.concurrency.stepped(allowed - 1, allowed)
            notes.concurrency.rested(Verdict.THROTTLED, 2)
        await asyncio.sleep(5)
        steps = [(allowed, round(at)) for at, reason, allowed, _resting in notes.told if reason is R.RAMP]
        assert [allowed for allowed, _at in steps] == [3, 4, 5, 6, 7, 8, 9]
        assert all(at <= 5 * (allowed - 2) + 1 for allowed, at in steps), "within a second"

    virtual.run(main())


def test_rests_that_came_and_went_between_two_records_are_told_by_their_reason() -> None:
    async def main() -> None:
        notes = Notes()
        notes.concurrency.stepped(0, 5)
        notes.concurrency.rested(Verdict.THROTTLED, 1)
        notes.concurrency.rested(Verdict.THROTTLED, 0)
        await asyncio.sleep(2)
        assert notes.told == [(0, R.START, 5, 0), (1, R.THROTTLED, 5, 0)]
        notes.state = InUse(5, 5, 2)
        notes.concurrency.rested(Verdict.THROTTLED, 2)
        notes.state = InUse(5, 5, 0)
        notes.concurrency.rested(Verdict.THROTTLED, 0)
        await asyncio.sleep(2)
        assert notes.told[2:] == [(2, R.THROTTLED, 5, 2), (3, R.RESUMED, 5, 0)]

    virtual.run(main())


def test_a_week_of_429s_stays_small() -> None:
    async def main() -> None:
        notes = Notes()
        notes.concurrency.stepped(0, 5)
        hours = 2
        while virtual.now() < hours * 3600:
            for resting in (1, 2, 0):
                notes.concurrency.rested(Verdict.THROTTLED, resting)
            await asyncio.sleep(5)
        assert 60 * hours < len(notes.all) < 60 * hours + 120, "one a minute, and some more at the beginning"
        await asyncio.sleep(3600)
        before = len(notes.all)
        notes.concurrency.rested(Verdict.THROTTLED, 1)
        assert len(notes.all) == before + 1, "a new spell is noted at once"

    virtual.run(main())


def test_rests_and_outages_are_told_by_those_who_know_them() -> None:
    async def main() -> None:
        lab, told = Lab(retry_policy=RetryPolicy(step=5)), list[tuple[float, Verdict, int]]()
        rests = Rests(on_change=lambda why, resting: told.append((virtual.now(), why, resting)))
        worker = lab.worker()
        worker.rests = rests
        await lab.pursue(worker, [BUSY, DOWN, OK])
        assert [(why, resting) for _at, why, resting in told] == [
            (Verdict.THROTTLED, 1), (Verdict.THROTTLED, 0), (Verdict.UNAVAILABLE, 1), (Verdict.UNAVAILABLE, 0),
        ]  # fmt: skip
        assert (told[0][0], told[1][0]) == (0, 5)

    virtual.run(main())


def test_a_circuit_tells_when_it_trips_and_when_it_closes() -> None:
    async def main() -> None:
        tripped: list[R] = []
        circuit = Circuit(
            breaker=Breaker(), stop=StopSign(), send=lambda _job: asyncio.sleep(0), on_trip=tripped.append
        )
        while not circuit.is_tripped():
            circuit._watch(reply(Verdict.UNAVAILABLE))
        circuit._watch(reply(Verdict.UNAVAILABLE))
        circuit._watch(reply(Verdict.DELIVERED))
        assert tripped == [R.OUTAGE, R.RESTORED]

    virtual.run(main())


def test_a_stop_sign_tells_its_first_raising_alone() -> None:
    async def main() -> None:
        stop, told = StopSign(), list[str]()
        stop.on_up = lambda: told.append("up")
        stop.raise_(Stop(Exit.SIGINT, "one"))
        stop.raise_hard(Stop(Exit.SIGTERM, "two"))
        assert told == ["up"]

    virtual.run(main())
