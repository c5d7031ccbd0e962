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


class _Sleep(selectors.DefaultSelector):
    """Waits for sockets, and measures by how much it slept too long."""

    overslept = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the base does, for `_STEP` at most."""
        asked = _STEP if timeout is None else min(timeout, _STEP)
        began = time.monotonic()
        ready = super().select(asked)
        late = time.monotonic() - began - max(asked, 0.0)
        if late > _GRACE:
            self.overslept += late
        return ready


class RunningLoop(asyncio.SelectorEventLoop):
    """A loop whose `time()` stands still while the process does not run."""

    def __init__(self) -> None:
        self._sleep = _Sleep()
        super().__init__(self._sleep)

    def time(self) -> float:
        """Seconds of a monotonic clock, without the pauses."""
        return super().time() - self._sleep.overslept


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """As `asyncio.run`, on a `RunningLoop`. Windows keeps its own loop: nothing there stops a process."""
    with asyncio.Runner(loop_factory=None if sys.platform == "win32" else RunningLoop) as runner:
        return runner.run(main)
