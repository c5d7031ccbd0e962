"""`pixian-batch status`: what a ledger knows, also while a run goes on."""

from __future__ import annotations

import json as json_
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixian_batch.adapters.ledger import questions
from pixian_batch.cli.output import say, table
from pixian_batch.cli.shared_ledger import Json, LedgerOption, Out, ask_ledger, ledger_path
from pixian_batch.display.text import credit_amount, doubtful_credits, printable

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.adapters.ledger.rows import Failure, Purchase, Status
    from pixian_batch.policy.record import Standing

_SHOWN = 10


def status(
    out: Out,
    *,
    ledger: LedgerOption = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only the failed inputs, one a line.")] = False,
    in_doubt: Annotated[
        bool, typer.Option("--in-doubt", help="Only the images in doubt, one a line.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what is done, failed, in doubt and spent; also while a run goes on.

    Example: pixian-batch status ./cut
    """
    found = ask_ledger(ledger_path(out, ledger), questions.status)
    if json:
        say([json_.dumps(_record(found))])
    elif failed:
        say(f"{printable(item.input)}\t{printable(item.message)}" for item in found.failures)
    elif in_doubt:
        say(doubt_line(item) for item in found.undecided)
    else:
        say(_lines(found, out))


def _lines(found: Status, out: str) -> list[str]:
    rows = [
        ["results", f"{found.results:,}"],
        ["bought images", f"{found.images:,}"],
        ["failed", f"{len(found.failures):,}"],
        ["in doubt", f"{len(found.undecided):,}"],
        ["credits charged", credit_amount(found.spending.charged)],
    ]
    unpriced = sum(item.at_most is None and not _was_priced(item) for item in found.undecided)
    if doubt := doubtful_credits(found.spending.doubtful, unpriced):
        rows.append(["credits in doubt", doubt])
    if found.spending.calculated:
        rows.append(["credits calculated (test)", credit_amount(found.spending.calculated)])
    lines = table(rows)
    lines += _section("failed", _reasons(found.failures))
    lines += _section("in doubt", [doubt_line(item) for item in found.undecided[:_SHOWN]])
    if found.undecided:
        lines.append(f"  decide with: pixian-batch resolve {printable(out)}")
    lines += _section("credits by day", _sums(found.by_day))
    lines += _section("credits by folder", _sums(found.by_folder))
    lines += _section("dearest", [_purchase(item) for item in found.dearest])
    lines += _section("largest", [_purchase(item) for item in found.largest])
    return lines


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _reasons(failures: list[Failure]) -> list[str]:
    reasons = Counter(item.message for item in failures)
    return [f"{number:,}x {printable(message)}" for message, number in reasons.most_common(_SHOWN)]


def doubt_line(item: Standing) -> str:
    """An image in doubt as a person reads it."""
    cost = f"at most {credit_amount(item.at_most)} credits" if item.at_most is not None else "cost unknown"
    if item.headers is not None and item.headers.credits_charged is not None:
        cost = f"{credit_amount(item.headers.credits_charged)} credits charged"
    kept = f", kept: {printable(item.kept)}" if item.kept else ""
    return f"#{item.attempt} {printable(item.input)}, sent {item.sent_at}, {item.state.value}, {cost}{kept}"


def _was_priced(item: Standing) -> bool:
    """Whether the service has said what an image in doubt was charged."""
    return item.headers is not None and item.headers.credits_charged is not None


def _sums(sums: dict[str, Decimal]) -> list[str]:
    shown = list(sums.items())[-_SHOWN:]
    return table([[printable(name), credit_amount(amount)] for name, amount in shown]) if shown else []


def _purchase(item: Purchase) -> str:
    size = f", {item.pixels / 1e6:.1f} megapixels" if item.pixels else ""
    return f"{printable(item.input)}: {credit_amount(item.charged)} credits{size}"


def _record(found: Status) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "status",
        "results": found.results,
        "images": found.images,
        "credits_charged": f"{found.spending.charged:f}",
        "credits_calculated": f"{found.spending.calculated:f}",
        "credits_in_doubt": f"{found.spending.doubtful:f}",
        "failed": [
            {"input": printable(item.input), "code": item.code, "message": item.message}
            for item in found.failures
        ],
        "in_doubt": [doubt_record(item) for item in found.undecided],
        "credits_by_day": {day: f"{amount:f}" for day, amount in found.by_day.items()},
        "credits_by_folder": {printable(name): f"{amount:f}" for name, amount in found.by_folder.items()},
        "runs": [
            {
                "run": run.number,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "exit_code": run.exit_code,
            }
            for run in found.runs
        ],
    }


def doubt_record(item: Standing) -> dict[str, Any]:
    """An image in doubt as JSON says it."""
    charged = item.headers.credits_charged if item.headers is not None else None
    return {
        "attempt": item.attempt,
        "input": printable(item.input),
        "state": item.state.value,
        "sent_at": item.sent_at,
        "at_most": None if item.at_most is None else f"{item.at_most:f}",
        "credits_charged": None if charged is None else f"{charged:f}",
        "kept": None if item.kept is None else printable(item.kept),
    }
