"""Signals as calls on the event loop, for as long as a run goes on: to stop, and to say how it stands.

Decides nothing; when nobody listens any more, the handlers of before are back.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_QUESTIONS: Final = tuple(
    signal.Signals[name] for name in ("SIGUSR1", "SIGINFO") if name in signal.Signals.__members__
)


def listen(heard: Callable[[signal.Signals], None]) -> AbstractContextManager[None]:
    """Call `heard` on the running loop at each SIGINT or SIGTERM."""
    return _calling({number: partial(heard, number) for number in _STOPS})


def listen_for_questions(asked: Callable[[], None]) -> AbstractContextManager[None]:
    """Call `asked` on the running loop at each SIGUSR1 or, where it exists, SIGINFO (Ctrl-T)."""
    return _calling(dict.fromkeys(_QUESTIONS, asked))


@contextmanager
def _calling(calls: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in calls}
    for number, call in calls.items():
        if sys.platform == "win32":  # the loop has no signal handlers there
            signal.signal(number, lambda *_, call=call: loop.call_soon_threadsafe(call))
        else:
            loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number, handler in before.items():
            if sys.platform != "win32":
                loop.remove_signal_handler(number)
            signal.signal(number, handler)
