"""One watcher in place of many: what one display does wrong harms neither the run nor the others."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import TYPE_CHECKING, Protocol

from pixian_batch.policy.progress import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Message, Snapshot, Summary

_log = logging.getLogger(__name__)


class _Watcher(Protocol):
    def started(self, snapshot: Callable[[], Snapshot], /) -> None: ...
    def ended(self, ending: Ending, /) -> None: ...
    def notify(self, message: Message, /) -> None: ...
    def finished(self, summary: Summary, /) -> None: ...


class Watchers(Watcher):
    """Forwards to all of `watchers`, in order; one that raises is logged and told nothing more."""

    def __init__(self, *watchers: _Watcher) -> None:
        self._watchers = list(watchers)

    @property
    def tells_skipped(self) -> bool:  # type: ignore[override]  # until merged
        """Whether one of them wants each image that is done already; the others read only the counts."""
        return any(getattr(watcher, "tells_skipped", True) for watcher in self._watchers)

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins."""
        self._each(lambda watcher: watcher.started(snapshot))

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        self._each(lambda watcher: watcher.ended(ending))

    def notify(self, message: Message) -> None:
        """Something the user should know."""
        self._each(lambda watcher: watcher.notify(message))

    def status(self) -> None:
        """Somebody asks how it stands: say it in one line, where there are lines."""
        for watcher in tuple(self._watchers):
            if (status := getattr(watcher, "status", None)) is not None:
                self._guarded(watcher, status)

    def finished(self, summary: Summary) -> None:
        """The run is over."""
        self._each(lambda watcher: watcher.finished(summary))

    async def attend(self) -> None:
        """Run the clocks of all watchers that have one, until cancelled."""
        await asyncio.gather(*(self._attend(watcher) for watcher in tuple(self._watchers)))

    def _each(self, tell: Callable[[_Watcher], None]) -> None:
        for watcher in tuple(self._watchers):
            self._guarded(watcher, functools.partial(tell, watcher))

    def _guarded(self, watcher: _Watcher, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # noqa: BLE001  # whatever a display does, the run that spends money goes on
            self._drop(watcher)

    async def _attend(self, watcher: _Watcher) -> None:
        attend = getattr(watcher, "attend", None)
        if attend is None:
            return
        try:
            await attend()
        except Exception:  # noqa: BLE001  # as above
            self._drop(watcher)

    def _drop(self, watcher: _Watcher) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)
        _log.exception("a display failed and was switched off: %s", type(watcher).__name__)
