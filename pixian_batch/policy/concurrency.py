"""How many workers may be in use, and why that changed: the words of what is written down of a run's pace. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pixian_batch.policy.verdict import Verdict


class ChangeReason(StrEnum):
    """Why the number that is allowed, or the number that rests, changed."""

    START = "start"
    RAMP = "ramp"
    IDLE = "idle"
    THROTTLED = "throttled"
    FAILING = "failing"
    RESUMED = "resumed"
    OUTAGE = "outage"
    RESTORED = "restored"
    STOP = "stop"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrencyChange:
    """One change, and how it stands from then on. at: UTC, ISO 8601.

    allowed: workers that may send now (one, as a probe, while the service fails for everyone; none once the run stops);
    in_use: those that hold an image, `resting` of them wait after a 429 or a failure.
    """

    at: str
    allowed: int
    in_use: int
    resting: int
    reason: ChangeReason


def why_resting(why: Verdict, resting: int) -> ChangeReason:
    """The reason of a change of how many rest. why: how the request ended for which one of them began to, or did."""
    if not resting:
        return ChangeReason.RESUMED
    return ChangeReason.THROTTLED if why is Verdict.THROTTLED else ChangeReason.FAILING


SHORTEST_PAUSE: Final = 1.0
"""Seconds between two changes that are written down, but for those that come once (start, outage, stop, end)."""
_LONGEST_PAUSE: Final = 60.0
_OF_SPELL: Final = 0.05


def pause_in_spell(seconds: float) -> float:
    """Seconds between two records of who rests, after so long a spell of rests: a week of 429s stays 10,000 rows."""
    return min(_LONGEST_PAUSE, max(SHORTEST_PAUSE, _OF_SPELL * seconds))
