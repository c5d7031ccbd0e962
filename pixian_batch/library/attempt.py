"""One request for one image: sent, its answer taken in, its verdict found. Decides nothing further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pixian_batch.adapters.landing import Body, DiskError, Spool
from pixian_batch.adapters.wire.trace import SourceChangedError, Trace, WireError
from pixian_batch.contract.headers import read_result_headers
from pixian_batch.contract.kinds import HEAD_BYTES, TAIL_BYTES, is_whole, result_kind, sniff
from pixian_batch.policy.verdict import Verdict, classify

if TYPE_CHECKING:
    from pixian_batch.adapters.wire.answer import Answer
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.contract.errors import ApiError
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.contract.params import Params


class MemorySink:
    """Takes a result as it comes, as a `Spool` does, and keeps it in memory."""

    def __init__(self) -> None:
        self.content = bytearray()

    async def write(self, chunk: bytes) -> None:
        """Take some bytes."""
        self.content += chunk

    async def finish(self) -> Body:
        """What came."""
        kind = sniff(bytes(self.content[:HEAD_BYTES]))
        whole = kind is not None and is_whole(kind, bytes(self.content[-TAIL_BYTES:]))
        return Body("", len(self.content), kind, whole)

    async def keep(self) -> str | None:
        """It is kept; there is no path."""
        return None

    async def drop(self) -> None:
        """Let go of what came."""
        self.content.clear()


Sink: TypeAlias = MemorySink | Spool


@dataclass(slots=True)
class Reply:
    """The facts of one attempt, filled in as they happen. kept: where the bytes of a lost result are."""

    trace: Trace
    verdict: Verdict = Verdict.NOT_SENT
    headers: ResultHeaders | None = None
    body: Body | None = None
    error: ApiError | None = None
    retry_after: float | None = None
    cause: Exception | None = None
    kept: str | None = None


async def send(wire: WireSession, source: Source, params: Params, sink: Sink) -> Reply:
    """Send once. Never raises for what the wire, the service or the disk does."""
    reply = Reply(Trace())
    try:
        async with wire.remove_background(source, params, reply.trace) as answer:
            reply.retry_after = answer.retry_after
            if 200 <= answer.status <= 299:
                await _receive(answer, reply, sink, test=params.test)
            else:
                reply.error = await answer.error()
    except (WireError, SourceChangedError, DiskError) as error:
        reply.cause = error
    except BaseException:  # cancelled: nobody will ask for what came
        await sink.drop()
        raise
    asked = result_kind(params.result_format)
    as_asked = reply.body is not None and reply.body.kind is asked and reply.body.whole
    reply.verdict = classify(reply.trace.exchange(as_asked=as_asked))
    if reply.verdict is Verdict.LOST:
        reply.kept = await sink.keep()
    elif reply.verdict is not Verdict.DELIVERED:
        await sink.drop()
    return reply


async def _receive(answer: Answer, reply: Reply, sink: Sink, *, test: bool) -> None:
    reply.headers = read_result_headers(answer.headers, test=test)
    async for block in answer.blocks():
        await sink.write(block)
    reply.body = await sink.finish()
