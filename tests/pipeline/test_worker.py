"""A worker's pursuit of an image and the circuit breaker that all pass, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from support import virtual
from support.records import key
from support.virtual import now

from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params
from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.job import Job
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.worker import Pursuit, Worker
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.reply import Reply
from pixian_batch.policy.retry import Fail, Halt, Hold, Land, RetryPolicy
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict as V  # noqa: N817  # tables of verdicts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

JOB = Job("a.jpg", BytesSource(b"x", Kind.JPEG), key(), Params(), "a.png", 1000)
OK, BUSY, DOWN, NO = V.DELIVERED, V.THROTTLED, V.UNAVAILABLE, V.REFUSED


def reply(verdict: V, *, status: int | None = None, retry_after: float | None = None) -> Reply:
    problem = None if verdict is OK else Problem(None, f"said {verdict}")
    return Reply(verdict, http_status=status, problem=problem, retry_after=retry_after)


Answer = Callable[[], "Reply | V | None"]


class Lab:
    """One circuit breaker and stop sign, any number of workers, and the times of all sendings."""

    def __init__(self, *, retry_policy: RetryPolicy | None = None, breaker: Breaker | None = None) -> None:
        self.stop = StopSign()
        self.circuit = Circuit(
            breaker=breaker or Breaker(), stop=self.stop, send=self._send, idle=self._waiting
        )
        self.retry_policy = retry_policy or RetryPolicy()
        self.sent: list[float] = []
        self.out = self.most_as_probes = self.idle = 0
        self._answers: dict[str, tuple[Answer, float]] = {}

    def worker(self) -> Worker:
        return Worker(self.circuit, self.stop, self.retry_policy)

    @asynccontextmanager
    async def _waiting(self) -> AsyncIterator[None]:
        self.idle += 1
        yield
        self.idle -= 1

    async def pursue(self, worker: Worker, replies: Iterable[Reply | V]) -> Pursuit:
        left = iter(replies)
        return await self.pursue_by(worker, lambda: next(left))

    async def pursue_by(self, worker: Worker, answer: Answer, takes: float = 0.0) -> Pursuit:
        name = f"{len(self._answers)}.jpg"
        self._answers[name] = answer, takes
        return await worker.pursue(replace(JOB, input=name))

    async def _send(self, job: Job) -> Reply | None:
        answer, takes = self._answers[job.input]
        self.sent.append(now())
        self.out += 1
        if self.circuit.is_tripped():
            self.most_as_probes = max(self.most_as_probes, self.out)
        await asyncio.sleep(takes)
        self.out -= 1
        outcome = answer()
        return reply(outcome) if isinstance(outcome, V) else outcome


# --- 429 -----------------------------------------------------------------------------------------


def test_a_worker_backs_off_five_ten_fifteen_seconds_without_limit() -> None:
    async def main() -> None:
        lab = Lab()
        ended = await lab.pursue(lab.worker(), [BUSY] * 30 + [OK])
        waits = [later - earlier for earlier, later in pairwise(lab.sent)]
        assert waits == [5.0 * step for step in range(1, 31)]
        assert (ended.attempts, ended.ended) == (31, Land())

    virtual.run(main())


def test_the_streak_of_429s_is_kept_across_images_until_a_success() -> None:
    async def main() -> None:
        lab = Lab()
        worker = lab.worker()
        await lab.pursue(worker, [BUSY, BUSY, NO])
        assert lab.sent == [0, 5, 15]
        await lab.pursue(worker, [BUSY, OK])
        assert lab.sent[3:] == [15, 30], "a refusal is no success: the third 429 in a row"
        await lab.pursue(worker, [BUSY, OK])
        assert lab.sent[5:] == [30, 35], "a success begins anew"

    virtual.run(main())


def test_other_workers_neither_wait_nor_help() -> None:
    async def main() -> None:
        lab = Lab()
        one, other = lab.worker(), lab.worker()
        slow = asyncio.ensure_future(lab.pursue(one, [BUSY, BUSY, BUSY, OK]))
        await asyncio.sleep(1)
        for _ in range(3):
            await lab.pursue(other, [OK])
        assert now() == 1, "the other worker went on at once"
        assert one.resting
        assert not other.resting
        await slow
        assert now() == 30, "and its successes did not shorten the wait"

    virtual.run(main())


def test_retry_after_is_heeded_when_it_is_longer() -> None:
    async def main() -> None:
        lab = Lab()
        asked: list[Reply | V] = [
            reply(BUSY, retry_after=60),
            reply(BUSY, retry_after=3),
            reply(DOWN, retry_after=100),
            OK,
        ]
        await lab.pursue(lab.worker(), asked)
        assert lab.sent == [0, 60, 70, 170]

    virtual.run(main())


def test_the_step_is_an_option() -> None:
    async def main() -> None:
        lab = Lab(retry_policy=RetryPolicy(step=0.5))
        await lab.pursue(lab.worker(), [BUSY, BUSY, OK])
        assert lab.sent == [0, 0.5, 1.5]

    virtual.run(main())


# --- failures ------------------------------------------------------------------------------------


def test_retries_are_counted_for_each_image() -> None:
    async def main() -> None:
        lab = Lab()
        worker = lab.worker()
        for verdict in (DOWN, V.NOT_SENT):
            began = len(lab.sent)
            ended = await lab.pursue(worker, [verdict] * 9)
            assert (ended.attempts, ended.ended) == (4, Fail())
            assert [at - lab.sent[began] for at in lab.sent[began:]] == [0, 5, 15, 30]

    virtual.run(main())


def test_429s_do_not_use_up_the_retries() -> None:
    async def main() -> None:
        lab = Lab(retry_policy=RetryPolicy(retries=1))
        ended = await lab.pursue(lab.worker(), [BUSY, DOWN, BUSY, BUSY, OK])
        assert ended.ended == Land()

    virtual.run(main())


def test_what_may_have_been_charged_is_never_sent_again_unasked() -> None:
    async def main() -> None:
        for verdict in (V.IN_DOUBT, V.LOST):
            lab = Lab()
            ended = await lab.pursue(lab.worker(), [verdict, OK])
            assert (ended.attempts, ended.ended) == (1, Hold())
            lab = Lab(retry_policy=RetryPolicy(retries=2, resend_doubtful=True))
            ended = await lab.pursue(lab.worker(), [verdict] * 9)
            assert (ended.attempts, ended.ended) == (3, Hold())

    virtual.run(main())


def test_what_halts_one_stops_all() -> None:
    async def main() -> None:
        for status, cause in ((401, Exit.CREDENTIALS), (403, Exit.CREDENTIALS), (402, Exit.CREDITS)):
            lab = Lab()
            waiting = asyncio.ensure_future(lab.pursue(lab.worker(), [BUSY, OK]))
            await asyncio.sleep(1)
            ended = await lab.pursue(lab.worker(), [reply(V.HALTING, status=status)])
            assert ended.ended == Halt()
            assert lab.stop.stop is not None
            assert lab.stop.stop.cause is cause
            other = await waiting
            assert (other.attempts, other.ended) == (1, None), "its rest was cut short, nothing more was sent"
            later = await lab.pursue(lab.worker(), [OK])
            assert (later.attempts, later.reply) == (0, None)

    virtual.run(main())


def test_an_attempt_that_may_not_be_made_ends_the_pursuit() -> None:
    async def main() -> None:
        lab = Lab()
        assert await lab.pursue_by(lab.worker(), lambda: None) == Pursuit(now(), None, 0, None)

    virtual.run(main())


# --- the circuit ---------------------------------------------------------------------------------


def service(back_at: float) -> Callable[[], V]:
    return lambda: OK if now() >= back_at else DOWN


async def crowd(lab: Lab, workers: int, answer: Callable[[], V], *, images: int = 1) -> list[Pursuit]:
    async def work(worker: Worker) -> list[Pursuit]:
        return [await lab.pursue_by(worker, answer, takes=2.0) for _ in range(images)]

    ended = await asyncio.gather(*(work(lab.worker()) for _ in range(workers)))
    return [pursuit for some in ended for pursuit in some]


def test_while_the_service_fails_for_everyone_one_probe_goes_at_a_time() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=10))
        ended = await crowd(lab, 10, service(back_at=300.0), images=2)
        probes = [at for at in lab.sent if 10 <= at < 300]
        gaps = [later - earlier for earlier, later in pairwise(probes)]
        assert gaps
        assert all(30 <= gap <= 33 for gap in gaps), "each 30 s after the last one has failed"
        assert lab.most_as_probes == 1
        assert lab.idle == 0, "who waited is in use again"
        assert all(pursuit.ended == Land() for pursuit in ended), "no image fails because the service did"
        assert not lab.circuit.is_tripped()
        after = [at for at in lab.sent if at >= 305]
        assert len(after) >= 18, "everybody goes again"
        assert max(after) <= 360, "and side by side"

    virtual.run(main())


def test_a_service_that_never_comes_back_ends_the_run() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=5, give_up_after=900))
        ended = await crowd(lab, 8, service(back_at=1e9))
        assert lab.stop.stop is not None
        assert lab.stop.stop.cause is Exit.SERVICE
        assert "15 min" in lab.stop.stop.message
        assert "said unavailable" in lab.stop.stop.message
        assert 900 <= now() <= 960
        assert not any(pursuit.ended == Land() for pursuit in ended)

    virtual.run(main())


def test_one_image_that_fails_alone_trips_nothing() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=5))
        for _ in range(5):
            await lab.pursue(lab.worker(), [DOWN] * 4)
            await lab.pursue(lab.worker(), [OK])
        assert not lab.circuit.is_tripped()

    virtual.run(main())


def test_429s_and_refusals_trip_nothing() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=3))
        await lab.pursue(lab.worker(), [BUSY] * 50 + [OK])
        for _ in range(10):
            await lab.pursue(lab.worker(), [NO])
        assert not lab.circuit.is_tripped()

    virtual.run(main())


def test_the_stop_sign_frees_those_who_wait_at_the_gate() -> None:
    async def main() -> None:
        lab = Lab(breaker=Breaker(threshold=3))
        loop = asyncio.get_running_loop()
        loop.call_later(100, lambda: lab.stop.raise_(Stop(Exit.SIGINT, "stopped")))
        ended = await crowd(lab, 6, service(back_at=1e9))
        assert now() <= 102
        assert all(pursuit.ended in {None, Fail()} for pursuit in ended)

    virtual.run(main())
