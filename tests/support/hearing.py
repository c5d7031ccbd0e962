"""A watcher that remembers what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pixian_batch.policy.progress import Watcher

if TYPE_CHECKING:
    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Message


class Hearing(Watcher):
    def __init__(self, *, skipped: bool = False) -> None:
        self.endings: list[Ending] = []
        self.messages: list[Message] = []
        self._skipped = skipped
        self.totals: list[int] = []

    @property
    def tells_skipped(self) -> bool:
        return self._skipped

    def counted(self, found: int) -> None:
        self.totals.append(found)

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)

    def notify(self, message: Message) -> None:
        self.messages.append(message)
