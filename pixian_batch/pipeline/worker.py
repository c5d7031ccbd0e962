"""The outermost layer of sending: a worker that sends the image in its hand again until its way has ended.

A retry is a rest in here; the image never goes back into a queue. Every worker waits on its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from pixian_batch.pipeline.rests import Rests
from pixian_batch.policy.retry import Fail, Halt, Hold, Land, Rest, RetryPolicy, RetryState, after
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.pipeline.circuit import Circuit
    from pixian_batch.pipeline.job import Job
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.reply import Reply

_CREDENTIALS = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Pursuit:
    """How the pursuit of one image ended: the last reply (None: nothing was sent), and the attempts made.

    began: the loop's time when the worker took the image in its hand.
    """

    began: float
    reply: Reply | None
    attempts: int
    ended: Land | Fail | Hold | Halt | None
    """None: the run stopped while the image waited for its next attempt."""


@dataclass(slots=True)
class Worker:
    """One of the pool. `retry_state` is its own memory of 429s, kept from image to image."""

    send: Circuit
    stop: StopSign
    retry_policy: RetryPolicy
    retry_state: RetryState = field(default_factory=RetryState)
    busy: bool = False
    resting: bool = False
    throttled: int = 0
    """Its 429s in this run."""
    rests: Rests = field(default_factory=Rests)
    """Where all workers note why they rest."""

    async def pursue(self, job: Job) -> Pursuit:
        """Send one image until it has landed, failed, is held, or the run stops."""
        self.retry_state = self.retry_state.next_image()
        began = asyncio.get_running_loop().time()
        attempts = 0
        reply: Reply | None = None
        while (latest := await self.send(job)) is not None:
            reply = latest
            attempts += 1
            self.throttled += reply.verdict is Verdict.THROTTLED
            following, self.retry_state = after(
                reply.verdict, self.retry_state, self.retry_policy, retry_after=reply.retry_after
            )
            match following:
                case Rest(seconds):
                    if not await self._rest(seconds, reply):
                        break
                case Fail() if self._is_everybodys(reply):
                    pass  # the service fails for everyone: this image's turn comes again at the circuit
                case Land() | Fail() | Hold() | Halt():
                    if isinstance(following, Halt):
                        self.stop.raise_(_halt(reply))
                    return Pursuit(began, reply, attempts, following)
                case other:
                    assert_never(other)
        return Pursuit(began, reply, attempts, None)

    def _is_everybodys(self, reply: Reply) -> bool:
        service = reply.verdict in {Verdict.UNAVAILABLE, Verdict.NOT_SENT}
        return service and self.send.is_tripped() and not self.stop.up

    async def _rest(self, seconds: float, reply: Reply) -> bool:
        clock = asyncio.get_running_loop().time
        due = clock() + seconds
        self.resting = True
        self.rests.begin(reply.verdict, reply.http_status, now=clock(), due=due)
        try:
            return await self.stop.rest(seconds)
        finally:
            self.resting = False
            self.rests.end(reply.verdict, now=clock(), due=due)


def _halt(reply: Reply) -> Stop:
    """Why nothing more may be sent after a 401, 402 or 403."""
    message = reply.problem.message if reply.problem else f"HTTP {reply.http_status}"
    hint = reply.problem.hint if reply.problem else ""
    cause = Exit.CREDENTIALS if reply.http_status in _CREDENTIALS else Exit.CREDITS
    return Stop(cause, message, hint)
