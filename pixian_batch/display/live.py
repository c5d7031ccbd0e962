"""The live view on a terminal: one bar, a few rows, the last messages; a report at the end.

The only module of this room that imports rich. Redraws when `attend` says so, at most four times a
second and only when something changed; no thread decides when. Text from outside is never markup.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from rich.cells import cell_len
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from pixian_batch.display import text as words
from pixian_batch.display.summary import Tone, report_on
from pixian_batch.display.writer import Writer
from pixian_batch.policy.outcome import Failed, InDoubt, Kept, Lost
from pixian_batch.policy.progress import Level, Message, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

    from rich.console import Console

    from pixian_batch.display.summary import Report, SummaryRow
    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Snapshot, Summary

REFRESH: Final = 0.25
"""Seconds between two looks at the run."""
WIDEST: Final = 100
"""Columns that are used at most; so narrowing a wide terminal rarely folds what is on the screen."""
_LABELS: Final = 10
_INDENT: Final = 16
_NOTES: Final = 4
_NOTE_LINES: Final = 2
_NARROWEST_BAR: Final = 12
_NARROWEST_NOTE: Final = 24

_BAD, _WAITING, _GOOD, _LABEL = "bold red", "yellow", "green", "dim"
_TONES: Final = {Tone.PLAIN: "", Tone.GOOD: _GOOD, Tone.WAITING: _WAITING, Tone.BAD: _BAD}
_LEVELS: Final = {
    Level.INFO: ("note", ""),
    Level.WARNING: ("warning", _WAITING),
    Level.ERROR: ("error", _BAD),
}


def suits(console: Console) -> bool:
    """Whether `console` is a terminal that can move its cursor; FORCE_COLOR alone does not make it one."""
    return console.is_interactive and not console.is_dumb_terminal and console.file.isatty()


@dataclass(frozen=True, slots=True)
class _Note:
    """One of the last messages, printable; name: the image it is about, if any."""

    label: str
    style: str
    text: str
    name: str = ""


class Live(Watcher):
    """Draws the run on `console` (stderr). again: this run's command line, for the report."""

    def __init__(self, console: Console, *, again: str = "") -> None:
        self._console = console
        self._writer = Writer(cast("TextIO", console.file))
        self._again = again
        self._snapshot: Callable[[], Snapshot] | None = None
        self._notes: deque[_Note] = deque(maxlen=_NOTES)
        self._noted = 0
        self._drawn: list[Text] = []
        self._final = False

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins: draw it for the first time."""
        self._snapshot = snapshot
        self.draw()

    def ended(self, ending: Ending) -> None:
        """Keep a failure or a doubt among the last messages."""
        match ending.outcome:
            case Failed(problem=problem):
                label, style = "failed", _BAD
            case Kept(problem=problem):
                label, style = "kept", _WAITING
            case InDoubt(problem=problem):
                label, style = "in doubt", _WAITING
            case Lost(problem=problem):
                label, style = "lost", _WAITING
            case _:
                return
        name = words.printable(ending.input)
        self._note(_Note(label, style, words.problem_text(problem), name))

    def notify(self, message: Message) -> None:
        """Keep a message among the last ones."""
        label, style = _LEVELS[message.level]
        self._note(_Note(label, style, words.with_hint(message.text, message.hint)))

    def status(self) -> None:
        """Somebody asks how it stands."""
        if self._snapshot is not None:
            self.notify(Message(Level.INFO, words.one_line(self._snapshot())))

    def finished(self, summary: Summary) -> None:
        """Draw the last state, print the report below it, and wait until both are written."""
        self._writer.flush()
        self._final = True
        self.draw()
        report = report_lines(report_on(summary, again=self._again), width=self._width)
        self._emit(lambda: self._print([Text(), *report]))
        self._writer.close()

    async def attend(self) -> None:
        """Redraw now and then, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH)
            self.draw()

    def draw(self) -> None:
        """Put the present state in place of what was drawn last, unless nothing changed."""
        # A terminal that is slow to take the last frame skips this one.
        if self._snapshot is None or not self._writer.idle:
            return
        # The report repeats the other rows: at the end only the bar and the messages stay above it.
        draw = _bar_lines if self._final else view
        frame = draw(self._snapshot(), self._width, ascii_bar=self._plain_glyphs)
        frame += self._note_lines()
        frame = [self._fitted(line) for line in frame[: max(1, self._console.height - 1)]]
        if frame != self._drawn:
            rows = self._rows_on_screen()
            self._emit(lambda: self._replace(rows, frame))
            self._drawn = frame

    @property
    def _width(self) -> int:
        # The last column stays empty: a full line makes some terminals fold.
        return max(1, min(WIDEST, self._console.width - 1))

    @property
    def _plain_glyphs(self) -> bool:
        return self._console.legacy_windows or self._console.options.ascii_only

    def _note(self, note: _Note) -> None:
        self._notes.append(note)
        self._noted += 1

    def _note_lines(self) -> list[Text]:
        if not self._notes:
            return []
        lines = [Text()]
        for note in self._notes:
            lines += _note_rows(note, self._width)
        if self._noted > len(self._notes):
            lines.append(Text(f"{'':<{_LABELS}}and {self._noted - len(self._notes):,} before", _LABEL))
        return lines

    def _fitted(self, line: Text) -> Text:
        if self._plain_glyphs:
            line = _translated(line)
        line.truncate(self._width)
        return line

    def _rows_on_screen(self) -> int:
        """Rows that the last frame takes now: a terminal that was made narrower has folded long lines."""
        width = max(1, self._console.width)
        return sum(max(1, -(-line.cell_len // width)) for line in self._drawn)

    def _replace(self, rows: int, frame: list[Text]) -> None:
        clear = [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * rows
        self._console.control(Control(ControlType.CARRIAGE_RETURN, *clear))
        self._print(frame)

    def _print(self, lines: Iterable[Text]) -> None:
        for line in lines:
            shown = _translated(line) if self._plain_glyphs else line
            self._console.print(shown, crop=False)

    def _emit(self, draw: Callable[[], None]) -> None:
        if self._console.legacy_windows:  # drawn by system calls, which cannot be captured
            draw()
            return
        with self._console.capture() as captured:
            draw()
        self._writer.put(captured.get())


# --- what is drawn -------------------------------------------------------------------------------


def view(snapshot: Snapshot, width: int, *, ascii_bar: bool = False) -> list[Text]:
    """The rows of one frame, none wider than `width` columns unless a single word is."""
    lines = _bar_lines(snapshot, width, ascii_bar=ascii_bar)
    lines += _row("pace", _pace(snapshot), width)
    lines += _row("workers", _workers(snapshot), width)
    lines += _row("credits", _credits(snapshot), width)
    lines += _row("so far", _outcomes(snapshot), width)
    if state := words.state(snapshot):
        lines += _paragraph(_label("state"), state, width, style=_WAITING)
    return lines


def _label(label: str, style: str = _LABEL) -> Text:
    # A span, not the text's own style: that would reach into everything that is appended.
    return Text.assemble((f"{label:<{_LABELS}}", style))


def _note_rows(note: _Note, width: int) -> list[Text]:
    """A message on at most two rows; a long name is shortened first."""
    name = words.shortened(note.name, max(12, (width - _LABELS) // 2), measure=cell_len)
    rows = _paragraph(_label(note.label, note.style), f"{name}: {note.text}" if name else note.text, width)
    if len(rows) <= _NOTE_LINES:
        return rows
    last = rows[_NOTE_LINES - 1]
    last.truncate(width - 1)
    last.append("…")
    return rows[:_NOTE_LINES]


def _bar_lines(snapshot: Snapshot, width: int, *, ascii_bar: bool) -> list[Text]:
    ended = snapshot.tally.ended
    total = max(snapshot.found, ended)
    if not snapshot.counted:
        share, numbers = 0.0, f"{words.count(ended)} of {words.count(total)} · counting…"
        room = len(numbers)
    elif total == 0:
        share, numbers, room = 100.0, "no images", len("no images")
    else:
        share = words.percent(ended, total)
        numbers = f"{words.count(ended)} of {words.count(total)} · {share:.1f} %"
        room = len(f"{words.count(total)} of {words.count(total)} · 100.0 %")
    style = _bar_style(snapshot, share)
    label = _label("images")
    columns = width - _LABELS - room - 2
    if columns < _NARROWEST_BAR:
        bar = _bar(share, max(1, width - _LABELS), style, ascii_bar=ascii_bar)
        return [label + bar, Text(f"{'':<{_LABELS}}{numbers}")]
    return [label + _bar(share, columns, style, ascii_bar=ascii_bar) + Text("  " + numbers)]


def _bar_style(snapshot: Snapshot, share: float) -> str:
    if snapshot.stop is not None or snapshot.paused:
        return _WAITING
    return _GOOD if share >= 100.0 else "cyan"  # all of it


def _bar(share: float, columns: int, style: str, *, ascii_bar: bool) -> Text:
    """A bar of `columns`, filled to `share` percent; told apart by its shape, not by its colour."""
    full, half, empty = ("#", "", "-") if ascii_bar else ("━", "╸", "─")
    halves = int(share / 100 * columns * 2)
    filled = full * (halves // 2) + (half if halves % 2 else "")
    return Text.assemble((filled, style), (empty * (columns - len(filled)), _LABEL))


def _pace(snapshot: Snapshot) -> list[Text]:
    rate = words.rate(snapshot.per_second)
    eta = words.known_eta(snapshot)
    facts = [
        Text(rate.replace("/", " images/")) if rate else Text(),
        Text(f"{words.about(eta)} left") if eta is not None else Text(),
        Text(f"running {words.duration(snapshot.elapsed)}"),
    ]
    return [fact for fact in facts if fact]


def _workers(snapshot: Snapshot) -> list[Text]:
    facts = [Text(f"{snapshot.workers} of {snapshot.cap}"), Text(f"{snapshot.busy} busy")]
    if snapshot.resting:
        facts.append(Text(f"{snapshot.resting} backing off", _WAITING))
    if snapshot.next_worker is not None and snapshot.stop is None:
        left = words.duration(snapshot.next_worker)
        in_use = snapshot.busy + snapshot.resting >= snapshot.workers and not snapshot.paused
        facts.append(Text(f"next in {left}" if in_use else f"next after {left} of full use"))
    return facts


def _credits(snapshot: Snapshot) -> list[Text]:
    tally = snapshot.tally
    facts = [Text(fact.replace(" credits", "")) for fact in words.credit_facts(tally, free=snapshot.free)]
    ever = snapshot.credits_ever
    if not snapshot.free and ever is not None and ever != tally.credits_charged:
        facts.append(Text(f"{words.credit_amount(ever)} in all runs"))
    return [*facts, *map(Text, words.credit_pace(snapshot))]


def _outcomes(snapshot: Snapshot) -> list[Text]:
    styles = {"failed": _BAD, "in doubt": _WAITING, "lost": _WAITING}
    facts = words.outcome_facts(snapshot.tally)
    return [Text(fact, styles.get(fact.partition(" ")[2], "")) for fact in facts]


def _row(label: str, items: list[Text], width: int) -> list[Text]:
    """`label  item · item`, folded between items onto indented rows where `width` is too small."""
    return list(_folded(_label(label), items, width, between=" · ", indent=_LABELS))


def _paragraph(first: Text, text: str, width: int, *, style: str = "", indent: int = _LABELS) -> list[Text]:
    """`text` after `first`, folded between words onto rows that begin at column `indent`."""
    room = max(1, width - indent)
    items = [Text(words.shortened(word, room, measure=cell_len), style) for word in text.split(" ")]
    return list(_folded(first, items, width, between=" ", indent=indent))


def _folded(first: Text, items: list[Text], width: int, *, between: str, indent: int) -> Iterator[Text]:
    line, empty = first, True
    for item in items:
        gap = "" if empty else between
        if line.cell_len + len(gap) + item.cell_len > width and not (empty and line.cell_len <= indent):
            yield line
            line, gap = Text(" " * indent), ""
        line = line + Text(gap, _LABEL) + item
        empty = False
    yield line


def _translated(line: Text) -> Text:
    """`line` with our punctuation in ASCII; the styles move along."""
    parts = ((words.ascii_only(part.plain), part.style) for part in _parts(line))
    return Text.assemble(*parts, no_wrap=line.no_wrap, overflow=line.overflow)


def _parts(line: Text) -> Iterator[Text]:
    edges = sorted({0, len(line), *(edge for span in line.spans for edge in (span.start, span.end))})
    for start, end in itertools.pairwise(edges):
        style = next((span.style for span in line.spans if span.start <= start < span.end), line.style)
        yield Text(line.plain[start:end], style)


def report_lines(report: Report, *, width: int) -> list[Text]:
    """The report as rows: headline, numbers, details, next steps. What is to be copied is never cut."""
    columns = max((len(row.value) for row in report.rows if row.label != "ledger"), default=0)
    lines = [
        *_paragraph(Text(), report.headline, width, style=f"bold {_TONES[report.tone]}".strip(), indent=0)
    ]
    if report.refused:
        return [
            *lines,
            *(line for step in report.steps for line in _paragraph(Text("  "), step.text, width, indent=2)),
        ]
    lines.append(Text())
    for row in report.rows:
        lines += _report_row(row, columns, width)
    lines += [Text()] if report.details else []
    for detail in report.details:
        lines += _paragraph(Text("  "), detail, width, indent=4)
    for step in report.steps:
        lines += [Text(), *_paragraph(Text(), f"Next: {step.text}", width, indent=6)]
        if step.command:
            lines.append(_uncut(Text("  "), step.command, "bold"))
    return lines


def _report_row(row: SummaryRow, numbers: int, width: int) -> list[Text]:
    label = Text.assemble((f"  {row.label:<{_INDENT - 4}}  ", _LABEL))
    if row.label == "ledger":
        return [_uncut(label, row.value)]
    first = label + Text(f"{row.value:>{numbers}}", _TONES[row.tone])
    if not row.note:
        return [first]
    indent = first.cell_len + 2
    if width - indent < _NARROWEST_NOTE:
        return [first, *_paragraph(Text("    "), row.note, width, style=_LABEL, indent=4)]
    return _paragraph(first + Text("  "), row.note, width, style=_LABEL, indent=indent)


def _uncut(before: Text, text: str, style: str = "") -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    return line.append_text(before).append(text, style)
