"""`pixian-batch resolve`: decide about images that may have been charged without a result."""

from __future__ import annotations

import asyncio
import json as json_
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from pixian_batch.adapters.ledger import Ledger
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.cli.commands.status import doubt_line, doubt_record
from pixian_batch.cli.options import JsonLines, option
from pixian_batch.cli.shared import LedgerPath, Out, fail, say
from pixian_batch.cli.shared_ledger import ledger_errors, ledger_path
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.policy.record import Standing


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
    """List the images in doubt, or settle them: the next run sends what was settled again.

    Example: pixian-batch resolve ./cut --all --charged
    """
    settle = _check(charged=charged, not_charged=not_charged, which=bool(attempts or all_))
    with ledger_errors():
        path = ledger_path(out, ledger)
        listed = asyncio.run(
            _settle(path, set(attempts or ()), every=all_, charged=charged if settle else None)
        )
    if json:
        say(json_.dumps(doubt_record(item)) for item in listed)
    elif not listed:
        say(["nothing is in doubt"])
    elif settle:
        say([f"settled {len(listed)}: the next run sends them again"])
    else:
        say([*map(doubt_line, listed), "", *_advice(out)])


def _check(*, charged: bool, not_charged: bool, which: bool) -> bool:
    """Whether anything is to be settled. Raises `BadParameter` for half a decision."""
    if charged and not_charged:
        raise typer.BadParameter("--charged and --not-charged: choose one")
    settle = charged or not_charged
    if settle and not which:
        raise typer.BadParameter("say which: their numbers, or --all")
    if which and not settle:
        raise typer.BadParameter("say what happened: --charged or --not-charged")
    return settle


async def _settle(path: str, attempts: set[int], *, every: bool, charged: bool | None) -> list[Standing]:
    """The images in doubt; with `charged` given, those that were settled."""
    if charged is None:
        with closing(LedgerReader.open(path)) as reader:
            return await reader.undecided()
    book = await Ledger.open(path, create=False)
    try:
        doubts = await book.undecided()
        chosen = doubts if every else [item for item in doubts if item.attempt in attempts]
        unknown = attempts - {item.attempt for item in doubts}
        if unknown and not every:
            numbers = ", ".join(f"#{number}" for number in sorted(unknown))
            fail(f"not in doubt: {numbers}", f"list them with: pixian-batch resolve {path}", code=Exit.USAGE)
        for item in chosen:
            await book.resolve(item.attempt, charged=charged)
        return chosen
    finally:
        await book.close()


def _advice(out: str) -> list[str]:
    return [
        "Each was sent, and no whole answer came: it may have been charged. To compare with the account:",
        f"  pixian-batch reconcile {out}",
        "To send them again, at the risk of paying twice:",
        f"  pixian-batch resolve {out} --all --charged",
    ]
