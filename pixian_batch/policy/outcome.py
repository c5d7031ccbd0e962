"""How an image's way through a run can end. Whether it may have cost money is the first branch. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.contract.headers import ResultHeaders


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an image has no result: what happened, and what to do about it.

    code: the service's number, or one of our words (`collision`, `unreadable`, ...), or None.
    """

    code: int | str | None
    message: str
    hint: str = ""


class SkipReason(StrEnum):
    """Why an image needs no work."""

    DONE = "done"
    """This ledger bought it, with these parameters, and the file stands there."""
    EXISTS = "exists"
    """A file stands where the result would go that this ledger did not make."""
    BOUGHT = "bought"
    """A bought result stands there, and this run's are free: they never take its place."""
    TRUSTED = "trusted"
    """The ledger says that it is done, and the user says that this counts although the file is gone."""
    RESULT = "result"
    """The input is a result of this ledger itself: cut-outs are not bought again."""


# --- may have cost money -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """The result stands at its place."""

    headers: ResultHeaders
    http_status: int | None
    repaired: bool = False
    """Finished for free from bytes that an interrupted run had already received."""
    at_most: Decimal | None = None
    """The most it can have cost, for when `headers` do not say what was charged."""
    replaced: bool = False
    """It took the place of a result that was bought with other parameters; that one is kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The result is here, at `kept`, and not yet at its place: the next run finishes it for free."""

    problem: Problem
    headers: ResultHeaders
    http_status: int | None
    kept: str | None
    at_most: Decimal | None
    earlier: bool = False
    """Bought in an earlier run, whose credits it is among."""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request was out and no answer came: it may have been charged, at most `at_most` credits."""

    problem: Problem
    at_most: Decimal | None
    earlier: bool = False
    """From an earlier run: nothing was sent in this one."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The service answered with a result that did not arrive whole; what came is kept at `kept`."""

    problem: Problem
    headers: ResultHeaders
    http_status: int | None
    kept: str | None
    at_most: Decimal | None
    earlier: bool = False


# --- cost nothing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing to do."""

    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same bytes with the same parameters were bought before: made from that result."""

    of: str
    replaced: bool = False
    """As of `Done`."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No result, and nothing was charged for it."""

    problem: Problem
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The run ended before this image's turn: it is simply new in the next run. Not reported."""


Costly: TypeAlias = Done | Kept | InDoubt | Lost
Costless: TypeAlias = Skipped | Duplicate | Failed | NotStarted
Outcome: TypeAlias = Costly | Costless


@dataclass(frozen=True, slots=True)
class Ending:
    """One image's way through the run, as the tally and the displays are told of it.

    input: a path or URL as the user would write it; output: the result's path.
    attempts: requests sent; seconds: from the first request to the end, rests included.
    """

    input: str
    output: str | None
    outcome: Outcome
    attempts: int = 0
    seconds: float = 0.0
