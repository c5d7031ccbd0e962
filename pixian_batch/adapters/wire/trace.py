"""The facts of one exchange, filled in as they happen, and the two ways in which it can break.

Proved by tests/adapters/wire/test_session.py.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from pixian_batch.policy.disk import reading_hint, system_word
from pixian_batch.policy.verdict import Exchange

_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})


class WireError(Exception):
    """The wire broke, or stood still for too long. What is known of the exchange is in its `Trace`."""


class StoppedError(WireError):
    """The exchange was given up here, because somebody wanted it so: nothing is wrong with the network."""


class SourceChangedError(Exception):
    """The local file is not the one that was announced, or cannot be read. Its request was never completed."""

    def __init__(self, error: OSError | None = None) -> None:
        gone = error is not None and error.errno in _GONE
        if error is None or gone:
            super().__init__("was removed before it was sent" if gone else "changed while it was being sent")
            self.code, self.hint = "changed", "run again when nobody writes to it"
        else:
            super().__init__(f"cannot be read: {system_word(error)}")
            self.code, self.hint = "unreadable", reading_hint(error)


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
    unreadable: OSError | None = field(default=None, compare=False)
    """What the system has against the file that was to be sent."""

    def lose_source(self, error: OSError | None = None) -> SourceChangedError:
        """Note that the request cannot be completed: the file changed, or (`error`) cannot be read."""
        self.source_changed, self.unreadable = True, error
        return SourceChangedError(error)

    reused: bool = False
    """Whether it went out on a connection that was kept open after an earlier exchange."""

    def exchange(self, *, as_asked: bool = False) -> Exchange:
        """The facts as the verdict wants them."""
        return Exchange(self.possibly_complete, self.status, whole=self.whole, as_asked=as_asked)
