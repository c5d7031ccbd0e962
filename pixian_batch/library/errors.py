"""What a call of the library can raise. Imports nothing heavy; no exception of another library ever leaves.

PixianError
    InputError          the image cannot be sent: nothing was sent
    OutputError         the result could not be written: nothing was sent
    CredentialsError    401, 403, or none given
    OutOfCreditsError   402
    RefusedError        the service refuses this request: it has to change
    RateLimitedError    more 429s in a row than the caller wants to wait out
    UnavailableError    the service answered that it cannot, each time
    NotSentError        the service was never reached: nothing was charged
    InDoubtError        the request went out and no answer came: it MAY HAVE BEEN CHARGED
    LostResultError     it was answered, so probably charged, and the result is not whole
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.contract.headers import ResultHeaders


class PixianError(Exception):
    """The base of all. `str(error)` is a message for people.

    status: the HTTP status, None when no answer came. code: the service's error code, or one of our words.
    hint: what to do about it. attempts: the requests that were sent for this image.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        code: int | str | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        self.code = code
        self.attempts = attempts

    def __str__(self) -> str:
        return f"{self.message.rstrip('. ')} — {self.hint}" if self.hint else self.message


class InputError(PixianError):
    """The image cannot be read, is too large, or changed while it was sent. Nothing was charged."""


class OutputError(PixianError):
    """The result cannot be written where it was to go. Nothing was sent."""


class CredentialsError(PixianError):
    """There are no credentials, or the service does not accept them (401, 403)."""


class OutOfCreditsError(PixianError):
    """No credits, no pack, or a dormant pack (402)."""


class RefusedError(PixianError):
    """The service refuses this request for good (400, 413, 415, other 4xx). Nothing was charged."""


class RateLimitedError(PixianError):
    """More 429s in a row than `max_throttles` allows. Nothing was charged.

    retry_after: seconds to wait before the next request.
    """

    retry_after: float = 0.0


class UnavailableError(PixianError):
    """The service answered 5xx (or something between answered for it), each time. Nothing was charged."""


class NotSentError(PixianError):
    """No complete request reached the service: name, connection, certificate, proxy. Nothing was charged."""


class InDoubtError(PixianError):
    """The request was out and no answer came: it may have been charged. It was not sent again.

    Whether to send it once more, and perhaps pay twice, is the caller's decision.
    """


class LostResultError(PixianError):
    """A result came that is not whole or not what was asked for: it has probably been charged.

    headers: what the service said, credits included. partial: the bytes that came, when the result was to
    come as bytes; path: where they are kept, when it was to be written to a file.
    """

    headers: ResultHeaders | None = None
    partial: bytes | None = None
    path: str | None = None

    @property
    def credits_charged(self) -> Decimal | None:
        """Credits that were charged, None when the service did not say."""
        return self.headers.credits_charged if self.headers else None
