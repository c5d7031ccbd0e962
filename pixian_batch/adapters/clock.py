"""The wall clock: the one place that reads it. Everything else asks the event loop for time.

Proved by tests/project/test_clock.py.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> str:
    """The present moment, UTC, ISO 8601 with milliseconds; sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def today() -> str:
    """The present moment's date in local time, as the UTC moment at which it began."""
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC).isoformat(timespec="milliseconds")


def ticking() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the process is stopped. For limits of the world outside."""
    return time.monotonic()
