"""What is told of images that have no result at their places: each outcome in words, and what to do next. Does nothing.

Proved by tests/money/test_faults.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.policy.outcome import Failed, InDoubt, Kept, Lost, Outcome, Problem
from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.record import State

if TYPE_CHECKING:
    from pixian_batch.pipeline.job import Job
    from pixian_batch.policy.record import Standing
    from pixian_batch.policy.reply import Reply


NOT_CACHED: Final = "not_cached"
_NEXT_RUN: Final = "the next run finishes it for free"
_DRAW_ANOTHER: Final = (
    "ask for another size or margin: drawing costs nothing; one that cannot be read can only be bought again"
)


def held(standing: Standing | None, out: str) -> Outcome:
    """It may have been charged in an earlier run, whose output is `out`: a person decides."""
    if standing is None:
        raise ValueError("held, and the ledger knows nothing of it")
    message = f"sent at {standing.sent_at} and never answered in full: {standing.message or 'interrupted'}"
    problem = Problem(standing.state.value, message, f"decide with: pixian-batch resolve {out}")
    if standing.state is State.LOST and standing.headers is not None:
        return Lost(problem, standing.headers, None, standing.kept, at_most=standing.at_most, earlier=True)
    return InDoubt(problem, standing.at_most, earlier=True)


def waiting(standing: Standing | None) -> Outcome:
    """Bought in an earlier run, and still kept from its place: nobody has to decide, and nothing is sent."""
    if standing is None:
        raise ValueError("received, and the ledger knows nothing of it")
    problem = Problem("disk", f"paid for at {standing.sent_at} and not at its place yet", _NEXT_RUN)
    headers = standing.headers or ResultHeaders()
    return Kept(problem, headers, None, standing.kept, at_most=standing.at_most, earlier=True)


def refused(refusal: str) -> Outcome:
    """Its result can have no place."""
    return Failed(
        Problem(
            "output",
            refusal,
            "clear the way there (its rights, or what stands there), or choose another --out",
        )
    )


def not_replaced() -> Outcome:
    """Found only now, and not by the look ahead: its list came from a pipe, or something changed meanwhile."""
    return Failed(
        Problem(
            "other_parameters",
            "a result that was bought with other parameters stands there",
            "add --replace to have it replaced (it is kept), or name another --out",
        )
    )


def not_cached() -> Outcome:
    """Nothing may be bought, and what is here does not do."""
    return Failed(
        Problem(
            NOT_CACHED,
            "it would have to be bought",
            "run without --require-cached where money may be spent; --local rehearses for nothing",
        )
    )


def not_by_delta(job: Job) -> Message:
    """A delta has the original's size and needs the original: said before anything is sent for this image."""
    return Message(Level.INFO, f"{job.input}: asked for as PNG, not by way of a Delta PNG: {job.no_delta}")


def problem_of(reply: Reply) -> Problem:
    """Why an exchange brought no result."""
    return reply.problem or Problem(None, f"HTTP {reply.http_status}", "")


def not_drawn(error: Exception) -> Problem:
    """The full picture is here, and what was asked for cannot be drawn from it."""
    return Problem("draw", f"its full picture is paid for, and kept: {error}", _DRAW_ANOTHER)


def kept(reply: Reply, path: str, error: Exception) -> Kept:
    """What is told of a result that is here, and that the disk or the ledger kept from its place."""
    problem = Problem("disk", f"paid for and kept at {path}: {error}", _NEXT_RUN)
    return Kept(problem, reply.headers or ResultHeaders(), reply.http_status, path, at_most=reply.at_most)


def doubtful(reply: Reply) -> Outcome:
    """What is told of an image that may have been charged and has no result."""
    if reply.headers is None:
        return InDoubt(problem_of(reply), reply.at_most)
    return Lost(problem_of(reply), reply.headers, reply.http_status, reply.kept, at_most=reply.at_most)
