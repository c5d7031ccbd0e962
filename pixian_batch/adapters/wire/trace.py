"""The facts of one exchange, filled in as they happen, and the two ways in which it can break."""

from __future__ import annotations

from dataclasses import dataclass

from pixian_batch.policy.verdict import Exchange


class WireError(Exception):
    """The wire broke, or stood still for too long. What is known of the exchange is in its `Trace`."""


class SourceChangedError(Exception):
    """The local file is not the one that was announced. Its request was never completed."""


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


def error_text(error: BaseException) -> str:
    """What an exception says, or its name when it says nothing."""
    return str(error) or type(error).__name__
