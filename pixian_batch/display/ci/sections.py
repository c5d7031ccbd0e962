"""A run's plain lines in a part of the server's log that is folded, and its report below it, which is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pixian_batch.display.ci.commands import END_OF_GROUP, group, harmless
from pixian_batch.display.ci.guarding import unguarded
from pixian_batch.display.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from pixian_batch.policy.progress import Launch, Summary

_TITLE: Final = "pixian-batch: how the run went"
_START: Final = "\x1b[0K"


class GitHubLog(Plain):
    """On GitHub. Only our own lines begin with a command."""

    def __init__(self, stream: TextIO, *, quiet: bool, verbose: bool, again: str) -> None:
        super().__init__(unguarded(stream), quiet=quiet, verbose=verbose, again=again)
        self._folded = not quiet

    def launched(self, launch: Launch) -> None:
        """Begin the folded part."""
        super().launched(launch)
        if self._folded:
            self._writer.put(group(_TITLE))

    def finished(self, summary: Summary) -> None:
        """End it, and print the report."""
        if self._folded:
            self._writer.put(END_OF_GROUP)
        super().finished(summary)

    def _line(self, line: str) -> None:
        super()._line(harmless(line))


class GitLabLog(Plain):
    """On GitLab. now: seconds since 1970, for its marks. Names have no control characters, so none makes a mark."""

    def __init__(
        self, stream: TextIO, *, now: Callable[[], float], quiet: bool, verbose: bool, again: str
    ) -> None:
        super().__init__(stream, quiet=quiet, verbose=verbose, again=again)
        self._folded, self._now = not quiet, now

    def launched(self, launch: Launch) -> None:
        """Begin the folded part."""
        super().launched(launch)
        if self._folded:
            mark = f"section_start:{int(self._now())}:pixian_batch[collapsed=true]"
            self._writer.put(f"{_START}{mark}\r{_START}{_TITLE}\n")

    def finished(self, summary: Summary) -> None:
        """End it, and print the report."""
        if self._folded:
            self._writer.put(f"{_START}section_end:{int(self._now())}:pixian_batch\r{_START}\n")
        super().finished(summary)
