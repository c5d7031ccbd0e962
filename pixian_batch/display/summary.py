"""The end of a run as data: a headline, rows, and the next steps with exact commands. Pure.

How it looks is decided where it is rendered (`live`, `plain`); what it says is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from pixian_batch.display.shell import shell_word
from pixian_batch.display.text import (
    credit_amount,
    credit_facts,
    duration,
    file_size,
    images,
    printable,
    to_decide,
)
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.policy.progress import Doubt, Summary
    from pixian_batch.policy.stopping import Stop
    from pixian_batch.policy.tally import Tally

_SHOWN_PROBLEMS: Final = 5
_SHOWN_DOUBTS: Final = 5
_SHOWN_SUSPECTS: Final = 5


class Tone(Enum):
    """How a row should look. The words alone say everything; the tone only helps."""

    PLAIN = "plain"
    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """`done  1,234  12 of them finished for free`."""

    label: str
    value: str
    note: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: a sentence, and the exact command where there is one."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told at the end. details: single failures and doubts, one line each.

    refused: nothing was done and nothing can be told but why; it is told as any other error of a command.
    """

    headline: str
    tone: Tone
    rows: tuple[SummaryRow, ...]
    details: tuple[str, ...]
    steps: tuple[Step, ...]
    refused: bool = False


def report_on(summary: Summary, *, again: str = "") -> Report:
    """The report of `summary`. again: the command line of this run, quoted for the user's shell."""
    if summary.stop is not None and _is_refused(summary, summary.stop):
        return _refusal(summary.stop)
    return Report(
        headline=_headline(summary),
        tone=_tone(summary),
        rows=tuple(_rows(summary)),
        details=(*_problems(summary), *_doubts(summary), *_suspects(summary)),
        steps=tuple(_steps(summary, again)),
    )


_AT_THE_DOOR: Final = frozenset({Exit.SERVICE, Exit.CREDENTIALS, Exit.CREDITS})
"""Reasons that are found before the first image is sent, when they were there from the start."""


def _is_refused(summary: Summary, stop: Stop) -> bool:
    """Whether the run ended before anything was done: there are no numbers to be told."""
    idle = not summary.tally.ended and not summary.tally.attempts
    return not summary.began or (idle and stop.cause in _AT_THE_DOOR)


def _refusal(stop: Stop) -> Report:
    headline = f"error: {printable(stop.message)}"
    step = printable(stop.hint) or _AFTER[stop.cause]
    return Report(headline, Tone.BAD, rows=(), details=(), steps=(Step(step),), refused=True)


def _headline(summary: Summary) -> str:
    tally = summary.tally
    if summary.stop is not None:
        return f"Stopped after {duration(summary.seconds)}: {printable(summary.stop.message)}"
    if not tally.ended:
        return "Finished: no photos were found, so there was nothing to do"
    open_ends = tally.failed + tally.undecided
    but = f", {open_ends:,} of them without a result" if open_ends else ""
    return f"Finished: {images(tally.ended)} in {duration(summary.seconds)}{but}"


def _tone(summary: Summary) -> Tone:
    tally, stop = summary.tally, summary.stop
    if stop is not None:
        return Tone.WAITING if stop.cause.is_signal else Tone.BAD
    if tally.failed:
        return Tone.BAD
    return Tone.WAITING if tally.undecided else Tone.GOOD


def _rows(summary: Summary) -> Iterator[SummaryRow]:
    tally = summary.tally
    repaired = f"{tally.repaired:,} finished for free from an interrupted run" if tally.repaired else ""
    replaced = "results bought with other parameters; they are kept, and going back to them is free"
    rows = [
        (tally.skipped, "skipped", _skipped(tally), Tone.PLAIN),
        (tally.duplicates, "duplicates", "made from results that were bought before", Tone.PLAIN),
        (tally.replaced, "replaced", replaced, Tone.PLAIN),
        (tally.failed, "failed", "nothing was charged for these", Tone.BAD),
        (tally.in_doubt, "in doubt", "sent, but no answer came", Tone.WAITING),
        (tally.lost, "lost", "answered, but the result did not arrive whole", Tone.WAITING),
        (
            tally.kept,
            "kept",
            "here, and not at their places: the next run finishes them for free",
            Tone.WAITING,
        ),
        (tally.not_started, "not started", _not_started(summary), Tone.PLAIN),
        (tally.suspects, "look at", _why(summary), Tone.WAITING),
        (tally.not_looked_at, "not seen", "results that came too fast to be looked at", Tone.PLAIN),
    ]
    yield SummaryRow("done", f"{tally.done:,}", repaired, Tone.GOOD if tally.done else Tone.PLAIN)
    for number, label, note, tone in rows:
        if number:
            yield SummaryRow(label, f"{number:,}", note, tone)
    yield from _money(summary)
    yield SummaryRow("ledger", printable(summary.ledger))


def _not_started(summary: Summary) -> str:
    return "new in the next run" if summary.counted else "at least: not all were counted; new in the next run"


def _why(summary: Summary) -> str:
    """`2 nearly empty, 1 mostly half transparent`: of `done`, what somebody should look at."""
    tally = summary.tally
    kinds = [
        (tally.empty, "nearly empty"),
        (tally.half_transparent, "mostly half transparent"),
        (tally.full, "uncut"),
    ]
    return "of those done: " + ", ".join(f"{number:,} {word}" for number, word in kinds if number)


def _skipped(tally: Tally) -> str:
    facts = [
        (tally.exists - tally.bought, "stood there already, made by something else"),
        (tally.bought, "stand there and were bought: free results never take their place"),
        (tally.trusted, "done by the ledger's word, their files gone"),
    ]
    return ", ".join(f"{number:,} {fact}" for number, fact in facts if number)


def _money(summary: Summary) -> Iterator[SummaryRow]:
    tally = summary.tally
    facts = credit_facts(tally, free=summary.free)
    ever = summary.credits_ever
    if not summary.free and ever is not None and ever != tally.credits_charged:
        facts.append(f"{credit_amount(ever)} in all runs of this ledger")
    if tally.credits_unknown and not summary.free:
        facts.append(f"the price of {images(tally.credits_unknown)} is not known")
    yield SummaryRow("credits", facts[0].replace(" credits", ""), ", ".join(facts[1:]))
    if tally.odd_headers:
        note = "results whose headers were incomplete or wrong"
        yield SummaryRow("warnings", f"{tally.odd_headers:,}", note, Tone.WAITING)
    if summary.flow.up:
        yield SummaryRow("sent", file_size(summary.flow.up), f"{file_size(summary.flow.down)} received")


def _problems(summary: Summary) -> Iterator[str]:
    shown = summary.problems[:_SHOWN_PROBLEMS]
    for message, number in shown:
        yield f"{number:,}x {printable(message).strip()}"
    rest = sum(number for _, number in summary.problems[_SHOWN_PROBLEMS:])
    if rest:
        yield f"{rest:,}x other errors"


def _doubts(summary: Summary) -> Iterator[str]:
    shown = summary.doubts[:_SHOWN_DOUBTS]
    for doubt in shown:
        yield f"{'lost' if doubt.lost else 'in doubt'}: {_doubt(doubt)}"
    rest = summary.tally.undecided - len(shown)
    if shown and rest > 0:
        yield f"... and {rest:,} more of these"


def _suspects(summary: Summary) -> Iterator[str]:
    shown = summary.suspects[:_SHOWN_SUSPECTS]
    for suspect in shown:
        yield f"look at: {printable(suspect.output)}: {suspect.text}"
    rest = summary.tally.suspects - len(shown)
    if rest > 0:
        yield f"look at: {rest:,} more"


def _doubt(doubt: Doubt) -> str:
    cost = f", at most {credit_amount(doubt.at_most)} credits" if doubt.at_most is not None else ""
    if doubt.charged is not None:
        cost = f", {credit_amount(doubt.charged)} credits charged"
    return f"{printable(doubt.input)}, sent {printable(doubt.sent_at)}{cost}"


# --- next steps ----------------------------------------------------------------------------------

_AFTER: Final = {
    **dict.fromkeys(
        (code for code in Exit if code.is_signal), "to go on where it stopped, run the same command again"
    ),
    Exit.CREDENTIALS: "check PIXIAN_API_ID and PIXIAN_API_SECRET, then run the same command again",
    Exit.CREDITS: "buy credits on the vendor's site, then run the same command again",
    Exit.BUDGET: "to go on, raise --max-credits and run the same command again",
    Exit.SERVICE: "wait for the service to recover, then run the same command again",
    Exit.TIME: "to go on where it stopped, run the same command again",
    Exit.DISK: "make room or make the folder writable, then run the same command again",
    Exit.IN_DOUBT: "decide about the images in doubt or lost, then run the same command again",
    Exit.LEDGER_IN_USE: "wait for the other run to end, or give this one its own --out",
    Exit.USAGE: "change the command line",
    Exit.BUG: "please report it, with what you ran; what was bought is in the ledger",
}


def _steps(summary: Summary, again: str) -> Iterator[Step]:
    tally, stop = summary.tally, summary.stop
    if stop is not None:
        # With another limit needed, the same command would only stop again: no command to copy.
        as_before = again if stop.cause is not Exit.BUDGET else ""
        yield Step(printable(stop.hint) or _AFTER[stop.cause], as_before)
    if tally.undecided and not summary.free:
        these = f"decide about {to_decide(tally.in_doubt, tally.lost)}: charged or not, send again or not"
        yield Step(these, command("resolve", summary))
    if tally.failed and stop is None:
        yield Step("to try the failed ones again, run the same command again; the rest is not sent", again)
    if tally.suspects:
        these = "this result" if tally.suspects == 1 else "these results"
        yield Step(
            f"look at {these} before you use {'it' if tally.suspects == 1 else 'them'}: a photo with one clear subject"
            " cuts out better; --json and --log-file name them all"
        )
    if tally.exists > tally.bought:
        yield Step("to replace files that stood there already, add --overwrite")
    if tally.bought:
        yield Step("bought results stand there: to have free ones as well, name another --out")


def command(name: str, summary: Summary) -> str:
    """`pixian-batch NAME OUT`, with the ledger where it is not at its usual place."""
    words = ["pixian-batch", name, shell_word(summary.out)]
    if PurePath(summary.ledger) != PurePath(summary.out, ".pixian-batch", "ledger.db"):
        words += ["--ledger", shell_word(summary.ledger)]
    return " ".join(words)
