"""How many workers are allowed: the vendor's ramp, earned by use. Pure.

The vendor asks for few workers at the start and one more every five minutes. A step is earned by load, not
by the clock (as TCP validates its congestion window, RFC 2861): only time in which all allowed workers were
in use counts towards the next one, and when for a whole interval fewer were needed, one step is taken back,
down to the start. So a run that searches for hours, a slow pipe or a folder that fills slowly never begins
with more than the start, and load never rises at once to what it was before a pause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

VENDOR_ADVICE_ABOVE: Final = 100
"""The vendor asks to be talked to before more than this many workers are used."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """`start` workers at first, one more for every `interval` seconds of use, up to `cap`. Interval 0: all at once."""

    start: int = 5
    cap: int = 100
    interval: float = 300.0

    @property
    def at_start(self) -> int:
        """Workers allowed at the first request."""
        return self.cap if self.interval == 0 else min(self.start, self.cap)

    def seconds_for(self, work: float, *, allowed: int, next_step: float | None) -> float:
        """How long `work` (worker-seconds) takes when all workers that are allowed are in use from now on.

        allowed: workers now; next_step: seconds until one more is, None at the cap.
        """
        seconds, step = 0.0, next_step
        while step is not None and work > step * allowed:
            seconds, work, allowed = seconds + step, work - step * allowed, allowed + 1
            step = self.interval if allowed < self.cap else None
        return seconds + work / allowed

    def seconds_from_start(self, work: float) -> float:
        """How long `work` (worker-seconds) takes from the first request on."""
        first = self.interval if self.at_start < self.cap else None
        return self.seconds_for(work, allowed=self.at_start, next_step=first)


@dataclass(frozen=True, slots=True)
class Window:
    """The workers allowed now, and what is on its way to change that. Times are seconds of any one clock.

    in_use: workers that are sending, or rest after a 429. due: when the next one is allowed, should all that
    are allowed stay in use until then; None before the first request and at the cap. short_since: since when
    fewer are in use than are allowed, None while all are. falls: when one is taken back, should that last.

    Deadlines are added up from deadlines, never from the moment at which they were looked at: no drift.
    """

    ramp: Ramp
    allowed: int
    in_use: int = 0
    due: float | None = None
    short_since: float | None = None
    falls: float | None = None

    @classmethod
    def of(cls, ramp: Ramp) -> Window:
        """The window before the first request."""
        return cls(ramp, ramp.at_start)

    def used(self, in_use: int, now: float) -> Window:
        """The window when from `now` on `in_use` workers are in use."""
        window = replace(self.at(now), in_use=in_use)
        if window.due is None and in_use and window.allowed < window.ramp.cap:
            window = replace(window, due=now + window.ramp.interval)
        return _full(window, now) if in_use >= window.allowed else _short(window, now)

    def at(self, now: float) -> Window:
        """The window at `now`, when nothing has changed its use meanwhile."""
        window = self
        if window.short_since is None and window.due is not None and window.due <= now:
            window = _stepped_up(window, window.due)  # one at most: a second needs the new worker in use
        while window.short_since is not None and window.falls is not None and window.falls <= now:
            window = _stepped_down(window, window.falls)
        return window

    @property
    def next_change(self) -> float | None:
        """When the window changes if its use does not; None: it will not."""
        return self.due if self.short_since is None else self.falls

    def next_step(self, now: float) -> float | None:
        """Seconds of full use until one more worker is allowed; None before the first request and at the cap."""
        if self.due is None:
            return None
        return max(0.0, self.due - (now if self.short_since is None else self.short_since))


def _full(window: Window, now: float) -> Window:
    """All allowed workers are in use: what was missing until now is added to the deadline."""
    if window.short_since is None:
        return window
    due = None if window.due is None else window.due + (now - window.short_since)
    return replace(window, due=due, short_since=None, falls=None)


def _short(window: Window, now: float) -> Window:
    """Fewer are in use than are allowed. Before the first request there is nothing to take back."""
    begun = window.due is not None or window.allowed == window.ramp.cap
    if window.short_since is not None or not begun:
        return window
    return replace(window, short_since=now, falls=_next_fall(window.ramp, window.allowed, now))


def _stepped_up(window: Window, now: float) -> Window:
    allowed = window.allowed + 1
    due = now + window.ramp.interval if allowed < window.ramp.cap else None
    return _short(replace(window, allowed=allowed, due=due), now)


def _stepped_down(window: Window, now: float) -> Window:
    """One step is taken back, and with it what was earned towards the next one."""
    allowed = window.allowed - 1
    falls = _next_fall(window.ramp, allowed, now)
    due = now + window.ramp.interval
    window = replace(window, allowed=allowed, due=due, short_since=now, falls=falls)
    return _full(window, now) if window.in_use >= allowed else window


def _next_fall(ramp: Ramp, allowed: int, now: float) -> float | None:
    return now + ramp.interval if allowed > ramp.at_start else None
