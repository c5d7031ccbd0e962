"""A log file of a run through the standard logging: one line a failure, doubt, message and end."""

from __future__ import annotations

import logging
import logging.handlers
from typing import TYPE_CHECKING

from pixian_batch.display.text import one_line, printable, problem_text, with_hint
from pixian_batch.policy.outcome import Done, Duplicate, Failed, InDoubt, Lost, NotStarted, Skipped
from pixian_batch.policy.progress import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Message, Snapshot, Summary

_LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}


class Logged:
    """A watcher that appends to a file, which may be rotated away under it."""

    def __init__(self, path: str) -> None:
        self._log = logging.getLogger("pixian_batch.run")
        self._log.setLevel(logging.INFO)
        self._log.propagate = False
        handler = logging.handlers.WatchedFileHandler(
            path, encoding="utf-8", errors="backslashreplace", delay=True
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._log.addHandler(handler)
        self._snapshot: Callable[[], Snapshot] | None = None

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins."""
        self._snapshot = snapshot
        self._log.info("run started")

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        name = printable(ending.input)
        match ending.outcome:
            case Failed(problem):
                self._log.error("%s failed: %s", name, problem_text(problem))
            case InDoubt(problem=problem) | Lost(problem=problem):
                self._log.warning(
                    "%s may have been charged without a result: %s", name, problem_text(problem)
                )
            case Done(headers=headers):
                self._log.info("%s done, %s credits, %.1f s", name, headers.credits_charged, ending.seconds)
            case Duplicate(of):
                self._log.info("%s made from %s", name, printable(of))
            case Skipped() | NotStarted():
                pass

    def said(self, message: Message) -> None:
        """Something the user should know."""
        self._log.log(_LEVELS[message.level], "%s", printable(with_hint(message.text, message.hint)))

    def finished(self, summary: Summary) -> None:
        """The end."""
        if summary.stop is not None:
            self._log.error("stopped: %s", printable(with_hint(summary.stop.message, summary.stop.hint)))
        if self._snapshot is not None:
            self._log.info("%s", one_line(self._snapshot()))
        self._log.info("run ended with exit code %d", summary.exit_code)
        for handler in tuple(self._log.handlers):
            self._log.removeHandler(handler)
            handler.close()

    async def attend(self) -> None:
        """Nothing to do beside the run."""
