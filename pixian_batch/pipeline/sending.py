"""The innermost layers of sending: written down around the exchange, and room on the disk around that.

The order of writes is the promise: `sending` is durable before the first byte leaves, the credits are
durable before the body is read, the body is synced before the verdict says it was delivered. That last
verdict is left to whoever finishes the result: with it, the worker would wait for nothing it needs.

A ledger that does not take the credits has them beside it, in the spool, before the body; nothing more is
written down of that attempt then, so that the next run settles it from there.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pixian_batch.adapters.landing import DiskError, Spool
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.wire.exchange import exchange
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.policy.record import Ended, Sending
from pixian_batch.policy.reply import SinkError
from pixian_batch.policy.stopping import Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.job import Job, Send
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.record import Answered
    from pixian_batch.policy.reply import Reply


@dataclass(slots=True, kw_only=True)
class Recording:
    """Makes attempts and writes them down: `await recording(job)` gives a `Reply`, whatever the wire does.

    Raises only `DiskError` and `LedgerError`, and those only before anything was sent (later the disk's
    trouble raises the stop sign, and the reply tells what became of the bytes), and `SourceChangedError`,
    when the request was never completed because the file is not the announced one.
    """

    session: WireSession
    ledger: Ledger
    landing: Landing
    stop: StopSign
    free: bool

    async def __call__(self, job: Job) -> Reply:
        """Send `job` once."""
        attempt = self.ledger.next_attempt()
        path = self.landing.spool_path(job.place, attempt)
        await self.ledger.sending(
            Sending(
                attempt=attempt,
                key=job.key,
                input=job.input,
                place=job.place,
                spool=path,
                pixels=job.pixels,
                at_most=job.at_most,
                free=self.free,
            )
        )
        try:
            spool = await Spool.open(path)
        except DiskError as error:
            await self._note(attempt, Ended(Verdict.NOT_SENT, message=str(error)))
            raise
        reply = await self._exchange(job, attempt, spool)
        if reply.verdict is not Verdict.DELIVERED and reply.unrecorded is None:
            await self._note(attempt, reply.ended())
        if isinstance(reply.cause, SourceChangedError):
            raise reply.cause
        return reply

    async def _exchange(self, job: Job, attempt: int, spool: Spool) -> Reply:
        unrecorded: LedgerError | None = None

        async def on_head(head: Answered) -> None:
            nonlocal unrecorded
            try:
                await self.ledger.answered(attempt, head)
            except LedgerError as error:
                # What was paid for comes first: the body is still taken in, then the run stops.
                unrecorded = error
                self.stop.raise_(Stop.disk(error))
                with contextlib.suppress(
                    DiskError
                ):  # then the price is unknown, and counts as its upper bound
                    await spool.write_head(head)

        reply = await exchange(
            self.session, job.source, job.params, spool, on_head=on_head, worth_keeping=not self.free
        )
        if isinstance(reply.cause, SinkError):
            self.stop.raise_(Stop.disk(reply.cause))
        kept = reply.body.path if reply.body is not None else reply.kept
        # The bytes are not where the ledger expects them, or are kept for a person.
        elsewhere = kept if spool.rescued or reply.verdict is Verdict.LOST else None
        reply = replace(reply, attempt=attempt, at_most=job.at_most, unrecorded=unrecorded)
        return replace(reply, kept=kept, elsewhere=elsewhere)

    async def _note(self, attempt: int, ended: Ended) -> None:
        """Write it down. If the ledger does not take it, the next run settles this attempt from the facts on disk."""
        try:
            await self.ledger.ended(attempt, ended)
        except LedgerError as error:
            self.stop.raise_(Stop.disk(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRoom:
    """Sets room on the disk aside for a result before it is bought. Raises `DiskError` when there is none."""

    landing: Landing
    send: Send

    async def __call__(self, job: Job) -> Reply | None:
        """Send `job` within the disk's room."""
        room = self.landing.claim_room(job.pixels)
        reply: Reply | None = None
        try:
            reply = await self.send(job)
        finally:
            size = reply.body.size if reply is not None and reply.body is not None else None
            self.landing.free_room(room, pixels=job.pixels, size=size)
        return reply
