"""A log file of a run through the standard logging: one line an image, doubt, message and end."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pixian_batch.display.records import image_record, summary_record
from pixian_batch.display.streams import without_waiting
from pixian_batch.display.text import images, one_line, printable, problem_text, with_hint
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.outcome import Done, Duplicate, Failed, InDoubt, Kept, Lost, NotStarted, Skipped
from pixian_batch.policy.progress import Level, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import TextIOWrapper

    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Message, Snapshot, Summary

_log = logging.getLogger(__name__)
_LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}


class Logged(Watcher):
    """Appends to a file, which may be rotated away under it.

    as_json: one JSON object a line. redacted: takes secrets out of a finished line.
    """

    def __init__(
        self, path: str, *, as_json: bool = False, redacted: Callable[[str], str] = lambda line: line
    ) -> None:
        self._log = logging.getLogger("pixian_batch.run")
        self._log.setLevel(logging.INFO)
        self._log.propagate = False
        handler = _Handler(path, encoding="utf-8", errors="backslashreplace", delay=True)
        handler.setFormatter(_Formatter(as_json=as_json, redacted=redacted))
        self._log.addHandler(handler)
        self._snapshot: Callable[[], Snapshot] | None = None

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins."""
        self._snapshot = snapshot
        self._log.info("run started")

    def counted(self, found: int) -> None:
        """It is known how many inputs there are."""
        self._log.info("found %s", images(found))

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        name = printable(ending.input)
        match ending.outcome:
            case Failed(problem):
                self._image(logging.ERROR, f"{name} failed: {problem_text(problem)}", ending)
            case Kept(problem=problem):
                self._image(logging.WARNING, f"{name} {problem_text(problem)}", ending)
            case InDoubt(problem=problem):
                self._image(logging.WARNING, f"{name} in doubt: {problem_text(problem)}", ending)
            case Lost(problem=problem):
                self._image(logging.WARNING, f"{name} lost: {problem_text(problem)}", ending)
            case Done(headers=headers, look=look, suspicion=suspicion):
                text = f"{name} done, {headers.credits_charged} credits, {ending.seconds:.1f} s"
                self._image(logging.INFO, text, ending)
                if suspicion is not None and look is not None:
                    self._log.warning("%s: the result is %s", name, look.text)
            case Duplicate(of):
                self._image(logging.INFO, f"{name} made from {printable(of)}", ending)
            case Skipped() | NotStarted():
                pass

    def _image(self, level: int, text: str, ending: Ending) -> None:
        self._log.log(level, "%s", text, extra={"facts": image_record(ending)})

    def notify(self, message: Message) -> None:
        """Something the user should know."""
        self._log.log(_LEVELS[message.level], "%s", printable(with_hint(message.text, message.hint)))

    def finished(self, summary: Summary) -> None:
        """The end."""
        if summary.stop is not None:
            self._log.error("stopped: %s", printable(with_hint(summary.stop.message, summary.stop.hint)))
        if self._snapshot is not None:
            self._log.info("%s", one_line(self._snapshot()))
        facts = {"facts": summary_record(summary)}
        self._log.info("run ended with exit code %d", summary.exit_code, extra=facts)
        for handler in tuple(self._log.handlers):
            self._log.removeHandler(handler)
            with contextlib.suppress(OSError):  # it was told
                handler.close()


class _Handler(logging.handlers.WatchedFileHandler):
    """Says once that the file cannot be written, in one line; tries again with every line."""

    _warned = False

    def _open(self) -> TextIOWrapper:
        waits = os.path.exists(self.baseFilename) and not os.path.isfile(self.baseFilename)
        opener = without_waiting if waits else None
        return open(self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=opener)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # when it is opened anew
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._warned:
            self._warned = True
            _log.warning("--log-file %s cannot be written: %s", self.baseFilename, system_word(error))


class _Formatter(logging.Formatter):
    def __init__(self, *, as_json: bool, redacted: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._as_json = as_json
        self._redacted = redacted

    def format(self, record: logging.LogRecord) -> str:
        return self._redacted(self._json(record) if self._as_json else super().format(record))

    def _json(self, record: logging.LogRecord) -> str:
        """The record of an image or of the summary, where there is one, under the key of its type."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        facts: dict[str, Any] | None = getattr(record, "facts", None)
        if facts is not None:
            line[str(facts["type"])] = facts
        return json.dumps(line, separators=(",", ":"), allow_nan=False)
