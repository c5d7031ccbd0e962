"""`pixian-batch status`: what a ledger knows, also while a run goes on."""

from __future__ import annotations

import json as json_
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from pixian_batch.adapters.ledger import questions
from pixian_batch.cli.options import Json, option
from pixian_batch.cli.shared import LedgerPath, Out, next_command, say, table
from pixian_batch.cli.shared_ledger import ask_ledger, ledger_path
from pixian_batch.display.text import credit_amount, doubtful_credits, printable, to_decide, visible
from pixian_batch.policy.record import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pixian_batch.adapters.ledger.rows import Failure, Purchase, Status
    from pixian_batch.policy.record import Standing

_SHOWN = 10
InDoubt = Annotated[
    bool, option("--in-doubt", "Only the images in doubt or lost, one a line.", only="status")
]


def status(
    out: Out,
    *,
    ledger: LedgerPath = None,
    failed: Annotated[bool, option("--failed", "Only the failed inputs, one a line.")] = False,
    in_doubt: InDoubt = False,
    json: Json = False,
) -> None:
    """Show what is done, failed, in doubt, lost and spent, also during a run.

    Example: pixian-batch status ./cut
    """
    report = ask_ledger(ledger_path(out, ledger), questions.status)
    if json:
        say([json_.dumps(_record(report))])
    elif failed:
        say(f"{visible(item.input)}\t{printable(item.message)}" for item in report.failures)
    elif in_doubt:
        say(doubt_line(item) for item in report.undecided)
    else:
        say(_lines(report, out, ledger))


def _lines(report: Status, out: str, ledger: str | None) -> list[str]:
    lost = lost_among(report.undecided)
    rows = [
        ["results", f"{report.results:,}"],
        ["bought images", f"{report.images:,}"],
        ["failed", f"{len(report.failures):,}"],
        ["in doubt", f"{len(report.undecided) - lost:,}"],
        ["lost", f"{lost:,}"],
        ["credits charged", credit_amount(report.spending.charged)],
    ]
    if made := ", ".join(f"{count:,} {words}" for words, count in report.converted.items()):
        rows.append(["sent as another kind", made])
    if report.unknown:
        rows.append(["of unknown price", f"{report.unknown:,}"])
    unpriced = report.unbounded + sum(_is_unpriced(item) for item in report.undecided)
    if doubt := doubtful_credits(report.spending.doubtful, unpriced):
        rows.append(["credits in doubt", doubt])
    if report.spending.calculated:
        rows.append(["credits calculated (test)", credit_amount(report.spending.calculated)])
    lines = table(rows)
    lines += _section("failed", _reasons(report.failures))
    lines += _section("to decide", _to_decide(report.undecided))
    if report.undecided:
        lines.append(f"  decide with: {next_command('resolve', out, ledger)}")
    lines += _section("credits by day", _sums(report.by_day))
    lines += _section("credits by folder", _sums(report.by_folder))
    lines += _section("dearest", [_purchase(item) for item in report.dearest])
    lines += _section("largest", [_purchase(item) for item in report.largest])
    return lines


def _is_unpriced(item: Standing) -> bool:
    return item.at_most is None and charged_for(item) is None


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _reasons(failures: list[Failure]) -> list[str]:
    reasons = Counter(item.message for item in failures)
    return [f"{number:,}x {printable(message)}" for message, number in reasons.most_common(_SHOWN)]


def _to_decide(undecided: list[Standing]) -> list[str]:
    lines = [doubt_line(item) for item in undecided[:_SHOWN]]
    return [*lines, f"... and {len(undecided) - _SHOWN:,} more"] if len(undecided) > _SHOWN else lines


def lost_among(undecided: Sequence[Standing]) -> int:
    """How many of the images that wait for a decision are lost; the others are in doubt."""
    return sum(item.state is State.LOST for item in undecided)


def to_decide_of(undecided: Sequence[Standing]) -> str:
    """`2 images in doubt and 1 lost`."""
    lost = lost_among(undecided)
    return to_decide(len(undecided) - lost, lost)


def doubt_line(item: Standing) -> str:
    """An image in doubt or lost as a person reads it."""
    cost = f"at most {credit_amount(item.at_most)} credits" if item.at_most is not None else "cost unknown"
    if (charged := charged_for(item)) is not None:
        cost = f"{credit_amount(charged)} credits charged"
    kept = f", kept: {printable(item.kept)}" if item.kept else ""
    return f"#{item.attempt} {printable(item.input)}, sent {item.sent_at}, {item.state.value.replace('_', ' ')}, {cost}{kept}"


def charged_for(item: Standing) -> Decimal | None:
    """What an image in doubt or lost was charged, if the service has said so."""
    return None if item.headers is None else item.headers.credits_charged


def _sums(sums: dict[str, Decimal]) -> list[str]:
    shown = list(sums.items())[-_SHOWN:]
    return table([[printable(name), credit_amount(amount)] for name, amount in shown]) if shown else []


def _purchase(item: Purchase) -> str:
    size = f", {item.pixels / 1e6:.1f} megapixels" if item.pixels else ""
    return f"{printable(item.input)}: {credit_amount(item.charged)} credits{size}"


def _record(report: Status) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "status",
        "results": report.results,
        "images": report.images,
        "converted": report.converted,
        "credits_charged": f"{report.spending.charged:f}",
        "credits_calculated": f"{report.spending.calculated:f}",
        "credits_unknown": report.unknown,
        "credits_in_doubt": f"{report.spending.doubtful:f}",
        "failed": [
            {"input": visible(item.input), "code": item.code, "message": item.message}
            for item in report.failures
        ],
        "in_doubt": [doubt_record(item) for item in report.undecided if item.state is not State.LOST],
        "lost": [doubt_record(item) for item in report.undecided if item.state is State.LOST],
        "credits_by_day": {day: f"{amount:f}" for day, amount in report.by_day.items()},
        "credits_by_folder": {visible(name): f"{amount:f}" for name, amount in report.by_folder.items()},
        "runs": [
            {
                "run": run.number,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "exit_code": run.exit_code,
            }
            for run in report.runs
        ],
    }


def doubt_record(item: Standing) -> dict[str, Any]:
    """An image in doubt or lost as JSON says it."""
    charged = charged_for(item)
    return {
        "attempt": item.attempt,
        "input": visible(item.input),
        "state": item.state.value,
        "sent_at": item.sent_at,
        "at_most": None if item.at_most is None else f"{item.at_most:f}",
        "credits_charged": None if charged is None else f"{charged:f}",
        "kept": None if item.kept is None else visible(item.kept),
    }
