"""A worker's pursuit of an image and the circuit breaker that all pass, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import count, pairwise
from typing import TYPE_CHECKING

from support import virtual
from support.virtual import now

from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.job import Reply
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.worker import Pursuit, Worker
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.retry import Fail, Halt, Hold, Land, RetryPolicy
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict as V  # noqa: N817  # tables of verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OK, BUSY, DOWN, NO = V.DELIVERED, V.THROTTLED, V.UNAVAILABLE, V.REFUSED
_numbers = count(1)


def reply(verdict: V, *, status: int | None = None, retry_after: float | None = None) -> Reply:
    problem = None if verdict is OK else Problem(None, f"said {verdict}")
    return Reply(next(_numbers), verdict, 0.0, status, problem=problem, retry_after=retry_after)


class Progress:
    """One gate and stop sign, any number of workers, and the times of all sendings."""

    def __init__(self, *, retry_policy: RetryPolicy | None = None, breaker: Breaker | None = None) -> None:
        self.stop = StopSign()
        self.circuit = Circuit(breaker or Breaker(), self.stop)
        self.retry_policy = retry_policy or RetryPolicy()
        self.sent: list[float] = []
        self.out = self.most_as_probes = 0

    def worker(self) -> Worker:
        return Worker(self.circuit, self.stop, self.retry_policy)

    async def pursue(self, worker: Worker, replies: Iterable[Reply | V]) -> Pursuit:
        left = iter(replies)
        return await self.pursue_by(worker, lambda: next(left))

    async def pursue_by(self, worker: Worker, answer: Callable[[], Reply | V], takes: float = 0.0) -> Pursuit:
        async def send() -> Reply:
            self.sent.append(now())
            self.out += 1
            if self.circuit.is_tripped():
                self.most_as_probes = max(self.most_as_probes, self.out)
            await asyncio.sleep(takes)
            self.out -= 1
            said = answer()
            return said if isinstance(said, Reply) else reply(said)

        return await worker.pursue(send)


# --- 429 -----------------------------------------------------------------------------------------


def test_a_worker_backs_off_five_ten_fifteen_seconds_without_limit() -> None:
    async def main() -> None:
        progress = Progress()
        ended = await progress.pursue(progress.worker(), [BUSY] * 30 + [OK])
        waits = [later - earlier for earlier, later in pairwise(progress.sent)]
        assert waits == [5.0 * step for step in range(1, 31)]
        assert (ended.attempts, ended.ended) == (31, Land())

    virtual.run(main())


def test_the_streak_of_429s_is_kept_across_images_until_a_success() -> None:
    async def main() -> None:
        progress = Progress()
        worker = progress.worker()
        await progress.pursue(worker, [BUSY, BUSY, NO])
        assert progress.sent == [0, 5, 15]
        await progress.pursue(worker, [BUSY, OK])
        assert progress.sent[3:] == [15, 30], "a refusal is no success: the third 429 in a row"
        await progress.pursue(worker, [BUSY, OK])
        assert progress.sent[5:] == [30, 35], "a success begins anew"

    virtual.run(main())


def test_other_workers_neither_wait_nor_help() -> None:
    async def main() -> None:
        progress = Progress()
        one, other = progress.worker(), progress.worker()
        slow = asyncio.ensure_future(progress.pursue(one, [BUSY, BUSY, BUSY, OK]))
        await asyncio.sleep(1)
        for _ in range(3):
            await progress.pursue(other, [OK])
        assert now() == 1, "the other worker went on at once"
        assert one.resting
        assert not other.resting
        await slow
        assert now() == 30, "and its successes did not shorten the wait"

    virtual.run(main())


def test_retry_after_is_heeded_when_it_is_longer() -> None:
    async def main() -> None:
        progress = Progress()
        asked: list[Reply | V] = [
            reply(BUSY, retry_after=60),
            reply(BUSY, retry_after=3),
            reply(DOWN, retry_after=100),
            OK,
        ]
        await progress.pursue(progress.worker(), asked)
        assert progress.sent == [0, 60, 70, 170]

    virtual.run(main())


def test_the_step_is_an_option() -> None:
    async def main() -> None:
        progress = Progress(retry_policy=RetryPolicy(step=0.5))
        await progress.pursue(progress.worker(), [BUSY, BUSY, OK])
        assert progress.sent == [0, 0.5, 1.5]

    virtual.run(main())


# --- failures ------------------------------------------------------------------------------------


def test_retries_are_counted_for_each_image() -> None:
    async def main() -> None:
        progress = Progress()
        worker = progress.worker()
        for verdict in (DOWN, V.NOT_SENT):
            began = len(progress.sent)
            ended = await progress.pursue(worker, [verdict] * 9)
            assert (ended.attempts, ended.ended) == (4, Fail())
            assert [at - progress.sent[began] for at in progress.sent[began:]] == [0, 5, 15, 30]

    virtual.run(main())


def test_429s_do_not_use_up_the_retries() -> None:
    async def main() -> None:
        progress = Progress(retry_policy=RetryPolicy(retries=1))
        ended = await progress.pursue(progress.worker(), [BUSY, DOWN, BUSY, BUSY, OK])
        assert ended.ended == Land()

    virtual.run(main())


def test_what_may_have_been_charged_is_never_sent_again_unasked() -> None:
    async def main() -> None:
        for verdict in (V.IN_DOUBT, V.LOST):
            progress = Progress()
            ended = await progress.pursue(progress.worker(), [verdict, OK])
            assert (ended.attempts, ended.ended) == (1, Hold())
            progress = Progress(retry_policy=RetryPolicy(retries=2, resend_doubtful=True))
            ended = await progress.pursue(progress.worker(), [verdict] * 9)
            assert (ended.attempts, ended.ended) == (3, Hold())

    virtual.run(main())


def test_what_halts_one_stops_all() -> None:
    async def main() -> None:
        for status, cause in ((401, Exit.CREDENTIALS), (403, Exit.CREDENTIALS), (402, Exit.CREDITS)):
            progress = Progress()
            waiting = asyncio.ensure_future(progress.pursue(progress.worker(), [BUSY, OK]))
            await asyncio.sleep(1)
            ended = await progress.pursue(progress.worker(), [reply(V.HALTING, status=status)])
            assert ended.ended == Halt()
            assert progress.stop.stop is not None
            assert progress.stop.stop.cause is cause
            other = await waiting
            assert (other.attempts, other.ended) == (1, None), "its rest was cut short, nothing more was sent"
            later = await progress.pursue(progress.worker(), [OK])
            assert (later.attempts, later.reply) == (0, None)

    virtual.run(main())


def test_an_attempt_that_may_not_be_made_ends_the_pursuit() -> None:
    async def main() -> None:
        progress = Progress()

        async def forbidden() -> Reply | None:
            return None

        assert await progress.worker().pursue(forbidden) == Pursuit(now(), None, 0, None)

    virtual.run(main())


# --- the circuit ---------------------------------------------------------------------------------


def service(back_at: float) -> Callable[[], V]:
    return lambda: OK if now() >= back_at else DOWN


async def crowd(
    progress: Progress, workers: int, answer: Callable[[], V], *, images: int = 1
) -> list[Pursuit]:
    async def work(worker: Worker) -> list[Pursuit]:
        return [await progress.pursue_by(worker, answer, takes=2.0) for _ in range(images)]

    ended = await asyncio.gather(*(work(progress.worker()) for _ in range(workers)))
    return [pursuit for some in ended for pursuit in some]


def test_while_the_service_fails_for_everyone_one_probe_goes_at_a_time() -> None:
    async def main() -> None:
        progress = Progress(breaker=Breaker(threshold=10))
        ended = await crowd(progress, 10, service(back_at=300.0), images=2)
        probes = [at for at in progress.sent if 10 <= at < 300]
        gaps = [later - earlier for earlier, later in pairwise(probes)]
        assert gaps
        assert all(30 <= gap <= 33 for gap in gaps), "each 30 s after the last one has failed"
        assert progress.most_as_probes == 1
        assert all(pursuit.ended == Land() for pursuit in ended), "no image fails because the service did"
        assert not progress.circuit.is_tripped()
        after = [at for at in progress.sent if at >= 305]
        assert len(after) >= 18, "everybody goes again"
        assert max(after) <= 360, "and side by side"

    virtual.run(main())


def test_a_service_that_never_comes_back_ends_the_run() -> None:
    async def main() -> None:
        progress = Progress(breaker=Breaker(threshold=5, give_up_after=900))
        ended = await crowd(progress, 8, service(back_at=1e9))
        assert progress.stop.stop is not None
        assert progress.stop.stop.cause is Exit.SERVICE
        assert "15 min" in progress.stop.stop.message
        assert "said unavailable" in progress.stop.stop.message
        assert 900 <= now() <= 960
        assert not any(pursuit.ended == Land() for pursuit in ended)

    virtual.run(main())


def test_one_image_that_fails_alone_trips_nothing() -> None:
    async def main() -> None:
        progress = Progress(breaker=Breaker(threshold=5))
        for _ in range(5):
            await progress.pursue(progress.worker(), [DOWN] * 4)
            await progress.pursue(progress.worker(), [OK])
        assert not progress.circuit.is_tripped()

    virtual.run(main())


def test_429s_and_refusals_trip_nothing() -> None:
    async def main() -> None:
        progress = Progress(breaker=Breaker(threshold=3))
        await progress.pursue(progress.worker(), [BUSY] * 50 + [OK])
        for _ in range(10):
            await progress.pursue(progress.worker(), [NO])
        assert not progress.circuit.is_tripped()

    virtual.run(main())


def test_the_stop_sign_frees_those_who_wait_at_the_gate() -> None:
    async def main() -> None:
        progress = Progress(breaker=Breaker(threshold=3))
        loop = asyncio.get_running_loop()
        loop.call_later(100, lambda: progress.stop.raise_(Stop(Exit.SIGINT, "stopped")))
        ended = await crowd(progress, 6, service(back_at=1e9))
        assert now() <= 102
        assert all(pursuit.ended in {None, Fail()} for pursuit in ended)

    virtual.run(main())
