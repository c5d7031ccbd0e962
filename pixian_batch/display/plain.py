"""A run without a terminal: plain lines on a stream, for logs, cron and CI.

No rich here. Asks only the event loop for time. Never raises because of a name or a closed stream.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from pixian_batch.display.summary import Report, report_on
from pixian_batch.display.text import (
    credit_amount,
    images,
    one_line,
    printable,
    problem_text,
    with_hint,
)
from pixian_batch.display.writer import Writer
from pixian_batch.policy.look import Look, Suspicion
from pixian_batch.policy.outcome import Done, Duplicate, Failed, InDoubt, Kept, Lost, Skipped
from pixian_batch.policy.progress import Level, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Message, Snapshot, Summary

EVERY: Final = 30.0
"""Seconds between two lines."""
REPEATS: Final = 20
"""Equal complaints that are printed one by one; more are only counted."""
_MOST_KINDS: Final = 1000
_OTHER: Final = ("", "")


class Limiter:
    """Lets the first `repeats` complaints of a kind through; remembers a bounded number of kinds."""

    def __init__(self, repeats: int = REPEATS) -> None:
        self._repeats = repeats
        self._counts: Counter[tuple[str, str]] = Counter()

    def lets(self, kind: tuple[str, str]) -> tuple[bool, bool]:
        """Whether to print a complaint of this kind, and whether it is the last one to be printed."""
        if kind not in self._counts and len(self._counts) >= _MOST_KINDS:
            kind = _OTHER
        self._counts[kind] += 1
        return self._counts[kind] <= self._repeats, self._counts[kind] == self._repeats


class Plain(Watcher):
    """One line every `every` seconds, complaints as they come, a report at the end.

    quiet: nothing but what needs somebody's decision. verbose: a line for every image. again: this run's
    command line, for the report.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        every: float = EVERY,
        quiet: bool = False,
        verbose: bool = False,
        again: str = "",
    ) -> None:
        self._writer = Writer(stream)
        self._every = every
        self._quiet = quiet
        self._verbose = verbose and not quiet
        self._again = again
        self._limiter = Limiter()
        self._snapshot: Callable[[], Snapshot] | None = None

    @property
    def tells_skipped(self) -> bool:
        """Whether there is a line for each."""
        return self._verbose

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins."""
        self._snapshot = snapshot

    def counted(self, found: int) -> None:
        """Print how many images there are, unless the end says so in a moment."""
        if not self._quiet and (self._snapshot is None or self._snapshot().tally.ended < found):
            self._line(f"found {images(found)}")

    def ended(self, ending: Ending) -> None:
        """Print a failure or a doubt, and with `verbose` anything; everything else is in the counts."""
        if self._verbose and (line := ending_line(ending)):
            self._line(line)
            if not isinstance(ending.outcome, Done):
                return
        match ending.outcome:
            case Failed(problem=problem):
                kind = ("failed", str(problem.code or problem.message))
                shown = not self._quiet
            case Kept(problem=problem):
                kind = ("kept", str(problem.code))
                shown = True
            case InDoubt(problem=problem) | Lost(problem=problem):
                kind = (_doubtful(ending.outcome), str(problem.code or problem.message))
                shown = True
            case Done(look=Look(suspicion=Suspicion() as suspicion, text=text)):
                kind = ("look", suspicion)
                if not self._quiet:  # the report names it
                    self._complain(kind, f"warning: {printable(ending.input)}: the result is {text}")
                return
            case _:
                return
        if shown:
            self._complain(kind, f"{kind[0]}: {printable(ending.input)}: {problem_text(problem)}")

    def status(self) -> None:
        """Somebody asks how it stands."""
        self._progress()

    def notify(self, message: Message) -> None:
        """Print a message."""
        if self._quiet and message.level is Level.INFO:
            return
        prefix = "" if message.level is Level.INFO else f"{message.level.value}: "
        self._complain((message.level.value, message.text), prefix + with_hint(message.text, message.hint))

    def finished(self, summary: Summary) -> None:
        """Print the report, and wait until it is written."""
        report = report_on(summary, again=self._again)
        if not self._quiet and not report.refused:
            self._progress()
        for line in brief_lines(report) if self._quiet else lines(report):
            self._line(line)
        self._writer.close()

    async def attend(self) -> None:
        """Print a line every `every` seconds, until cancelled."""
        while not self._quiet:
            await asyncio.sleep(self._every)
            self._progress()

    def _progress(self) -> None:
        if self._snapshot is not None:
            self._line(one_line(self._snapshot()))

    def _complain(self, kind: tuple[str, str], line: str) -> None:
        shown, last = self._limiter.lets(kind)
        if shown:
            self._line(line + ("; more of these are only counted" if last else ""))

    def _line(self, line: str) -> None:
        self._writer.put(f"{line}\n")


def _doubtful(outcome: object) -> str:
    """The word for an image that waits for a decision."""
    return "lost" if isinstance(outcome, Lost) else "in doubt"


def ending_line(ending: Ending) -> str | None:
    """How one image ended, on one line; None for an image whose turn never came."""
    name = printable(ending.input)
    match ending.outcome:
        case Done(headers=headers, repaired=repaired):
            charged = headers.credits_charged
            cost = "finished for free" if repaired else "credits not said"
            if charged is not None and not repaired:
                cost = f"{credit_amount(charged)} credits"
            return f"done: {name}, {cost}, {ending.seconds:.1f} s"
        case Duplicate(of):
            return f"duplicate: {name}, made from {printable(of)}"
        case Skipped(reason):
            return f"skipped: {name}, {reason.value}"
        case Failed(problem):
            return f"failed: {name}: {problem_text(problem)}"
        case Kept(problem=problem):
            return f"kept: {name}: {problem_text(problem)}"
        case InDoubt(problem=problem) | Lost(problem=problem):
            return f"{_doubtful(ending.outcome)}: {name}: {problem_text(problem)}"
        case _:
            return None


def lines(report: Report) -> Iterator[str]:
    """The whole report as aligned lines."""
    yield report.headline
    labels = max((len(row.label) for row in report.rows), default=0)
    values = max((len(row.value) for row in report.rows if row.note or row.label != "ledger"), default=0)
    for row in report.rows:
        note = f"  ({row.note})" if row.note else ""
        yield f"  {row.label:<{labels}}  {row.value:>{values}}{note}".rstrip()
    for detail in report.details:
        yield f"  {detail}"
    yield from _steps(report)


def brief_lines(report: Report) -> Iterator[str]:
    """Only what needs a decision: nothing after a run that went well."""
    if report.steps or report.details:
        yield report.headline
        for row in report.rows:
            if row.tone.value in {"waiting", "bad"}:
                yield f"  {row.label}: {row.value}" + (f" ({row.note})" if row.note else "")
        yield from (f"  {detail}" for detail in report.details)
        yield from _steps(report)


def _steps(report: Report) -> Iterator[str]:
    for step in report.steps:
        yield f"  {step.text}" if report.refused else f"next: {step.text}"
        if step.command:
            yield f"    {step.command}"
