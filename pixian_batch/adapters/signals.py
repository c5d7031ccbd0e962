"""Signals as calls on the event loop, for as long as a run goes on: to stop, and to say how it stands."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def listen_for_questions(asked: Callable[[], None]) -> Iterator[None]:
    """Call `asked` on the running loop at each SIGUSR1 or, where it exists, SIGINFO (Ctrl-T)."""
    numbers = [getattr(signal, name) for name in ("SIGUSR1", "SIGINFO") if hasattr(signal, name)]
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, asked)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


@contextmanager
def listen(heard: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `heard` on the running loop at each SIGINT or SIGTERM; the old handlers come back at the end."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    if sys.platform == "win32":  # the loop has no signal handlers there

        def relay(number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(heard, signal.Signals(number))

        for number in _SIGNALS:
            signal.signal(number, relay)
    else:
        for number in _SIGNALS:
            loop.add_signal_handler(number, heard, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            if sys.platform != "win32":
                loop.remove_signal_handler(number)
            signal.signal(number, before[number])
