"""Signals that end a command, as an exception in its main thread: for commands without an event loop. Blocking.

Proved by tests/cli/test_check.py.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")


class CommandInterrupt(BaseException):
    """Somebody wants the command to end. number: the signal's. No `Exception`: nobody catches it by chance."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `CommandInterrupt` at the first signal; a second one does what it does by default, at once."""
    numbers = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]
    before = {number: signal.getsignal(number) for number in numbers}
    heard = {number: handler for number, handler in before.items() if handler not in {signal.SIG_IGN, None}}

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for other in heard:
            signal.signal(other, signal.SIG_DFL)
        raise CommandInterrupt(number)

    for number in heard:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
