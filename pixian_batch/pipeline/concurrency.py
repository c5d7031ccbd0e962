"""Notes every change of how many workers may be in use, and why: told by pool, rests, circuit and stop sign.

A change costs no commit of its own, nobody waits for it, and what cannot be written is left out: the pace of a run
is worth knowing, its images are worth money. Changes that come often are noted together, the latest state at last.

Proved by tests/pipeline/test_concurrency.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from pixian_batch.adapters.clock import now
from pixian_batch.policy.concurrency import (
    SHORTEST_PAUSE,
    ChangeReason,
    ConcurrencyChange,
    pause_in_spell,
    why_resting,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.policy.verdict import Verdict

_STEPS: Final = frozenset({ChangeReason.RAMP, ChangeReason.IDLE})
_LULL: Final = 60.0
"""Seconds without a rest after which the next one is another spell; as long as the longest pause in one."""


class InUse(NamedTuple):
    """How it stands."""

    allowed: int
    in_use: int
    resting: int


@dataclass(slots=True, kw_only=True)
class Concurrency:
    """One run's. state: asked when something is noted; note: takes each change, and never raises."""

    state: Callable[[], InUse]
    note: Callable[[ConcurrencyChange], None]
    _began: bool = False
    _ended: bool = False
    _noted: float = 0.0
    _resting: int = 0
    """As it was noted last."""
    _pending: ChangeReason | None = None
    _timer: asyncio.TimerHandle | None = None
    _spell: float = 0.0
    _rested: float = field(default=float("-inf"))

    def stepped(self, before: int, allowed: int) -> None:
        """The pool allows another number of workers; before its first request it allowed none."""
        if not before:
            self._began = True
            self.once(ChangeReason.START)
        else:
            self._soon(ChangeReason.RAMP if allowed > before else ChangeReason.IDLE, SHORTEST_PAUSE)

    def rested(self, why: Verdict, resting: int) -> None:
        """Another number of workers rests."""
        clock = asyncio.get_running_loop().time()
        if clock - self._rested > _LULL:
            self._spell = clock
        self._rested = clock
        self._soon(why_resting(why, resting), pause_in_spell(clock - self._spell))

    def once(self, reason: ChangeReason) -> None:
        """Something that does not come often: noted at once, after what still waits."""
        self._ring()
        self._write(reason)

    def end(self) -> None:
        """Everything has landed; what comes later is not noted."""
        self._ring()
        self.state = lambda: InUse(0, 0, 0)
        self._write(ChangeReason.END)
        self._ended = True

    def _soon(self, reason: ChangeReason, pause: float) -> None:
        loop = asyncio.get_running_loop()
        due = self._noted + pause
        if loop.time() >= due:
            self._write(reason)
            return
        if not self._outranks(reason):
            self._pending = reason
        if self._timer is None or self._timer.when() > due:
            self._cancel()
            self._timer = loop.call_at(due, self._ring)

    def _outranks(self, reason: ChangeReason) -> bool:
        """Whether the reason that waits is the one to be told: a step, or rests that came and went between two records."""
        if self._pending in _STEPS:
            return reason not in _STEPS
        return self._pending is not None and reason is ChangeReason.RESUMED and not self._resting

    def _ring(self) -> None:
        if self._pending is not None:
            self._write(self._pending)

    def _write(self, reason: ChangeReason) -> None:
        self._cancel()
        self._pending = None
        if not self._began or self._ended:
            return  # a run that sends nothing has no pace
        self._noted = asyncio.get_running_loop().time()
        allowed, in_use, self._resting = self.state()
        change = ConcurrencyChange(
            at=now(), allowed=allowed, in_use=in_use, resting=self._resting, reason=reason
        )
        self.note(change)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
