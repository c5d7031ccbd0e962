"""One request for one image: written down, sent, its answer spooled, its verdict written down.

The order of writes is the promise: `sending` is durable before the first byte leaves, the credits are
durable before the body is read, the body is synced before the verdict says it was delivered. That last
verdict is left to whoever finishes the result: with it, the worker would wait for nothing it needs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixian_batch.adapters.landing import Body, DiskError, Spool
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.wire.trace import SourceChangedError, Trace, WireError
from pixian_batch.contract.headers import read_result_headers
from pixian_batch.contract.kinds import Kind, result_kind
from pixian_batch.pipeline.job import Reply
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.record import Answered, Ended, Sending
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict, classify

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.wire.answer import Answer
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.contract.errors import ApiError
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.pipeline.job import Job
    from pixian_batch.pipeline.stop_sign import StopSign


@dataclass(slots=True)
class ExchangeFacts:
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
    wire: WireSession
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
        facts = ExchangeFacts(Trace())
        await self._send(job, attempt, spool, facts)
        seconds = asyncio.get_running_loop().time() - started
        reply = await self._conclude(job, attempt, spool, facts, seconds=seconds, at_most=at_most)
        if facts.trace.source_changed:
            raise SourceChangedError("changed while it was being sent")
        return reply

    async def _send(self, job: Job, attempt: int, spool: Spool, facts: ExchangeFacts) -> None:
        try:
            async with self.wire.remove_background(job.source, job.params, facts.trace) as answer:
                facts.retry_after = answer.retry_after
                if 200 <= answer.status <= 299:
                    await self._receive(job, attempt, answer, spool, facts)
                else:
                    facts.error = await answer.error()
            if facts.headers is not None:
                # Out of the exchange: a disk that takes its time is no silence of the service.
                facts.body = await spool.finish()
        except SourceChangedError:
            facts.broke = "the file changed while it was being sent"
        except WireError as error:
            facts.broke = str(error)
        except DiskError as error:
            facts.broke = f"the result could not be kept: {error}"
            self._disk_trouble(str(error))

    async def _receive(
        self, job: Job, attempt: int, answer: Answer, spool: Spool, facts: ExchangeFacts
    ) -> None:
        facts.headers = read_result_headers(answer.headers, test=job.params.test)
        facts.media_type = answer.media_type
        try:
            await self.ledger.answered(attempt, Answered(answer.status, facts.headers, answer.length))
        except LedgerError as error:
            # What was paid for comes first: the body is still taken in, then the run stops.
            self._disk_trouble(str(error))
        async for block in answer.blocks():
            await spool.write(block)

    def _disk_trouble(self, message: str) -> None:
        self.stop.raise_(
            Stop(
                Exit.DISK, message, "make room, then run the same command again: it goes on where it stopped"
            )
        )

    async def _conclude(
        self,
        job: Job,
        attempt: int,
        spool: Spool,
        facts: ExchangeFacts,
        *,
        seconds: float,
        at_most: Decimal | None,
    ) -> Reply:
        """The verdict, by the facts; durable unless its body is to be finished."""
        asked = result_kind(job.params.result_format)
        verdict = classify(facts.trace.exchange(as_asked=_is_as_asked(facts, asked)))
        planned = spool.path if not spool.rescued else None
        kept = await self._put_away(verdict, spool)
        reply = Reply(
            attempt,
            verdict,
            seconds,
            http_status=facts.trace.status,
            headers=facts.headers,
            body=facts.body if verdict is Verdict.DELIVERED else None,
            problem=None if verdict is Verdict.DELIVERED else _problem(facts, asked),
            retry_after=facts.retry_after,
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


def _is_as_asked(facts: ExchangeFacts, asked: Kind) -> bool:
    body = facts.body
    return body is not None and body.kind is asked and body.whole


def _problem(facts: ExchangeFacts, asked: Kind) -> Problem:
    """What went wrong, and what to do about it."""
    if facts.error is not None:
        return Problem(facts.error.code, facts.error.message, facts.error.hint)
    if facts.trace.status is None:
        return Problem("no_answer", facts.broke, "check the network and --api-url")
    if facts.broke:
        return Problem("cut_off", facts.broke, "")
    got = facts.body.kind.name if facts.body and facts.body.kind else facts.media_type or "nothing"
    cut = facts.body is not None and facts.body.kind is asked
    said = (
        f"the {asked.name} that came is cut off"
        if cut
        else f"the answer is {got}, not the {asked.name} asked for"
    )
    return Problem("not_as_asked", said, "")
