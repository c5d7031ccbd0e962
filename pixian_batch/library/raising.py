"""From an exchange that brought no result to the exception that says so. Sends nothing, decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.wire.exchange import MemorySink
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.contract.errors import ApiError, hint
from pixian_batch.library import errors
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.library.sinks import ResultSink
    from pixian_batch.policy.outcome import Problem
    from pixian_batch.policy.reply import Reply

_SEND_AGAIN: Final = "send it again only if paying twice is acceptable; check your account's history first"
_BY_STATUS: Final = {
    401: errors.CredentialsError,
    402: errors.OutOfCreditsError,
    403: errors.CredentialsError,
    429: errors.RateLimitedError,
}


def error_of(reply: Reply, sink: ResultSink, attempts: int) -> errors.PixianError:
    """What is raised for an attempt that was not delivered and is not repeated."""
    match reply.verdict:
        case Verdict.NOT_SENT if isinstance(reply.cause, SourceChangedError):
            return changed(attempts)
        case Verdict.NOT_SENT:
            return unreached(reply.cause, attempts)
        case Verdict.IN_DOUBT:
            message = f"the request went out and no answer came ({reply.cause}): it may have been charged"
            return errors.InDoubtError(message, hint=_SEND_AGAIN, code="no_answer", attempts=attempts)
        case Verdict.LOST:
            return lost(reply.problem.message if reply.problem else "it is not whole", reply, sink, attempts)
        case _ if reply.problem is not None and reply.cause is None:
            code = reply.problem.code if isinstance(reply.problem.code, int) else None
            return answered(ApiError(reply.http_status or 0, code, reply.problem.message), attempts)
        case _:  # a 4xx or 5xx whose disk or wire broke under it
            return answered(ApiError(reply.http_status or 0, None, f"HTTP {reply.http_status}"), attempts)


def lost(reason: str, reply: Reply, sink: ResultSink, attempts: int) -> errors.LostResultError:
    """A result that came, and is not here whole."""
    error = errors.LostResultError(
        f"{reason}; it has probably been charged",
        hint=_SEND_AGAIN,
        status=reply.http_status,
        code="lost",
        attempts=attempts,
    )
    error.headers = reply.headers
    if isinstance(sink, MemorySink):
        error.partial = bytes(sink.content)
    else:
        error.path = reply.kept or (reply.body.path if reply.body else None)
    return error


def answered(error: ApiError, attempts: int) -> errors.PixianError:
    """The exception for an error answer."""
    refused = 400 <= error.status <= 499
    kind = _BY_STATUS.get(error.status, errors.RefusedError if refused else errors.UnavailableError)
    return kind(
        error.message, hint=_advice(error.hint), status=error.status, code=error.code, attempts=attempts
    )


def limited(problem: Problem | None, attempts: int, *, retry_after: float) -> errors.RateLimitedError:
    """More 429s in a row than the caller wants to wait out."""
    error = errors.RateLimitedError(
        problem.message if problem else "slow down",
        hint=_advice(hint(429)),
        status=429,
        code=problem.code if problem else None,
        attempts=attempts,
    )
    error.retry_after = retry_after
    return error


def unreached(error: Exception | None, attempts: int = 1) -> errors.NotSentError:
    """No complete request reached the service."""
    return errors.NotSentError(
        f"the service was not reached: {error}",
        hint="check the network, the proxy and the address",
        code="not_sent",
        attempts=attempts,
    )


def changed(attempts: int) -> errors.InputError:
    """The file is not the one that was looked at."""
    return errors.InputError(
        "the file changed while it was being sent",
        hint="send it again when nobody writes to it",
        code="changed",
        attempts=attempts,
    )


def _advice(text: str) -> str:
    """Advice for a command line, for Python's callers instead."""
    for option, argument in (
        ("--api-url", "api_url"),
        ("--concurrency-max", "concurrency"),
        ("run the same command again later", "try again later"),
    ):
        text = text.replace(option, argument)
    return text
