"""The event loop of a run, whose time is the time in which the process ran.

A process that was stopped (Ctrl-Z) or suspended finds every deadline of its loop in the past: connections time
out, a service "has failed for 15 minutes", a rehearsal's uploads "stood still". Here that time did not pass.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine

_STEP: Final = 1.0
"""Seconds that the loop sleeps at most: of a pause no more than that is taken for time that ran."""
_GRACE: Final = 1.0
"""A busy machine wakes nobody in time; who is woken so late was not running."""


class _ShortSleep(selectors.DefaultSelector):
    """Waits for sockets, for `_STEP` at most, so that the loop looks at its clock that often."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the base does."""
        return super().select(_STEP if timeout is None else min(timeout, _STEP))


class RunningLoop(asyncio.SelectorEventLoop):
    """A loop whose `time()` stands still while the process does not run.

    The loop reads its time at every turn, so a pause shows between two readings wherever it falls: in the wait for
    sockets or in a callback.
    """

    def __init__(self) -> None:
        self._seen = time.monotonic()
        self._paused = 0.0
        super().__init__(_ShortSleep())

    def time(self) -> float:
        """Seconds of a monotonic clock, without the pauses."""
        now = super().time()
        passed, self._seen = now - self._seen, now
        if passed > _STEP + _GRACE:
            self._paused += passed - _STEP
        return now - self._paused


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """As `asyncio.run`, on a `RunningLoop`. Windows keeps its own loop: nothing there stops a process."""
    with asyncio.Runner(loop_factory=None if sys.platform == "win32" else RunningLoop) as runner:
        return runner.run(main)
