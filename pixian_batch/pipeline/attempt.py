"""One request for one image: written down, sent, its answer spooled, its verdict written down.

The order of writes is the promise: `sending` is durable before the first byte leaves, the credits are
durable before the body is read, the body is synced before the verdict says it was delivered. That last
verdict is left to whoever finishes the result: with it, the worker would wait for nothing it needs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixian_batch.adapters.client import SourceChangedError, Trace, WireError
from pixian_batch.adapters.landing import Body, DiskError, Spool
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.contract.headers import read_result_headers
from pixian_batch.contract.kinds import Kind, result_kind
from pixian_batch.pipeline.job import Reply
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.record import Answered, Ended, Sending
from pixian_batch.policy.stopping import Cause, Stop
from pixian_batch.policy.verdict import Verdict, classify

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.adapters.client import Answer, PixianWire
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.contract.errors import ApiError
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.pipeline.job import Job
    from pixian_batch.pipeline.stop_sign import StopSign


@dataclass(slots=True)
class _Course:
    """What is known so far of the attempt under way."""

    trace: Trace
    headers: ResultHeaders | None = None
    body: Body | None = None
    error: ApiError | None = None
    retry_after: float | None = None
    broke: str = ""
    media_type: str = ""


@dataclass(slots=True)
class Attempter:
    """Makes attempts: `await attempter(job, at_most)` gives a `Reply`, whatever the wire does.

    Raises only `DiskError` and `LedgerError`, and those only before anything was sent (later the disk's
    trouble raises the stop sign, and the reply tells what became of the bytes), and `SourceChangedError`,
    when the request was never completed because the file is not the announced one.
    """

    ledger: Ledger
    landing: Landing
    wire: PixianWire
    stop: StopSign
    free: bool

    async def __call__(self, job: Job, at_most: Decimal | None) -> Reply:
        """Send `job` once."""
        attempt = self.ledger.next_attempt()
        path = self.landing.spool_path(job.place, attempt)
        await self.ledger.sending(
            Sending(attempt, job.key, job.input, job.place, path, job.pixels, at_most, self.free)
        )
        try:
            spool = await Spool.open(path)
        except DiskError as error:
            await self._note(attempt, Ended(Verdict.NOT_SENT, message=str(error)))
            raise
        started = asyncio.get_running_loop().time()
        course = _Course(Trace())
        await self._send(job, attempt, spool, course)
        seconds = asyncio.get_running_loop().time() - started
        reply = await self._conclude(job, attempt, spool, course, seconds=seconds, at_most=at_most)
        if course.trace.source_changed:
            raise SourceChangedError("changed while it was being sent")
        return reply

    async def _send(self, job: Job, attempt: int, spool: Spool, course: _Course) -> None:
        try:
            async with self.wire.remove_background(job.source, job.params, course.trace) as answer:
                course.retry_after = answer.retry_after
                if 200 <= answer.status <= 299:  # noqa: PLR2004  # the 2xx range
                    await self._receive(job, attempt, answer, spool, course)
                else:
                    course.error = await answer.error()
            if course.headers is not None:
                # Out of the exchange: a disk that takes its time is no silence of the service.
                course.body = await spool.finish()
        except SourceChangedError:
            course.broke = "the file changed while it was being sent"
        except WireError as error:
            course.broke = str(error)
        except DiskError as error:
            course.broke = f"the result could not be kept: {error}"
            self._disk_trouble(str(error))

    async def _receive(self, job: Job, attempt: int, answer: Answer, spool: Spool, course: _Course) -> None:
        course.headers = read_result_headers(answer.headers, test=job.params.test)
        course.media_type = answer.media_type
        try:
            await self.ledger.answered(attempt, Answered(answer.status, course.headers, answer.length))
        except LedgerError as error:
            # What was paid for comes first: the body is still taken in, then the run stops.
            self._disk_trouble(str(error))
        async for block in answer.blocks():
            await spool.write(block)

    def _disk_trouble(self, message: str) -> None:
        self.stop.raise_(
            Stop(
                Cause.DISK, message, "make room, then run the same command again: it goes on where it stopped"
            )
        )

    async def _conclude(
        self,
        job: Job,
        attempt: int,
        spool: Spool,
        course: _Course,
        *,
        seconds: float,
        at_most: Decimal | None,
    ) -> Reply:
        """The verdict, by the facts; durable unless its body is to be finished."""
        asked = result_kind(job.params.result_format)
        verdict = classify(course.trace.exchange(as_asked=_is_as_asked(course, asked)))
        planned = spool.path if not spool.rescued else None
        kept = await self._put_away(verdict, spool)
        reply = Reply(
            attempt,
            verdict,
            seconds,
            http_status=course.trace.status,
            headers=course.headers,
            body=course.body if verdict is Verdict.DELIVERED else None,
            problem=None if verdict is Verdict.DELIVERED else _problem(course, asked),
            retry_after=course.retry_after,
            kept=kept,
            at_most=at_most,
            # The bytes are not where the ledger expects them, or are kept for a person.
            elsewhere=kept if kept != planned or verdict is Verdict.LOST else None,
        )
        if verdict is not Verdict.DELIVERED:
            await self._note(attempt, reply.ended())
        return reply

    async def _put_away(self, verdict: Verdict, spool: Spool) -> str | None:
        """Keep what may be worth something; the path of what was kept."""
        if verdict is Verdict.DELIVERED:
            return spool.path
        if verdict in {Verdict.LOST, Verdict.IN_DOUBT} and not self.free:
            return await spool.keep()
        await spool.drop()
        return None

    async def _note(self, attempt: int, ended: Ended) -> None:
        """Write it down. If the ledger does not take it, the next run settles this attempt from the facts on disk."""
        try:
            await self.ledger.ended(attempt, ended)
        except LedgerError as error:
            self._disk_trouble(str(error))


def _is_as_asked(course: _Course, asked: Kind) -> bool:
    body = course.body
    return body is not None and body.kind is asked and body.whole


def _problem(course: _Course, asked: Kind) -> Problem:
    """What went wrong, and what to do about it."""
    if course.error is not None:
        return Problem(course.error.code, course.error.message, course.error.hint)
    if course.trace.status is None:
        return Problem("no_answer", course.broke, "check the network and --api-url")
    if course.broke:
        return Problem("cut_off", course.broke, "")
    got = course.body.kind.name if course.body and course.body.kind else course.media_type or "nothing"
    cut = course.body is not None and course.body.kind is asked
    said = (
        f"the {asked.name} that came is cut off"
        if cut
        else f"the answer is {got}, not the {asked.name} asked for"
    )
    return Problem("not_as_asked", said, "")
