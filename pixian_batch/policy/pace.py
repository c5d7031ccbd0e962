"""How fast a run goes, measured: ends of images by the second, bytes between two looks. Pure: who asks tells the time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

_LATELY: Final = 60.0
"""Seconds that a rate looks back."""
_LONGEST: Final = 600.0
"""Seconds that a rate looks back where little happens."""
_ENOUGH: Final = 10
"""Ends in the last minute from which its rate can be told."""
_SHORTEST: Final = 1.0
_TELLING: Final = 10.0
"""Seconds of a slow spell from which its own rate can be told."""
_METERED: Final = 10.0
"""Seconds that a rate of bytes looks back."""
_LOOK: Final = 0.5


@dataclass(slots=True)
class Throughput:
    """What came to an end in the last ten minutes, counted by the second. Times are seconds of any one clock."""

    began: float | None = None
    """When the first of them was begun."""
    _seconds: deque[tuple[int, int]] = field(default_factory=deque)

    def add(self, now: float, *, took: float = 0.0) -> None:
        """One more has ended, after `took` seconds."""
        if self.began is None:
            self.began = max(0.0, now - took)
        second, count = int(now), 1
        if self._seconds and self._seconds[-1][0] == second:
            count += self._seconds.pop()[1]
        self._seconds.append((second, count))
        while self._seconds[0][0] < now - _LONGEST:
            self._seconds.popleft()

    def per_second(self, now: float, *, slow_since: float | None = None) -> float:
        """The rate lately, standstill until now included.

        slow_since: when workers began to be held back. What went on before then says nothing of what is to come,
        so the rate since then counts as soon as it can be told, where it is the lower one.
        """
        if self.began is None:
            return 0.0
        usual = self._since(max(self.began, now - _LATELY), now)
        if usual * _LATELY < _ENOUGH:
            usual = self._since(max(self.began, now - _LONGEST), now)
        if slow_since is None or now - slow_since < _TELLING:
            return usual
        return min(usual, self._since(max(self.began, slow_since, now - _LONGEST), now))

    def _since(self, then: float, now: float) -> float:
        ended = sum(count for second, count in self._seconds if second >= int(then))
        return ended / max(_SHORTEST, now - then)


@dataclass(slots=True)
class Meter:
    """Sums of bytes that only grow, (up, down), as rates over the last ten seconds or since the look before."""

    _looks: deque[tuple[float, int, int]] = field(default_factory=lambda: deque([(0.0, 0, 0)]))

    def rates(self, now: float, up: int, down: int) -> tuple[float, float]:
        """Bytes a second, up and down."""
        if now - self._looks[-1][0] >= _LOOK:
            self._looks.append((now, up, down))
        while len(self._looks) > 2 and self._looks[1][0] <= now - _METERED:  # the oldest is as old as that
            self._looks.popleft()
        then, up_then, down_then = self._looks[0]
        seconds = max(_LOOK, now - then)
        return (up - up_then) / seconds, (down - down_then) / seconds
