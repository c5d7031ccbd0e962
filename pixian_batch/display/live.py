"""The live view on a terminal: one bar, a few rows, the last messages; a report at the end.

What is drawn is in `frame.py`; no other module of this room imports rich. Redraws when `attend` says so, at most four times a
second and only when something changed; no thread decides when.
"""

from __future__ import annotations

import asyncio
import atexit
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from pixian_batch.display import text as words
from pixian_batch.display.frame import (
    BAD,
    LABEL,
    LABELS,
    WAITING,
    Note,
    bar_lines,
    note_rows,
    report_lines,
    translated,
    view,
)
from pixian_batch.display.summary import report_on
from pixian_batch.display.terminal import Terminal
from pixian_batch.display.writer import Writer
from pixian_batch.policy.look import Look, Suspicion
from pixian_batch.policy.outcome import Done, Failed, InDoubt, Kept, Lost
from pixian_batch.policy.progress import Level, Message, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from rich.console import Console

    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Snapshot, Summary

REFRESH: Final = 0.25
"""Seconds between two looks at the run."""
WIDEST: Final = 100
"""Columns that are used at most; so narrowing a wide terminal rarely folds what is on the screen."""
_ERASE_BELOW: Final = "\r\x1b[J"
"""The cursor's line and all below it."""
_NOTES: Final = 4

_LEVELS: Final = {
    Level.INFO: ("note", ""),
    Level.WARNING: ("warning", WAITING),
    Level.ERROR: ("error", BAD),
}


def suits(console: Console) -> bool:
    """Whether `console` is a terminal that can move its cursor; FORCE_COLOR alone does not make it one."""
    return console.is_interactive and not console.is_dumb_terminal and console.file.isatty()


class Live(Watcher):
    """Draws the run on `console` (stderr). again: this run's command line, for the report.

    Between two frames the cursor stands on an empty line above the frame. However a terminal folds the lines below
    it when it is resized, they are all below: they go when the next frame is drawn. What somebody else writes
    (the `^C` of a terminal, a warning) comes on the empty line, and the frame moves down.
    """

    def __init__(self, console: Console, *, again: str = "", terminal: Terminal | None = None) -> None:
        self._console = console
        self._terminal = terminal or Terminal()
        self._writer = Writer(cast("TextIO", console.file))
        self._again = again
        self._snapshot: Callable[[], Snapshot] | None = None
        self._notes: deque[Note] = deque(maxlen=_NOTES)
        self._noted = 0
        self._drawn: list[Text] = []
        self._size: tuple[int, int] | None = None
        self._final = False

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins: draw it for the first time."""
        self._snapshot = snapshot
        atexit.register(self._leave)  # should the end never be told
        self.draw()

    def ended(self, ending: Ending) -> None:
        """Keep a failure, a doubt or a suspicion among the last messages."""
        match ending.outcome:
            case Done(look=Look(suspicion=Suspicion(), text=text)):
                self._note(Note("warning", WAITING, f"the result is {text}", words.printable(ending.input)))
                return
            case Failed(problem=problem):
                label, style = "failed", BAD
            case Kept(problem=problem):
                label, style = "kept", WAITING
            case InDoubt(problem=problem):
                label, style = "in doubt", WAITING
            case Lost(problem=problem):
                label, style = "lost", WAITING
            case _:
                return
        name = words.printable(ending.input)
        self._note(Note(label, style, words.problem_text(problem), name))

    def notify(self, message: Message) -> None:
        """Keep a message among the last ones."""
        label, style = _LEVELS[message.level]
        self._note(Note(label, style, words.with_hint(message.text, message.hint)))

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
        self._emit(lambda: self._print([Text(), *report]), after=self._terminal.cleared())
        self._writer.close()
        atexit.unregister(self._leave)

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
        snapshot = self._snapshot()
        frame, size = self._frame(snapshot), self._console.size
        codes = self._terminal.told(snapshot)
        if frame != self._drawn or size != self._size or self._final:
            self._emit(lambda: self._replace(frame), before=_ERASE_BELOW, after=codes)
            self._drawn, self._size = frame, size
        elif codes:
            self._writer.put(codes)

    def _frame(self, snapshot: Snapshot) -> list[Text]:
        # The report repeats the other rows: at the end only the bar and the messages stay above it.
        draw = bar_lines if self._final else view
        lines = draw(snapshot, self._width, ascii_bar=self._plain_glyphs) + self._note_lines()
        # A row for the empty line, one for the cursor below the last line.
        return [self._fitted(line) for line in lines[: max(1, self._console.height - 2)]]

    @property
    def _width(self) -> int:
        # The last column stays empty: a full line makes some terminals fold.
        return max(1, min(WIDEST, self._console.width - 1))

    @property
    def _plain_glyphs(self) -> bool:
        return self._console.legacy_windows or self._console.options.ascii_only

    def _note(self, note: Note) -> None:
        self._notes.append(note)
        self._noted += 1

    def _note_lines(self) -> list[Text]:
        if not self._notes:
            return []
        lines = [Text()]
        for note in self._notes:
            lines += note_rows(note, self._width)
        if self._noted > len(self._notes):
            lines.append(Text(f"{'':<{LABELS}}and {self._noted - len(self._notes):,} before", LABEL))
        return lines

    def _fitted(self, line: Text) -> Text:
        if self._plain_glyphs:
            line = translated(line)
        line.truncate(self._width)
        return line

    def _replace(self, frame: list[Text]) -> None:
        """Draw `frame` below the empty line on which the cursor stands, and go back there, unless it is the last one."""
        if self._console.legacy_windows:
            self._erase_rows(len(self._drawn) + 1)
        if self._final:
            self._print(frame)
            return
        self._print([Text(), *frame])
        self._console.control(
            Control(ControlType.CARRIAGE_RETURN, *[(ControlType.CURSOR_UP, 1)] * (len(frame) + 1))
        )

    def _erase_rows(self, rows: int) -> None:
        """Erase so many rows from the cursor's on, where there is no code for all below it."""
        down = [(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_DOWN, 1)] * rows
        up = [(ControlType.CURSOR_UP, 1)] * rows
        self._console.control(Control(ControlType.CARRIAGE_RETURN, *down, *up))

    def _leave(self) -> None:
        """At the end of a process whose run did not come to its end."""
        self._writer.put(self._terminal.cleared())
        self._writer.close()

    def _print(self, lines: Iterable[Text]) -> None:
        for line in lines:
            shown = translated(line) if self._plain_glyphs else line
            self._console.print(shown, crop=False)

    def _emit(self, draw: Callable[[], None], *, before: str = "", after: str = "") -> None:
        if self._console.legacy_windows:  # drawn by system calls, which cannot be captured
            draw()
            return
        with self._console.capture() as captured:
            draw()
        self._writer.put(before + captured.get() + after)
