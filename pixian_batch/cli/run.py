"""What `pixian-batch run` does: options -> a run -> an exit code. Prints nothing itself: the displays do."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from pixian_batch.adapters.ledger import (
    LedgerError,
    LedgerInUseError,
    LedgerRebuiltError,
    LedgerTooNewError,
    read_only,
)
from pixian_batch.adapters.ledger.report import read_failures
from pixian_batch.adapters.signals import listen, listen_for_questions
from pixian_batch.cli.bug import write_report
from pixian_batch.cli.credentials import CredentialsError
from pixian_batch.cli.options import COLORS, LOG_FORMATS
from pixian_batch.cli.order import (
    check_writable,
    choice_of,
    read_inputs,
    read_limits,
    read_order,
    read_outputs,
    read_pace,
)
from pixian_batch.cli.place import ledger_errors
from pixian_batch.cli.screens import Screens, watcher
from pixian_batch.cli.service import Service, check_api_url, open_wire
from pixian_batch.cli.tell import fail
from pixian_batch.emulator.engine import EngineMissingError
from pixian_batch.pipeline.run import Run
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.course import DoubtPolicy
from pixian_batch.policy.progress import Level, Message, Summary
from pixian_batch.policy.stopping import Cause, Exit, Stop, exit_code
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.cli.ask import DoubtQuestion
    from pixian_batch.cli.options import RunOptions
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.job import Order
    from pixian_batch.pipeline.run import Limits, Outputs, Pace, Watcher


@dataclass(frozen=True, slots=True)
class Wish:
    """All that a run was asked to do, in groups; each room is handed its own."""

    inputs: Inputs
    outputs: Outputs
    order: Order
    pace: Pace
    limits: Limits
    service: Service
    screens: Screens
    yes: bool = False
    """Never ask."""


def begin(options: RunOptions) -> None:
    """Make sense of the options, run, and end the command with the run's exit code."""
    order = read_order(options, local=options.local, overwrite=options.overwrite, in_doubt=options.in_doubt)
    inputs = read_inputs(options)
    outputs = read_outputs(options, inputs)
    for path, option in ((options.log_file, "--log-file"), (options.metrics_file, "--metrics-file")):
        check_writable(path, option)
    if options.only_failed:
        inputs = replace(inputs, only=_failed(outputs.ledger))
    wish = Wish(
        inputs,
        outputs,
        order,
        read_pace(options, order),
        read_limits(options),
        Service(options.local, check_api_url(options.api_url), options.idle_timeout, options.concurrency_max),
        Screens(
            options.json,
            options.quiet,
            options.verbose,
            not options.no_progress,
            choice_of(COLORS, options.color, "--color"),
            options.log_file,
            shlex.join(["pixian-batch", *sys.argv[1:]]),
            log_json=choice_of(LOG_FORMATS, options.log_format, "--log-format") == "json",
            metrics_file=options.metrics_file,
        ),
        options.yes,
    )
    if options.ask_above is not None and not options.yes:
        _ask_above(wish, options.ask_above)
    raise typer.Exit(asyncio.run(fulfil(wish)))


def _ask_above(wish: Wish, above: Decimal) -> None:
    """Plan first, and ask when it is dear. Without a terminal nobody is asked, and the run goes on."""
    from pixian_batch.cli.ask import at_terminal, may_cost  # noqa: PLC0415  # only where it is asked
    from pixian_batch.cli.plan import make_plan  # noqa: PLC0415  # as above

    # A list from a pipe can be read only once.
    listed = wish.inputs.listed
    if not at_terminal() or (listed is not None and not os.path.isfile(listed)):
        return
    plan = make_plan(wish.order, wish.inputs, wish.outputs, wish.pace.ramp, service=wish.service)
    try:
        made = asyncio.run(plan)
    except (LedgerError, OSError):
        return  # the run meets the same, and tells it better
    if not may_cost(made, above):
        fail("not run, and nothing was spent", "raise --ask-above, or say --yes", code=Exit.USAGE)


def _failed(ledger: str) -> frozenset[str]:
    """The inputs that the ledger lists as failed: absolute paths and URLs."""
    with ledger_errors(), closing(read_only(ledger)) as db:
        failures = read_failures(db)
    urls = ("http://", "https://")
    return frozenset(
        item.input if item.input.startswith(urls) else os.path.abspath(item.input) for item in failures
    )


async def fulfil(wish: Wish) -> int:
    """Run, and give the exit code. What stops a run before it began is told by the same displays."""
    stop = StopSign()
    screens = watcher(wish.screens)

    def heard(number: signal.Signals) -> None:
        cause = Cause.SIGINT if number is signal.SIGINT else Cause.SIGTERM
        again = stop.up and stop.stop is not None and stop.stop.cause.is_signal
        message = Stop(
            cause, f"stopped by {number.name}", "run the same command again: it goes on where it stopped"
        )
        (stop.raise_hard if again else stop.raise_)(message)

    with listen(heard), listen_for_questions(screens.status):
        try:
            async with open_wire(wish.service) as wire:
                going = Run(
                    wish.inputs, wish.outputs, wish.order, wish.pace, wish.limits, wire, stop, screens
                )
                going.decide = _question(wish, stop, screens)
                summary = await going.go()
                if going.bug is not None:
                    screens.said(
                        Message(Level.ERROR, f"internal error; {write_report(going.bug, wish.outputs)}")
                    )
        except (CredentialsError, EngineMissingError, LedgerError) as error:
            summary = _never_began(wish, _reason(error))
    screens.finished(summary)
    return int(summary.exit_code)


def _question(wish: Wish, stop: StopSign, screens: Watcher) -> DoubtQuestion | None:
    """The question of `--in-doubt ask`; None where it holds instead."""
    if wish.order.doubt is not DoubtPolicy.ASK or wish.yes or wish.order.free:
        return None
    from pixian_batch.cli.ask import DoubtQuestion, at_terminal  # noqa: PLC0415  # only where it is asked

    if at_terminal() and wish.inputs.listed != "-":
        return DoubtQuestion(stop)
    screens.said(
        Message(Level.WARNING, "--in-doubt ask needs a terminal: nobody is asked, images in doubt are held")
    )
    return None


def _reason(error: CredentialsError | EngineMissingError | LedgerError) -> Stop:
    """Why a run could not begin, and whose move it is."""
    match error:
        case CredentialsError():
            return Stop(Cause.CREDENTIALS, str(error), error.hint)
        case EngineMissingError():
            return Stop(Cause.USAGE, str(error), "")
        case LedgerInUseError():
            return Stop(Cause.LEDGER_IN_USE, str(error), "wait for it to end, or give this one its own --out")
        case LedgerTooNewError():
            return Stop(Cause.USAGE, str(error), "upgrade pixian-batch")
        case LedgerRebuiltError():
            hint = "run the same command again to go on; images without a record or a result are sent then"
            return Stop(Cause.DISK, str(error), hint)
        case _:
            return Stop(Cause.DISK, str(error), "check the path, its rights and the free room")


def _never_began(wish: Wish, stop: Stop) -> Summary:
    tally = Tally()
    return Summary(
        tally,
        stop,
        exit_code(tally, stop),
        0.0,
        wish.outputs.out,
        wish.outputs.ledger,
        free=wish.order.free,
        began=False,
    )
