"""`pixian-batch resolve`: decide about images that may have been charged without a result."""

from __future__ import annotations

import asyncio
import json as json_
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pixian_batch.adapters.ledger import Ledger
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.cli.commands.status import charged_for, doubt_line, doubt_record, to_decide_of
from pixian_batch.cli.mistakes import MistakeError
from pixian_batch.cli.options import JsonLines, option
from pixian_batch.cli.shared import LedgerPath, Out, fail, next_command, say
from pixian_batch.cli.shared_ledger import ledger_errors, ledger_path
from pixian_batch.display.text import credit_amount
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.policy.record import Standing

_SHOWN: Final = 20
Attempts = Annotated[
    list[int] | None,
    typer.Argument(metavar="NUMBER", help="Which, by the number in the list.", show_default=False),
]
Charged = Annotated[
    bool, option("--charged", "Take them for charged (it counts against budgets) and send them again.")
]
NotCharged = Annotated[bool, option("--not-charged", "They were not charged: send them again.")]
All = Annotated[bool, option("--all", "All of them.")]


def resolve(
    out: Out,
    attempts: Attempts = None,
    *,
    charged: Charged = False,
    not_charged: NotCharged = False,
    all_: All = False,
    ledger: LedgerPath = None,
    json: JsonLines = False,
) -> None:
    """List the images in doubt or lost, or settle them: the next run sends what was settled again.

    Examples:
      pixian-batch resolve ./cut
      pixian-batch resolve ./cut 17 41 --not-charged
      pixian-batch resolve ./cut --all --charged
    """
    asked = Question(out, ledger, frozenset(attempts or ()), every=all_)
    settle = _check(asked, charged=charged, not_charged=not_charged)
    path = ledger_path(out, ledger)
    with ledger_errors():
        listed = asyncio.run(_settle(path, asked, charged=charged) if settle else _list(path))
    if json:
        say(json_.dumps(doubt_record(item)) for item in listed)
    else:
        say(_lines(asked, listed, settled=settle))


def _lines(asked: Question, listed: list[Standing], *, settled: bool) -> list[str]:
    if not listed:
        return [NOTHING]
    if settled:
        them = "it" if len(listed) == 1 else "them"
        return [f"settled {to_decide_of(listed)}: the next run sends {them} again"]
    return [*map(doubt_line, listed), "", *_advice(asked, listed)]


NOTHING: Final = "nothing is in doubt or lost"


@dataclass(frozen=True, slots=True)
class Question:
    """Which images, and where. every: all that wait."""

    out: str
    ledger: str | None
    attempts: frozenset[int]
    every: bool

    def command(self, *more: str) -> str:
        """A command line about the same ledger, to be copied."""
        return next_command("resolve", self.out, self.ledger, *more)


def _check(asked: Question, *, charged: bool, not_charged: bool) -> bool:
    """Whether anything is to be settled. Raises `MistakeError` for half a decision."""
    settle, which = charged or not_charged, bool(asked.attempts or asked.every)
    if settle and not which:
        how = "--charged" if charged else "--not-charged"
        hint = f"{asked.command()} lists their numbers; all of them: {asked.command('--all', how)}"
        raise MistakeError(f"{how} of which? give their numbers, or --all", hint)
    if which and not settle:
        numbers = ["--all"] if asked.every else list(map(str, sorted(asked.attempts)))
        hint = f"when you do not know: {asked.command(*numbers, '--charged')}"
        raise MistakeError("charged or not? add --charged or --not-charged", hint)
    return settle


async def _list(path: str) -> list[Standing]:
    with closing(LedgerReader.open(path)) as reader:
        return await reader.undecided()


async def _settle(path: str, asked: Question, *, charged: bool) -> list[Standing]:
    """The images that were settled; all or none."""
    book = await Ledger.open(path, create=False)
    try:
        doubts = await book.undecided()
        chosen = doubts if asked.every else [item for item in doubts if item.attempt in asked.attempts]
        _check_numbers(asked, doubts)
        if not charged:
            _check_charges(asked, chosen)
        for item in chosen:
            await book.resolve(item.attempt, charged=charged)
        return chosen
    finally:
        await book.close()


def _check_numbers(asked: Question, doubts: list[Standing]) -> None:
    """End the command for a number that waits for no decision: nothing is settled then."""
    if not (unknown := asked.attempts - {item.attempt for item in doubts}):
        return
    wrong = f"{_numbers(sorted(unknown))} {'waits' if len(unknown) == 1 else 'wait'} for no decision"
    if not doubts:
        fail(wrong, f"{NOTHING}: there is nothing to settle", code=Exit.USAGE)
    valid = [item.attempt for item in doubts]
    hint = f"those that do: {_numbers(valid[:_SHOWN])}{', ...' if len(valid) > _SHOWN else ''}"
    fail(f"{wrong}: nothing was settled", f"{hint}\nlist them with: {asked.command()}", code=Exit.USAGE)


def _check_charges(asked: Question, chosen: list[Standing]) -> None:
    """End the command when an image that was charged is called not charged: nothing is settled then."""
    paid = [item for item in chosen if charged_for(item)]
    if not paid:
        return
    first = paid[0]
    amount = credit_amount(charged_for(first) or Decimal(0))
    more = f", and {len(paid) - 1:,} more like it" if len(paid) > 1 else ""
    message = f"#{first.attempt} {first.input} was charged: the service said {amount} credits{more}"
    steps = [asked.command(*_as_words(paid), "--charged")]
    if others := [item for item in chosen if not charged_for(item)]:
        steps.append(asked.command(*_as_words(others), "--not-charged"))
    fail(f"{message}; nothing was settled", "\n".join(steps), code=Exit.USAGE)


def _as_words(items: list[Standing]) -> list[str]:
    return [str(item.attempt) for item in items]


def _numbers(attempts: list[int]) -> str:
    return ", ".join(map(str, attempts))


def _advice(asked: Question, listed: list[Standing]) -> list[str]:
    lines = [
        "In doubt: sent, and no answer came. Lost: answered, and the result did not arrive",
        "whole. Each may have been charged. To compare with the account:",
        f"  {next_command('reconcile', asked.out, asked.ledger)}",
        "To send them again, at the risk of paying twice:",
        f"  {asked.command('--all', '--charged')}",
    ]
    if any(charged_for(item) for item in listed):
        lines.append("What the service said it has charged stays charged, whatever is decided.")
    return lines
