"""When the service fails for everyone: stop sending, probe, give up. Pure.

A failure is an attempt without any useful answer; a success is any answer that shows the service at
work (a result, or a refusal of one image). A 429 says nothing either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pixian_batch.policy.verdict import Verdict

_SUCCESS: Final = frozenset({Verdict.DELIVERED, Verdict.REFUSED})
_FAILURE: Final = frozenset({Verdict.UNAVAILABLE, Verdict.NOT_SENT, Verdict.IN_DOUBT, Verdict.LOST})


@dataclass(frozen=True, slots=True)
class Breaker:
    """Failures in a row across all workers, and since when that is too many.

    threshold: how many in a row trip it; give_up_after: seconds of being tripped until the run ends.
    """

    threshold: int = 20
    give_up_after: float = 900.0
    failures: int = 0
    tripped_at: float | None = None

    @property
    def tripped(self) -> bool:
        """Whether only one image at a time may be sent, as a probe."""
        return self.tripped_at is not None

    def gives_up(self, now: float) -> bool:
        """Whether the service has failed for so long that the run should end."""
        return self.tripped_at is not None and now - self.tripped_at >= self.give_up_after

    def seen(self, verdict: Verdict, now: float) -> Breaker:
        """The breaker after an attempt that ended as `verdict` at `now` (seconds of any one clock)."""
        if verdict in _SUCCESS:
            return Breaker(self.threshold, self.give_up_after)
        if verdict not in _FAILURE:
            return self
        failures = self.failures + 1
        newly = self.tripped_at is None and failures >= self.threshold
        return Breaker(self.threshold, self.give_up_after, failures, now if newly else self.tripped_at)
