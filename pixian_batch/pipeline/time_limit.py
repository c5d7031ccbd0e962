"""How long a run may go on (`--max-duration`): then nothing new is sent, and what is in flight lands.

The job that started it has a limit of its own, and that goes on while the process is stopped: so does this one, unlike
everything else here, which asks the event loop. No step of the wall clock moves it.

Proved by tests/pipeline/test_time_limit.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.clock import ticking
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.pipeline.stop_sign import StopSign

_GLANCE: Final = 2.0
"""Seconds between two looks at the clock, at most."""


@dataclass(slots=True)
class TimeLimit:
    """Counts from its making. seconds: None for ever."""

    seconds: float | None
    stop: StopSign
    clock: Callable[[], float] = ticking
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    async def watch(self) -> None:
        """Raise the stop sign when the time is over; gone before that when it is up already."""
        if self.seconds is None:
            return
        while (left := self._began + self.seconds - self.clock()) > 0:
            if not await self.stop.rest(min(left, _GLANCE)):
                return
        self.stop.raise_(Stop(Exit.TIME, "its time is over (--max-duration)"))
