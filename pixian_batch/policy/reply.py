"""One exchange as values: where its body goes, and what became of it. Pure: who implements a sink writes the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pixian_batch.contract.kinds import is_whole, sniff
from pixian_batch.policy.record import Ended
from pixian_batch.policy.stopping import MAKE_ROOM

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.contract.kinds import Kind
    from pixian_batch.policy.outcome import Problem
    from pixian_batch.policy.verdict import Verdict


class SinkError(Exception):
    """A sink does not take the body. What came so far is kept where that was possible."""

    hint: str = MAKE_ROOM
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that has come: where it is ("" in memory), its size in bytes, its kind by its first bytes, whole by its last."""

    path: str
    size: int
    kind: Kind | None
    whole: bool

    @classmethod
    def judged(cls, path: str, size: int, *, head: bytes, tail: bytes) -> Body:
        """By its first `HEAD_BYTES` and its last `TAIL_BYTES`."""
        kind = sniff(head)
        return cls(path, size, kind, kind is not None and is_whole(kind, tail))


class Sink(Protocol):
    """Takes the body of one answer. One use, one task; at the end either `finish`, `keep` or `drop`, or two of them."""

    async def write(self, chunk: bytes, /) -> None:
        """Take some bytes. Raises `SinkError`."""

    async def finish(self) -> Body:
        """Make what came durable. Raises `SinkError`."""

    async def keep(self) -> str | None:
        """Keep what came, though it is not the result; its path, None when nothing came or it has none."""

    async def drop(self) -> None:
        """Let go of what came: it is worth nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One exchange that has ended, whatever the wire did.

    body: a delivered result where its sink has put it. problem: what went wrong, None for a delivered result.
    cause: the exception behind it. retry_after, seconds: in seconds. kept: where bytes are that came and are
    not a result. attempt: its number in the ledger, None where nothing was sent and written down; at_most: the
    credits it can have cost; elsewhere: where bytes are that the ledger would not find by itself. unrecorded: why
    the ledger has not what the head says, though it is kept with the bytes where that was possible.
    """

    verdict: Verdict
    seconds: float = 0.0
    http_status: int | None = None
    headers: ResultHeaders | None = None
    body: Body | None = None
    problem: Problem | None = None
    cause: Exception | None = None
    retry_after: float | None = None
    kept: str | None = None
    attempt: int | None = None
    at_most: Decimal | None = None
    elsewhere: str | None = None
    unrecorded: Exception | None = None

    def ended(self) -> Ended:
        """How the attempt ended, for the ledger."""
        return Ended(
            verdict=self.verdict,
            http_status=self.http_status,
            code=self.problem.code if self.problem else None,
            message=self.problem.message if self.problem else "",
            body_size=self.body.size if self.body else None,
            seconds=self.seconds,
            kept=self.elsewhere,
        )
