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
class Patience:
    """The rules of waiting. `step`: seconds of the linear back-off; `retries`: beyond the first attempt."""

    step: float = 5.0
    retries: int = 3
    resend_doubtful: bool = False
    """Whether an attempt that may have been charged is sent again: it is free, or the user said so."""


@dataclass(frozen=True, slots=True)
class Streak:
    """What this worker has met: `throttles` is its 429s in a row, kept across images until a success."""

    throttles: int = 0
    failures: int = 0
    """Failed attempts of the image in hand."""

    def next_image(self) -> Streak:
        """The streak as the next image finds it."""
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


Course: TypeAlias = Land | Rest | Fail | Hold | Halt


def after(
    verdict: Verdict, streak: Streak, patience: Patience, *, retry_after: float | None = None
) -> tuple[Course, Streak]:
    """The course after an attempt that ended as `verdict`, and the worker's new streak."""
    match verdict:
        case Verdict.DELIVERED:
            return Land(), Streak()
        case Verdict.THROTTLED:
            streak = replace(streak, throttles=streak.throttles + 1)
            return Rest(max(streak.throttles * patience.step, retry_after or 0.0)), streak
        case Verdict.UNAVAILABLE | Verdict.NOT_SENT:
            return _again(streak, patience, retry_after, otherwise=Fail())
        case Verdict.IN_DOUBT | Verdict.LOST:
            if not patience.resend_doubtful:
                return Hold(), streak
            return _again(streak, patience, None, otherwise=Hold())
        case Verdict.REFUSED:
            return Fail(), streak
        case Verdict.HALTING:
            return Halt(), streak


def _again(
    streak: Streak, patience: Patience, retry_after: float | None, *, otherwise: Course
) -> tuple[Course, Streak]:
    streak = replace(streak, failures=streak.failures + 1)
    if streak.failures > patience.retries:
        return otherwise, streak
    return Rest(max(streak.failures * patience.step, retry_after or 0.0)), streak
