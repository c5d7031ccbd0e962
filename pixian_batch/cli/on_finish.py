"""`--on-finish`: the option -> a command of the user's, run when a run has ended, whatever ended it.

The run is over by then: its results stand, its ledger is closed, its summary is told. So nothing that the command does
changes what was bought; that it failed is said, and is the exit code of a run that has none of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pixian_batch.display.text import printable
from pixian_batch.policy.stopping import Exit, run_status

if TYPE_CHECKING:
    import signal

    from pixian_batch.policy.progress import Summary


@dataclass(frozen=True, slots=True)
class Hook:
    """The words of the command, and how many seconds it may take."""

    words: tuple[str, ...]
    limit: float


def read_hook(command: str | None, limit: float) -> Hook | None:
    """The command, if there is one and it can be started. Raises `BadParameter`."""
    if limit <= 0:
        raise typer.BadParameter("--on-finish-timeout: no command ends in no time; for example 5m")
    if command is None:
        return None
    from pixian_batch.adapters.hook import is_there, split  # only where it is asked for

    try:
        words = split(command)
    except ValueError:
        raise typer.BadParameter(f"--on-finish: a quotation mark has no end in {command!r}") from None
    if not words:
        raise typer.BadParameter("--on-finish: names no command")
    if not is_there(words[0]):
        raise typer.BadParameter(
            f"--on-finish: there is no program {words[0]!r}; name one by its path, or write sh -c '...' for the shell's own"
        )
    return Hook(tuple(words), limit)


async def follow_up(hook: Hook | None, summary: Summary) -> tuple[Exit, str]:
    """The exit code of the command, and what is to be said: the run's code, or that the hook of a good run failed."""
    if hook is None:
        return summary.exit_code, ""
    failure = await _run(hook, summary)
    if not failure:
        return summary.exit_code, ""
    code = summary.exit_code if summary.exit_code is not Exit.OK else Exit.HOOK
    name = printable(os.path.basename(hook.words[0]), 40)
    return (
        code,
        f"--on-finish: {name} {failure}; the run itself ended with exit code {int(summary.exit_code)}",
    )


async def _run(hook: Hook, summary: Summary) -> str:
    from pixian_batch.adapters.hook import run_hook
    from pixian_batch.adapters.signals import listen
    from pixian_batch.display.records import summary_record

    give_up = asyncio.Event()

    def heard(number: signal.Signals) -> None:
        if not Exit[number.name].comes_often:  # a terminal that closes has no quarrel with it
            give_up.set()

    record = json.dumps(summary_record(summary), allow_nan=False) + "\n"
    with listen(heard):
        return await run_hook(
            hook.words, record.encode("ascii"), environment=_facts(summary), limit=hook.limit, give_up=give_up
        )


def _facts(summary: Summary) -> dict[str, str]:
    """What its environment says of the run. A run that it starts has this hook only if it is told so again."""
    return {
        "PIXIAN_RUN_EXIT_CODE": str(int(summary.exit_code)),
        "PIXIAN_RUN_STATUS": run_status(summary.tally, summary.stop),
        "PIXIAN_RUN_OUT": os.path.abspath(summary.out),
        "PIXIAN_RUN_LEDGER": os.path.abspath(summary.ledger),
        "PIXIAN_BATCH_ON_FINISH": "",
    }
