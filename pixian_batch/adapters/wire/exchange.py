"""One exchange, the same for the command and the library: send an image, take the answer in, find the verdict.

It decides nothing that follows: whether to send again, what to write down and what to tell are others' work.

Proved by tests/pipeline/test_sending.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.wire.trace import SourceChangedError, StoppedError, Trace, WireError
from pixian_batch.contract.headers import read_result_headers
from pixian_batch.contract.kinds import HEAD_BYTES, TAIL_BYTES, Kind, result_kind, size_told
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.record import Answered
from pixian_batch.policy.reply import Body, Reply, SinkError
from pixian_batch.policy.verdict import Verdict, classify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pixian_batch.adapters.wire.answer import Answer
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.contract.errors import ApiError
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.contract.params import Params
    from pixian_batch.policy.reply import Sink

_SIZE_WITHIN: Final = 8 * 1024
"""Bytes of a result in which its size in pixels is looked for."""


@dataclass(slots=True)
class ExchangeFacts:
    """What is known so far of the exchange under way."""

    trace: Trace
    headers: ResultHeaders | None = None
    body: Body | None = None
    error: ApiError | None = None
    retry_after: float | None = None
    cause: Exception | None = None
    media_type: str = ""


async def _nothing(_head: Answered) -> None:
    pass


async def exchange(
    session: WireSession,
    source: Source,
    params: Params,
    sink: Sink,
    *,
    on_head: Callable[[Answered], Awaitable[None]] = _nothing,
    worth_keeping: bool = True,
) -> Reply:
    """Send `source` once. Never raises for what the wire, the service or the sink does.

    on_head: awaited when the head of a 2xx answer is here, before its body is read; it must not raise.
    worth_keeping: whether what came of a result that is lost is kept by the sink.
    """
    facts = ExchangeFacts(Trace())
    began = asyncio.get_running_loop().time()
    try:
        async with session.remove_background(source, params, facts.trace) as answer:
            await _take_in(answer, facts, sink, on_head, test=params.test)
        if facts.headers is not None:
            # Out of the exchange: a disk that takes its time is no silence of the service.
            facts.body = await sink.finish()
    except (WireError, SourceChangedError, SinkError) as error:
        facts.cause = error
    seconds = asyncio.get_running_loop().time() - began
    asked = result_kind(params.result_format)
    verdict = classify(facts.trace.exchange(as_asked=_is_as_asked(facts, asked)))
    kept = await _put_away(verdict, sink, worth_keeping=worth_keeping)
    return _reply(facts, verdict, asked, kept=kept, seconds=seconds)


async def _take_in(
    answer: Answer,
    facts: ExchangeFacts,
    sink: Sink,
    on_head: Callable[[Answered], Awaitable[None]],
    *,
    test: bool,
) -> None:
    """The answer's body into the sink, or the error that it describes."""
    facts.retry_after = answer.retry_after
    if not 200 <= answer.status <= 299:
        facts.error = await answer.error()
        return
    facts.headers = read_result_headers(answer.headers, test=test)
    facts.media_type = answer.media_type
    await on_head(Answered(answer.status, facts.headers, answer.length))
    head = bytearray()
    async for block in answer.blocks():
        head += block[: max(0, _SIZE_WITHIN - len(head))]
        await sink.write(block)
    facts.headers = _compared(facts.headers, size_told(bytes(head)))


def _compared(headers: ResultHeaders, size: tuple[int, int] | None) -> ResultHeaders:
    """The headers, with a warning when the result that came is not of the size they tell."""
    announced = headers.result_size
    if size is None or announced is None or size == (announced.width, announced.height):
        return headers
    told = f"the result is {size[0]} x {size[1]} pixels, and X-Result-Size is {str(announced)!r}"
    return replace(headers, warnings=(*headers.warnings, told))


async def _put_away(verdict: Verdict, sink: Sink, *, worth_keeping: bool) -> str | None:
    """Keep what may be worth something; the path of what was kept."""
    if verdict is Verdict.DELIVERED:
        return None
    if verdict in {Verdict.LOST, Verdict.IN_DOUBT} and worth_keeping:
        return await sink.keep()
    await sink.drop()
    return None


def _reply(facts: ExchangeFacts, verdict: Verdict, asked: Kind, *, kept: str | None, seconds: float) -> Reply:
    delivered = verdict is Verdict.DELIVERED
    return Reply(
        verdict,
        seconds=seconds,
        http_status=facts.trace.status,
        headers=facts.headers,
        body=facts.body if delivered else None,
        problem=None if delivered else _problem(facts, asked),
        cause=facts.cause,
        retry_after=facts.retry_after,
        kept=kept,
    )


def _is_as_asked(facts: ExchangeFacts, asked: Kind) -> bool:
    body = facts.body
    return body is not None and body.kind is asked and body.whole


def _problem(facts: ExchangeFacts, asked: Kind) -> Problem:
    """What went wrong, and what to do about it."""
    if facts.error is not None:
        return Problem(facts.error.code, facts.error.message, facts.error.hint)
    match facts.cause:
        case SourceChangedError() as lost:
            return Problem(lost.code, str(lost), lost.hint)
        case StoppedError():
            return Problem("stopped", str(facts.cause))
        case WireError() if facts.trace.status is None:
            return Problem("no_answer", str(facts.cause), "check the network and --api-url")
        case SinkError():
            return Problem("cut_off", f"the result could not be kept: {facts.cause}")
        case WireError():
            return Problem("cut_off", str(facts.cause))
    if facts.body is not None and facts.body.kind is asked:
        return Problem("not_as_asked", f"the {asked.name} that came is cut off")
    kind = facts.body.kind.name if facts.body and facts.body.kind else facts.media_type or "nothing"
    return Problem("not_as_asked", f"the answer is {kind}, not the {asked.name} asked for")


class MemorySink:
    """Keeps a body in memory, or (`content` False) only as much of it as tells what it is."""

    def __init__(self, *, content: bool = True) -> None:
        self.content = bytearray()
        self._all = content
        self._size = 0
        self._tail = b""

    async def write(self, chunk: bytes, /) -> None:
        """Take some bytes."""
        self._size += len(chunk)
        self._tail = (self._tail + chunk[-TAIL_BYTES:])[-TAIL_BYTES:]
        self.content += chunk if self._all else chunk[: max(0, HEAD_BYTES - len(self.content))]

    async def finish(self) -> Body:
        """What came."""
        return Body.judged("", self._size, head=bytes(self.content[:HEAD_BYTES]), tail=self._tail)

    async def keep(self) -> str | None:
        """It is kept; there is no path."""
        return None

    async def drop(self) -> None:
        """Let go of what came."""
        self.content.clear()


async def ask_price(session: WireSession, source: Source, params: Params) -> Reply:
    """One free test request of an image: what it would cost is `headers.credits_calculated`; its picture is let go.

    Raises `SourceChangedError`.
    """
    reply = await exchange(session, source, replace(params, test=True), MemorySink(content=False))
    if isinstance(reply.cause, SourceChangedError):
        raise reply.cause
    return reply
