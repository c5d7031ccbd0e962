"""The vendor's curve as an oracle: what the ramp allows when all workers are in use from 0 s on."""

from __future__ import annotations

from itertools import accumulate, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixian_batch.policy.ramp import Ramp


def openings(ramp: Ramp) -> list[float]:
    """The moment at which each worker is allowed to begin."""
    steps = ramp.cap - ramp.at_start
    return [0.0] * ramp.at_start + list(accumulate(repeat(ramp.interval, steps)))


def allowed_at(ramp: Ramp, elapsed: float) -> int:
    """Workers allowed `elapsed` seconds after the first request."""
    return max(ramp.at_start, sum(opening <= elapsed for opening in openings(ramp)))
