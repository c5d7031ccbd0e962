"""Signals as calls on the event loop, for as long as a run goes on: to stop, and to say how it stands.

Decides nothing; when nobody listens any more, the handlers of before are back. A signal that was ignored when we
were started (nohup, `&` in a script) stays ignored.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager


def _existing(*names: str) -> tuple[signal.Signals, ...]:
    return tuple(signal.Signals[name] for name in names if name in signal.Signals.__members__)


STOPS: Final = _existing(
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGALRM", "SIGTERM", "SIGBREAK", "SIGXCPU"
)
"""All that others send to end a process. What they do by default would leave every request in flight in doubt."""
_QUESTIONS: Final = _existing("SIGUSR1", "SIGINFO")


@contextmanager
def listen(heard: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `heard` on the running loop at each of `STOPS`."""
    with _calling({number: partial(heard, number) for number in STOPS}), _console_closes(heard):
        yield


def listen_for_questions(asked: Callable[[], None]) -> AbstractContextManager[None]:
    """Call `asked` on the running loop at each SIGUSR1 or, where it exists, SIGINFO (Ctrl-T)."""
    return _calling(dict.fromkeys(_QUESTIONS, asked))


@contextmanager
def _calling(calls: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    found = {number: signal.getsignal(number) for number in calls}
    before = {number: handler for number, handler in found.items() if handler not in {signal.SIG_IGN, None}}
    for number in before:
        call = calls[number]
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


if sys.platform == "win32":
    import ctypes
    import threading

    _CLOSING: Final = {2, 5, 6}
    """CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT."""

    @contextmanager
    def _console_closes(heard: Callable[[signal.Signals], None]) -> Iterator[None]:
        """Call `heard` when the console closes, too. Windows ends a process whose handler returns, so it waits."""
        loop = asyncio.get_running_loop()
        over = threading.Event()

        def closed(event: int) -> int:
            if event not in _CLOSING:
                return 0
            loop.call_soon_threadsafe(heard, signal.SIGBREAK)
            over.wait()
            return 1

        closing = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)(closed)
        ctypes.windll.kernel32.SetConsoleCtrlHandler(closing, 1)
        try:
            yield
        finally:
            ctypes.windll.kernel32.SetConsoleCtrlHandler(closing, 0)
            over.set()

else:

    def _console_closes(_heard: Callable[[signal.Signals], None]) -> AbstractContextManager[None]:
        """Elsewhere that is SIGHUP."""
        return nullcontext()
