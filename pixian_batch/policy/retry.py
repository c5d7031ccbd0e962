"""What follows an attempt: land, rest and send again, fail, hold, or halt. Pure.

A retry is a rest inside the worker that holds the image: the image never goes back into a queue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from pixian_batch.policy.verdict import Verdict


class DoubtPolicy(StrEnum):
    """What to do with an image that may have been charged without a result."""

    HOLD = "hold"
    RESEND = "resend"
    ASK = "ask"


class Decision(StrEnum):
    """A person's answer about images in doubt. resend: take them for charged, and send them again."""

    HOLD = "hold"
    RESEND = "resend"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The rules of waiting. `step`: seconds of the linear back-off; `retries`: beyond the first attempt."""

    step: float = 5.0
    retries: int = 3
    resend_doubtful: bool = False
    """Whether an attempt that may have been charged is sent again: it is free, or the user said so."""


@dataclass(frozen=True, slots=True)
class RetryState:
    """What this worker has met: `throttles` is its 429s in a row, kept across images until a success."""

    throttles: int = 0
    failures: int = 0
    """Failed attempts of the image in hand."""

    def next_image(self) -> RetryState:
        """The state as the next image finds it."""
        return replace(self, failures=0)


@dataclass(frozen=True, slots=True)
class Land:
    """The result is here: save it."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Wait `seconds`, then send the same image again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """This image is finished, without a result and without a charge."""


@dataclass(frozen=True, slots=True)
class Hold:
    """This image may have been charged: never send it again unasked."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing new may be sent by anybody."""


Next: TypeAlias = Land | Rest | Fail | Hold | Halt


def after(
    verdict: Verdict, retry_state: RetryState, retry_policy: RetryPolicy, *, retry_after: float | None = None
) -> tuple[Next, RetryState]:
    """What follows an attempt that ended as `verdict`, and the worker's new retry state."""
    match verdict:
        case Verdict.DELIVERED:
            return Land(), RetryState()
        case Verdict.THROTTLED:
            retry_state = replace(retry_state, throttles=retry_state.throttles + 1)
            return Rest(max(retry_state.throttles * retry_policy.step, retry_after or 0.0)), retry_state
        case Verdict.UNAVAILABLE | Verdict.NOT_SENT:
            return _again(retry_state, retry_policy, retry_after, otherwise=Fail())
        case Verdict.IN_DOUBT | Verdict.LOST:
            if not retry_policy.resend_doubtful:
                return Hold(), retry_state
            return _again(retry_state, retry_policy, None, otherwise=Hold())
        case Verdict.REFUSED:
            return Fail(), retry_state
        case Verdict.HALTING:
            return Halt(), retry_state


def _again(
    retry_state: RetryState, retry_policy: RetryPolicy, retry_after: float | None, *, otherwise: Next
) -> tuple[Next, RetryState]:
    retry_state = replace(retry_state, failures=retry_state.failures + 1)
    if retry_state.failures > retry_policy.retries:
        return otherwise, retry_state
    return Rest(max(retry_state.failures * retry_policy.step, retry_after or 0.0)), retry_state
