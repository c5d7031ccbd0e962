"""Facts of one attempt -> its class. The class alone decides what happens next. Pure.

Rules, in order (the table of promises in docs/explanation/money.md):

    answered 2xx, whole, the image asked for      delivered
    answered 2xx, anything else                   lost
    answered 429                                  throttled
    answered 401, 402, 403                        halting
    answered 3xx, 5xx                             unavailable
    answered, any other status                    refused
    no answer (1xx is none: it only announces one)
        and the request cannot have been complete not sent
        and the request may have been complete    in doubt

No exception of any HTTP library takes part: an exception is only how the facts came to be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The class of an attempt that has ended."""

    DELIVERED = "delivered"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    HALTING = "halting"
    IN_DOUBT = "in_doubt"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is known of one request and its answer.

    possibly_complete: the last byte of the request was handed to the operating system, or may have been.
    status: the HTTP status, or None when no answer began.
    whole: the answer's body came to its announced end.
    as_asked: the body is an image of the kind that was asked for.
    """

    possibly_complete: bool
    status: int | None = None
    whole: bool = False
    as_asked: bool = False


_HALTING = frozenset({401, 402, 403})


def classify(exchange: Exchange) -> Verdict:
    """The class of an attempt, by the table at the head of this module."""
    match exchange.status:
        case status if status is None or status < 200:  # 1xx announces an answer, it is none
            return Verdict.IN_DOUBT if exchange.possibly_complete else Verdict.NOT_SENT
        case 429:
            return Verdict.THROTTLED
        case status if 200 <= status <= 299:
            return Verdict.DELIVERED if exchange.whole and exchange.as_asked else Verdict.LOST
        case status if status in _HALTING:
            return Verdict.HALTING
        case status if 300 <= status <= 399 or status >= 500:  # 3xx: a proxy or portal answered
            return Verdict.UNAVAILABLE
        case _:
            return Verdict.REFUSED
