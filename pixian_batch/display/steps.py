"""How far a command is that works through a known number of things: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pixian_batch.display.plain import EVERY, Limiter
from pixian_batch.display.text import about, count, percent, printable

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self, TextIO

    from rich.console import Console

_LEAST: Final = 0.25
"""Seconds between two frames."""


class Steps:
    """`with Steps(...) as steps`, then `at` as often as anything has ended. things: what is counted, `variants`.

    console: where a bar can be drawn; None: plain lines on `stream`.
    """

    def __init__(self, stream: TextIO, things: str, total: int, *, console: Console | None = None) -> None:
        self._stream, self._things, self._total = stream, things, total
        self._console = console
        self._began = self._shown = time.monotonic()
        self._bar: Bar | None = None
        self._limiter = Limiter()

    def __enter__(self) -> Self:
        if self._console is not None:
            self._bar = Bar(self._console, self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def at(self, done: int, failed: int) -> None:
        """So many have ended well, so many have failed."""
        present = time.monotonic()
        if present - self._shown < (_LEAST if self._bar else EVERY):
            return
        self._shown = present
        line = self._line(done, failed, present - self._began)
        if self._bar is not None:
            self._bar.show(done + failed, line)
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def complain(self, name: str, problem: str, hint: str) -> None:
        """One has failed: why, and what to do. Many of one kind are only counted."""
        show, last = self._limiter.lets((problem, hint))
        if show:
            self.say(f"failed: {printable(name)}: {printable(problem)}\n  {printable(hint)}")
        if last:
            self.say("  more of this kind are only counted")

    def say(self, text: str) -> None:
        """Lines that stay, above the bar."""
        if self._bar is not None:
            self._bar.say(text)
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _line(self, done: int, failed: int, seconds: float) -> str:
        ended = done + failed
        facts = [
            f"{count(ended)} of {count(self._total)} {self._things} ({percent(ended, self._total):.1f} %)"
        ]
        if ended and seconds:
            facts.append(f"{ended / seconds:.1f} a second")
        if self._total > ended > 0:
            facts.append(f"{about((self._total - ended) * seconds / ended)} left")
        if failed:
            facts.append(f"{count(failed)} failed")
        return ", ".join(facts)


class Bar:
    """A bar of rich's on a terminal, and a line of text beside it."""

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn  # only for a terminal

        columns = BarColumn(bar_width=30), TextColumn("{task.fields[line]}", markup=False)
        self._progress = Progress(*columns, console=console, auto_refresh=False, transient=True)
        self._task = self._progress.add_task("", total=total, line="")
        self._progress.start()

    def show(self, ended: int, line: str) -> None:
        """Draw it."""
        self._progress.update(self._task, completed=ended, line=line, refresh=True)

    def say(self, text: str) -> None:
        """Lines above it."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take it away."""
        self._progress.stop()
