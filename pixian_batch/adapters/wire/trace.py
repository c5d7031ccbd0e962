"""The facts of one exchange, filled in as they happen, and the two ways in which it can break."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pixian_batch.policy.verdict import Exchange


class WireError(Exception):
    """The wire broke, or stood still for too long. What is known of the exchange is in its `Trace`."""


class SourceChangedError(Exception):
    """The local file is not the one that was announced. Its request was never completed."""


class WireFact(Enum):
    """What shows at one exchange and holds for all."""

    NO_KEEPING = "two kept connections died under a request: each has a connection of its own from now on"
    LONG_WAIT = "an answer's `Retry-After` asks for the longest wait that is heeded, or for more"


@dataclass(slots=True)
class Trace:
    """The facts of one exchange, filled in as they happen."""

    possibly_complete: bool = False
    status: int | None = None
    whole: bool = False
    source_changed: bool = False
    reused: bool = False
    """Whether it went out on a connection that was kept open after an earlier exchange."""

    def exchange(self, *, as_asked: bool = False) -> Exchange:
        """The facts as the verdict wants them."""
        return Exchange(self.possibly_complete, self.status, whole=self.whole, as_asked=as_asked)
