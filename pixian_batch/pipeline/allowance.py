"""How many images may be bought in a run (`--limit`): granted in the order in which they were found.

How it works:
1. An image's task takes a ticket when it begins; tasks begin in the order of the discovery, and go on side by side.
2. When it is known which image it is, it waits for its `turn`: until all that were found earlier have decided
   whether they need to be bought. So the limit falls on the images that `plan` names, however long each is read.
3. One that needs to be bought `take`s one of those that are allowed, or is refused.

An image that waits for another one with the same bytes lets the others pass: it will hardly need to be bought. Without
a limit nobody waits for anybody. Knows nothing of images or money: whether one was bought in the end is not its business.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Allowance:
    """One run's limit; None: there is none. over: images that were left out because of it."""

    limit: int | None = None
    over: int = 0
    _taken: int = 0
    _ended: int = 0
    """Of those that were taken: their way has ended."""
    _undecided: dict[Ticket, None] = field(default_factory=dict)
    """In the order in which they were found."""

    @property
    def exhausted(self) -> bool:
        """Whether no more is allowed."""
        return self.limit is not None and self._taken >= self.limit

    def most(self, left: int) -> int:
        """Of `left` images whose way has not ended, those that will get there at most."""
        return left if self.limit is None else min(left, self.limit - self._ended)

    @contextmanager
    def ticket(self) -> Iterator[Ticket]:
        """An image's place in the line of those that have not decided."""
        ticket = Ticket(self)
        if self.limit is not None:
            self._undecided[ticket] = None
            self._call_first()
        try:
            yield ticket
        finally:
            self._ended += ticket.taken
            self.over += ticket.refused
            self.decided(ticket)

    def take(self) -> bool:
        """One more is bought, if it is allowed."""
        if self.exhausted:
            return False
        self._taken += 1
        return True

    def decided(self, ticket: Ticket) -> None:
        """It does not keep the others waiting any more."""
        if self._undecided.pop(ticket, ticket) is None:
            self._call_first()

    def _call_first(self) -> None:
        for first in self._undecided:
            first.called.set()
            break


@dataclass(slots=True, eq=False)
class Ticket:
    """One image's. taken: it may be bought; refused: it may not, since the limit is reached."""

    allowance: Allowance
    taken: bool = False
    refused: bool = False
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def turn(self) -> bool:
        """Wait until all that were found earlier have decided; whether there is any use in looking further."""
        if self.allowance.limit is None:
            return True
        await self.called.wait()
        self.refused = self.allowance.exhausted
        return not self.refused

    def pass_by(self) -> None:
        """Let the others decide first."""
        self.allowance.decided(self)

    def take(self) -> bool:
        """Whether the image may be bought, however often it asks. Everybody behind it may decide now."""
        self.taken = self.taken or self.allowance.take()
        self.refused = not self.taken
        self.allowance.decided(self)
        return self.taken
