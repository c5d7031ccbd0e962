"""One watcher in place of many: what one display does wrong harms neither the run nor the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from pixian_batch.policy.progress import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.policy.concurrency import ConcurrencyChange
    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Launch, Message, Snapshot, Summary

logger = logging.getLogger(__name__)


class Watchers(Watcher):
    """Forwards to all of `watchers`, in order; one that raises is logged and told nothing more."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = list(watchers)

    @property
    def tells_skipped(self) -> bool:
        """Whether one of them wants each image that is done already."""
        return any(watcher.tells_skipped for watcher in self._watchers)

    def launched(self, launch: Launch) -> None:
        """What was asked for."""
        self._each(lambda watcher: watcher.launched(launch))

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins."""
        self._each(lambda watcher: watcher.started(snapshot))

    def counted(self, found: int) -> None:
        """It is known how many inputs there are."""
        self._each(lambda watcher: watcher.counted(found))

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        self._each(lambda watcher: watcher.ended(ending))

    def concurrency(self, change: ConcurrencyChange) -> None:
        """Another number of workers is allowed, or rests."""
        self._each(lambda watcher: watcher.concurrency(change))

    def notify(self, message: Message) -> None:
        """Something the user should know."""
        self._each(lambda watcher: watcher.notify(message))

    def status(self) -> None:
        """Somebody asks how it stands."""
        self._each(lambda watcher: watcher.status())

    def finished(self, summary: Summary) -> None:
        """The run is over."""
        self._each(lambda watcher: watcher.finished(summary))

    async def attend(self) -> None:
        """Run the clocks of all watchers beside each other, until cancelled."""
        await asyncio.gather(*(self._attend(watcher) for watcher in tuple(self._watchers)))

    def _each(self, call: Callable[[Watcher], None]) -> None:
        for watcher in tuple(self._watchers):
            with self._guard(watcher):
                call(watcher)

    async def _attend(self, watcher: Watcher) -> None:
        with self._guard(watcher):
            await watcher.attend()

    @contextlib.contextmanager
    def _guard(self, watcher: Watcher) -> Iterator[None]:
        """Whatever a display does, the run that spends money goes on, without that display."""
        try:
            yield
        except Exception:
            if watcher in self._watchers:
                self._watchers.remove(watcher)
            logger.exception("a display failed and was switched off: %s", type(watcher).__name__)
