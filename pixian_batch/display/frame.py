"""What the live view draws, as rows of rich text: the frame while a run goes on, and the report at its end. Pure.

No row is wider than it is told, unless a single word is. Text from outside is never markup.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from pixian_batch.display import text as words
from pixian_batch.display.summary import Tone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.display.summary import Report, SummaryRow
    from pixian_batch.policy.progress import Snapshot

LABELS: Final = 10
"""Columns of the labels."""
BAD, WAITING, GOOD, LABEL = "bold red", "yellow", "green", "dim"
_INDENT: Final = 16
_NOTE_LINES: Final = 2
_NARROWEST_BAR: Final = 12
_NARROWEST_NOTE: Final = 24
_TONES: Final = {Tone.PLAIN: "", Tone.GOOD: GOOD, Tone.WAITING: WAITING, Tone.BAD: BAD}


@dataclass(frozen=True, slots=True)
class Note:
    """One of the last messages, printable; name: the image it is about, if any."""

    label: str
    style: str
    text: str
    name: str = ""


def view(snapshot: Snapshot, width: int, *, ascii_bar: bool = False) -> list[Text]:
    """The rows of one frame, none wider than `width` columns unless a single word is."""
    lines = bar_lines(snapshot, width, ascii_bar=ascii_bar)
    lines += _row("pace", _pace(snapshot), width)
    lines += _row("workers", _workers(snapshot), width)
    for backoff in snapshot.backoffs:
        first, *others = words.backoff_facts(backoff)
        lines += _row("resting", [Text(first, WAITING), *map(Text, others)], width)
    lines += _row("credits", _credits(snapshot), width)
    if flow := words.flow_facts(snapshot.flow):
        lines += _row("wire", [Text(fact) for fact in flow], width)
    lines += _row("so far", _outcomes(snapshot), width)
    if snapshot.newest:
        name = words.printable(snapshot.newest, max(1, width - LABELS), measure=cell_len)
        lines += _row("newest", [Text(name)], width)
    if state := words.state(snapshot):
        lines += _paragraph(_label("state"), state, width, style=WAITING)
    return lines


def _label(label: str, style: str = LABEL) -> Text:
    # A span, not the text's own style: that would reach into everything that is appended.
    return Text.assemble((f"{label:<{LABELS}}", style))


def note_rows(note: Note, width: int) -> list[Text]:
    """A message on at most two rows; a long name is shortened first."""
    name = words.shortened(note.name, max(12, (width - LABELS) // 2), measure=cell_len)
    rows = _paragraph(_label(note.label, note.style), f"{name}: {note.text}" if name else note.text, width)
    if len(rows) <= _NOTE_LINES:
        return rows
    last = rows[_NOTE_LINES - 1]
    last.truncate(width - 1)
    last.append("…")
    return rows[:_NOTE_LINES]


def bar_lines(snapshot: Snapshot, width: int, *, ascii_bar: bool) -> list[Text]:
    """How far the run is: the first rows of a frame."""
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
    columns = width - LABELS - room - 2
    if columns < _NARROWEST_BAR:
        bar = _bar(share, max(1, width - LABELS), style, ascii_bar=ascii_bar)
        return [label + bar, Text(f"{'':<{LABELS}}{numbers}")]
    return [label + _bar(share, columns, style, ascii_bar=ascii_bar) + Text("  " + numbers)]


def _bar_style(snapshot: Snapshot, share: float) -> str:
    if snapshot.stop is not None or snapshot.paused:
        return WAITING
    return GOOD if share >= 100.0 else "cyan"  # all of it


def _bar(share: float, columns: int, style: str, *, ascii_bar: bool) -> Text:
    """A bar of `columns`, filled to `share` percent; told apart by its shape, not by its colour."""
    full, half, empty = ("#", "", "-") if ascii_bar else ("━", "╸", "─")
    halves = int(share / 100 * columns * 2)
    filled = full * (halves // 2) + (half if halves % 2 else "")
    return Text.assemble((filled, style), (empty * (columns - len(filled)), LABEL))


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
        facts.append(Text(f"{snapshot.resting} backing off", WAITING))
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
    styles = {"failed": BAD, "in doubt": WAITING, "lost": WAITING}
    facts = words.outcome_facts(snapshot.tally)
    return [Text(fact, styles.get(fact.partition(" ")[2], "")) for fact in facts]


def _row(label: str, items: list[Text], width: int) -> list[Text]:
    """`label  item · item`, folded between items onto indented rows where `width` is too small."""
    return list(_folded(_label(label), items, width, between=" · ", indent=LABELS))


def _paragraph(first: Text, text: str, width: int, *, style: str = "", indent: int = LABELS) -> list[Text]:
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
        line = line + Text(gap, LABEL) + item
        empty = False
    yield line


def translated(line: Text) -> Text:
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
    label = Text.assemble((f"  {row.label:<{_INDENT - 4}}  ", LABEL))
    if row.label == "ledger":
        return [_uncut(label, row.value)]
    first = label + Text(f"{row.value:>{numbers}}", _TONES[row.tone])
    if not row.note:
        return [first]
    indent = first.cell_len + 2
    if width - indent < _NARROWEST_NOTE:
        return [first, *_paragraph(Text("    "), row.note, width, style=LABEL, indent=4)]
    return _paragraph(first + Text("  "), row.note, width, style=LABEL, indent=indent)


def _uncut(before: Text, text: str, style: str = "") -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    return line.append_text(before).append(text, style)
