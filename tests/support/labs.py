"""Workers and a circuit breaker in virtual time, and a service that answers as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

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
from pixian_batch.policy.retry import RetryPolicy
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
        self.out = self.most_as_probes = self.idle = self.most_idle = 0
        self._answers: dict[str, tuple[Answer, float]] = {}

    def worker(self) -> Worker:
        return Worker(self.circuit, self.stop, self.retry_policy)

    @asynccontextmanager
    async def _waiting(self) -> AsyncIterator[None]:
        self.idle += 1
        self.most_idle = max(self.most_idle, self.idle)
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
