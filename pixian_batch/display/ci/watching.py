"""The watcher of a run in CI: collects what is to be told, and tells it at the end where the server looks for it.

Files that cannot be written are told once and harm nothing: the run and its exit code are what they are.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from pixian_batch.display.ci.annotating import annotations_of
from pixian_batch.display.ci.cases import case_of
from pixian_batch.display.ci.commands import annotation, step_output
from pixian_batch.display.ci.concerns import Concerns
from pixian_batch.display.ci.outputs import dotenv, outputs
from pixian_batch.display.ci.page import MARKER, MOST_OF_A_COMMENT, MOST_OF_A_SUMMARY, page
from pixian_batch.display.ci.quality import quality_report
from pixian_batch.display.junit import JUnitSuite, write_suites
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.progress import Level, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import TextIO

    from pixian_batch.display.ci.concerns import Cause
    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Message, Summary

_MOST_MESSAGES: Final = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CiFiles:
    """Where to write what, by path; None: not at all. repository: the folder that names are relative to.

    commands: the stream that GitHub's runner reads annotations from.
    """

    repository: str
    commands: TextIO | None = None
    step_summary: str | None = None
    step_output: str | None = None
    junit: str | None = None
    comment: str | None = None
    quality: str | None = None
    dotenv: str | None = None


class CiWatcher(Watcher):
    """whole_file: opens a file that is there whole or not at all. again: this run's command line."""

    def __init__(
        self,
        files: CiFiles,
        *,
        whole_file: Callable[[str], AbstractContextManager[BinaryIO]],
        again: str = "",
    ) -> None:
        self._files, self._whole_file, self._again = files, whole_file, again
        self._concerns = Concerns()
        self._messages: list[Message] = []
        self._scope = ExitStack()
        self._suite: JUnitSuite | None = None

    @property
    def tells_skipped(self) -> bool:
        """Each has a test case."""
        return self._files.junit is not None

    def notify(self, message: Message) -> None:
        """Keep an error of the run itself."""
        if message.level is Level.ERROR and len(self._messages) < _MOST_MESSAGES:
            self._messages.append(message)

    def ended(self, ending: Ending) -> None:
        """Keep what is to be told of an image."""
        self._concerns.add(ending)
        if self._files.junit is not None:
            self._cases().add(case_of(ending))

    def finished(self, summary: Summary) -> None:
        """Tell everything; each on its own, whatever becomes of the others."""
        causes = self._concerns.causes()
        with self._scope:
            self._try(self._files.junit, "--junit", self._write_junit)
            self._try(
                self._files.comment, "--comment-file", lambda path: self._comment(path, summary, causes)
            )
            self._try(self._files.quality, "--code-quality", lambda path: self._quality(path, causes))
            self._try(self._files.dotenv, "--dotenv", lambda path: self._dotenv(path, summary))
            self._try(
                self._files.step_summary,
                "GITHUB_STEP_SUMMARY",
                lambda path: self._page(path, summary, causes),
            )
            self._try(
                self._files.step_output, "GITHUB_OUTPUT", lambda path: self._outputs(path, summary, causes)
            )
        self._annotate(summary, causes)

    def _try(self, path: str | None, what: str, write: Callable[[str], None]) -> None:
        if path is None:
            return
        try:
            write(path)
        except OSError as error:
            _log.warning("%s %s cannot be written: %s", what, path, system_word(error))

    def _write_junit(self, path: str) -> None:
        with self._whole_file(path) as out:
            write_suites("pixian-batch", [self._cases()], out)

    def _cases(self) -> JUnitSuite:
        """The suite, in a file that goes when it ends."""
        if self._suite is None:
            kept = tempfile.TemporaryFile()  # noqa: SIM115  # lives until the end, when `_scope` closes it
            self._suite = JUnitSuite("pixian-batch run", cast("BinaryIO", self._scope.enter_context(kept)))
        return self._suite

    def _comment(self, path: str, summary: Summary, causes: list[Cause]) -> None:
        text = page(summary, causes, room=MOST_OF_A_COMMENT, again=self._again)
        self._put(path, f"{MARKER}\n{text}".encode())

    def _quality(self, path: str, causes: list[Cause]) -> None:
        self._put(path, quality_report(causes, self._place))

    def _dotenv(self, path: str, summary: Summary) -> None:
        self._put(path, dotenv(outputs(summary)).encode())

    def _put(self, path: str, content: bytes) -> None:
        with self._whole_file(path) as out:
            out.write(content)

    def _page(self, path: str, summary: Summary, causes: list[Cause]) -> None:
        """Append: a step's other commands write there, too, and the limit is of all of it."""
        there = os.path.getsize(path) if os.path.exists(path) else 0
        text = page(summary, causes, room=MOST_OF_A_SUMMARY - there - 2, again=self._again)
        if text:
            _append(path, f"\n{text}\n")

    def _outputs(self, path: str, summary: Summary, causes: list[Cause]) -> None:
        markdown = page(summary, causes, room=MOST_OF_A_COMMENT, again=self._again)
        values = {**outputs(summary), "markdown": markdown}
        text = "".join(step_output(name, value, secrets.token_hex) for name, value in values.items())
        _append(path, text)

    def _annotate(self, summary: Summary, causes: list[Cause]) -> None:
        if self._files.commands is None:
            return
        lines = [
            annotation(each.level, each.title, each.message, self._place(each.input))
            for each in annotations_of(summary.stop, self._messages, causes)
        ]
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            self._files.commands.write("".join(lines))
            self._files.commands.flush()

    def _place(self, name: str) -> str | None:
        """A photo's path in the repository, with `/`; None where it is not in it, or its name can be no property."""
        if not name or "://" in name or not name.isprintable():
            return None
        if not _same_drive(name, self._files.repository):
            return None
        path = os.path.relpath(os.path.abspath(name), self._files.repository).replace(os.sep, "/")
        return None if path == ".." or path.startswith("../") else path


def _same_drive(name: str, folder: str) -> bool:
    """Windows has no way from one drive to another."""
    return os.path.splitdrive(os.path.abspath(name))[0].lower() == os.path.splitdrive(folder)[0].lower()


def _append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
