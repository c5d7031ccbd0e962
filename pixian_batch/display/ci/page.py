"""The end of a run as a page in Markdown, for a step's summary or a comment: counts, credits, decisions, the worst. Pure.

Of the most important first; whole blocks are left out where there is no room, and the page says so. GitHub discards all of
a step's summary when it is above 1 MiB, and takes comments of at most 65,536 characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pixian_batch.display.ci.annotating import reason
from pixian_batch.display.ci.concerns import EXAMPLES, ConcernKind
from pixian_batch.display.ci.markdown import code, fenced, head, prose, row
from pixian_batch.display.summary import report_on
from pixian_batch.display.text import credit_amount, images

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pixian_batch.display.ci.concerns import Cause, Concern
    from pixian_batch.display.summary import Report
    from pixian_batch.policy.progress import Doubt, Summary

MOST_OF_A_SUMMARY: Final = 900_000
"""Bytes."""
MOST_OF_A_COMMENT: Final = 60_000
MARKER: Final = "<!-- pixian-batch -->"
"""The first line of a comment's body, by which it is found again; it is not shown."""
_LEFT_OUT: Final = "\nThere is more than fits here: the log and `--junit` name every image.\n"
_SIGNS: Final = {True: "✅", False: "❌"}


def page(summary: Summary, causes: Sequence[Cause], *, room: int, again: str = "") -> str:
    """At most `room` bytes in UTF-8; empty where not even the counts fit. again: this run's command line."""
    report = report_on(summary, again=again)
    parts: list[str] = []
    left = room - len(_LEFT_OUT.encode())
    for block in _blocks(report, summary, causes):
        size = len(block.encode())
        if size > left:
            return "".join([*parts, _LEFT_OUT]) if parts else ""
        parts.append(block)
        left -= size
    return "".join(parts)


def _blocks(report: Report, summary: Summary, causes: Sequence[Cause]) -> Iterator[str]:
    sign = _SIGNS[int(summary.exit_code) == 0]
    yield f"## {sign} pixian-batch\n\n{prose(report.headline, 1000)}\n\n"
    if report.rows:
        yield head("", "", "")
        for each in report.rows:
            value = code(each.value) if each.label == "ledger" else f"**{prose(each.value)}**"
            yield row(prose(each.label), value, prose(each.note))
    yield from _next(report)
    yield from _doubts(summary)
    yield from _of_kind("Kept", causes, ConcernKind.KEPT)
    yield from _failures(causes)
    yield from _of_kind("Look at these", causes, ConcernKind.SUSPECT)


def _next(report: Report) -> Iterator[str]:
    if report.steps:
        yield "\n### What to do next\n"
    for step in report.steps:
        yield f"\n{prose(step.text, 1000)}\n"
        if step.command:
            yield f"\n{fenced(step.command)}"


def _doubts(summary: Summary) -> Iterator[str]:
    shown, total = summary.doubts[:EXAMPLES], summary.tally.undecided
    if not shown or summary.free:
        return
    yield f"\n### These wait for your decision ({_shown(len(shown), total)})\n\n"
    yield head("photo", "", "sent", "credits")
    for doubt in shown:
        yield row(
            code(doubt.input), "lost" if doubt.lost else "in doubt", prose(doubt.sent_at), _doubtful(doubt)
        )


def _doubtful(doubt: Doubt) -> str:
    if doubt.charged is not None:
        return f"{credit_amount(doubt.charged)} charged"
    return f"at most {credit_amount(doubt.at_most)}" if doubt.at_most is not None else "not known"


def _failures(causes: Sequence[Cause]) -> Iterator[str]:
    """By cause, the most frequent first: what happened once, then the images."""
    failed = [cause for cause in causes if cause.kind is ConcernKind.FAILED]
    if not failed:
        return
    yield f"\n### Failed ({_shown(min(EXAMPLES, _count(failed)), _count(failed))})\n"
    room = EXAMPLES
    for cause in failed:
        first = cause.examples[0]
        yield f"\n**{images(cause.count)}**: {prose(reason(first), 1000)}\n\n"
        for concern in cause.examples[:room]:
            same = (concern.message, concern.hint) == (first.message, first.hint)
            yield f"- {code(concern.input)}" + ("\n" if same else f": {prose(reason(concern))}\n")
        room = max(0, room - len(cause.examples))


def _of_kind(title: str, causes: Sequence[Cause], kind: ConcernKind) -> Iterator[str]:
    """The worst of a kind, in one table."""
    ours = [cause for cause in causes if cause.kind is kind]
    if not ours:
        return
    worst = _worst(ours)
    yield f"\n### {title} ({_shown(len(worst), _count(ours))})\n\n"
    yield head("photo", "why")
    for concern in worst:
        yield row(code(concern.input), prose(reason(concern)))


def _worst(causes: Sequence[Cause]) -> list[Concern]:
    concerns = [concern for cause in causes for concern in cause.examples]
    return sorted(concerns, key=lambda concern: -concern.weight)[:EXAMPLES]


def _count(causes: Sequence[Cause]) -> int:
    return sum(cause.count for cause in causes)


def _shown(shown: int, total: int) -> str:
    return f"{total:,}" if shown >= total else f"the first {shown:,} of {total:,}"
