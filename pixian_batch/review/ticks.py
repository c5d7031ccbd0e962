"""Numbers on axes: steps of 1, 2 and 5, clock steps, and short words for values. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_MINUTE: Final = 60.0
_HOUR: Final = 60 * _MINUTE
DAY: Final = 24 * _HOUR
CLOCK_STEPS: Final = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * DAY for days in (1, 2, 7, 14, 28, 91, 182, 364, 1820, 3640, 36400)),
)
"""Steps of time that people count in, in seconds."""
_FEW: Final = 4
_UNITS: Final = (("d", DAY), ("h", _HOUR), ("min", _MINUTE), ("s", 1.0))


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis of values: its ends and its ticks, both ends included. log: each tick is the same factor away."""

    least: float
    most: float
    ticks: tuple[float, ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value stands, 0.0 to 1.0; what is outside stands at the end."""
        low, high, value = self.least, self.most, max(value, self.least)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return min(1.0, max(0.0, (value - low) / (high - low)))


def from_zero(most: float, *, whole: bool = False) -> Scale:
    """A scale from zero to the first tick that is not below `most`. whole: no ticks between whole numbers."""
    most = most if most > 0 else 1.0
    step = nice_step(most)
    if whole:
        step = max(1.0, step)
    count = max(1, math.ceil(most / step - 1e-9))
    return Scale(0.0, _tidy(step * count), tuple(_tidy(step * index) for index in range(count + 1)))


def decades(least: float, most: float) -> Scale:
    """A logarithmic scale whose ticks are 1, 2 and 5 of each decade; of a wide range, the decades alone. least > 0."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most) + 1e-9)
    wide = last - first > 2  # decades of three ticks each
    mantissas = (1,) if wide else (1, 2, 5)
    every = [_tidy(mantissa * 10.0**power) for power in range(first, last + 1) for mantissa in mantissas]
    low = max((tick for tick in every if tick <= least), default=every[0])
    high = min((tick for tick in every if tick >= most and tick > low), default=every[-1])
    return Scale(low, high, tuple(tick for tick in every if low <= tick <= high), log=True)


def nice_step(span: float, count: int = _FEW) -> float:
    """The smallest of 1, 2, 5 times a power of ten of which at most `count` and a bit reach over `span`."""
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    return _tidy(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9)))


def clock_step(at_least: float) -> float:
    """The smallest step of `CLOCK_STEPS` that is not shorter."""
    index = bisect_left(CLOCK_STEPS, at_least * (1 - 1e-9))
    return CLOCK_STEPS[min(index, len(CLOCK_STEPS) - 1)]


def step_words(seconds: float) -> str:
    """A step of time in its own unit: `10 s`, `5 min`, `7 d`."""
    unit, size = next((unit, size) for unit, size in _UNITS if seconds >= size or unit == "s")
    return f"{seconds / size:g} {unit}"


def clock_words(moment: float, step: float) -> str:
    """A moment as a tick says it: `14:05:30`, `14:05`, or the day where steps are days or midnight is meant. UTC."""
    if step >= DAY:
        return day_words(moment)
    time = datetime.fromtimestamp(moment, UTC)
    return f"{time:%H:%M:%S}" if step < _MINUTE else f"{time:%H:%M}"


def day_words(moment: float) -> str:
    """`25 Nov`. The names of months are ours, whatever the system speaks."""
    time = datetime.fromtimestamp(moment, UTC)
    return f"{time.day} {_MONTHS[time.month - 1]}"


def moment_words(moment: float) -> str:
    """`25 Nov 2026, 14:05`."""
    time = datetime.fromtimestamp(moment, UTC)
    return f"{day_words(moment)} {time.year}, {time:%H:%M}"


_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def amount_words(value: float) -> str:
    """A number as an axis says it: `0.05`, `1,200`, `12 k`, `3.5 M`; never an exponent."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= 10 * size or (abs(value) >= size and unit != "k"):
            return f"{value / size:,.6g} {unit}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.12f}".rstrip("0") if abs(value) < 1 else f"{value:,.6g}"


def seconds_words(value: float) -> str:
    """A duration on an axis: `0.2 s`, `30 s`, `5 min`, `2 h`."""
    if value < _MINUTE or value % _MINUTE:
        return f"{amount_words(value)} s"
    return step_words(value)


def _tidy(value: float) -> float:
    """Without the dust of binary fractions: 0.30000000000000004 is 0.3."""
    return float(f"{value:.12g}")
