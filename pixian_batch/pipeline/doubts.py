"""Images that earlier runs have left in doubt: a person is asked about them where there is one, and else told.

Proved by tests/cli/test_ask.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.record import State
from pixian_batch.policy.retry import Decision
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.progress import Watcher
    from pixian_batch.policy.record import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """For runs that can cost money: a free one has nothing to decide."""

    ledger: Ledger
    stop: StopSign
    watcher: Watcher
    out: str

    async def decide(self, ask: Callable[[list[Standing]], Awaitable[Decision]] | None) -> None:
        """Have a person decide, where there is one to ask."""
        if ask is None or not (doubts := await self.ledger.undecided()):
            return
        match await ask(doubts):
            case Decision.HOLD:
                pass
            case Decision.RESEND:
                for doubt in doubts:
                    await self.ledger.resolve(doubt.attempt, charged=True)
            case Decision.QUIT:
                hint = f"see pixian-batch resolve {self.out}"
                self.stop.raise_(Stop(Exit.IN_DOUBT, "nothing was sent", hint))

    async def tell(self) -> None:
        """Name what still waits for a decision."""
        if not (doubts := await self.ledger.undecided()):
            return
        names = ", ".join(doubt.input for doubt in doubts[:3]) + (", …" if len(doubts) > 3 else "")
        lost = sum(doubt.state is State.LOST for doubt in doubts)
        words = _counted(len(doubts) - lost, "in doubt"), _counted(lost, "lost")
        text = f"of earlier runs: {' and '.join(filter(None, words))}, charged or not: {names}"
        hint = f"decide with: pixian-batch resolve {self.out}"
        self.watcher.notify(Message(Level.WARNING, text, hint))


def _counted(number: int, word: str) -> str:
    return f"{number:,} image{'s' * (number > 1)} {word}" if number else ""
