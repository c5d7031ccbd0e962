"""`pixian-batch run`: options -> a run -> an exit code. Prints nothing itself: the displays do."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pixian_batch.adapters.ledger import LedgerDamagedError, LedgerError, LedgerInUseError, LedgerTooNewError
from pixian_batch.adapters.signals import listen
from pixian_batch.cli.bug import write_report
from pixian_batch.cli.credentials import CredentialsError
from pixian_batch.cli.options import RunOptions, takes
from pixian_batch.cli.order import read_inputs, read_limits, read_order, read_outputs, read_pace
from pixian_batch.cli.screens import Screens, watcher
from pixian_batch.cli.service import Service, check_api_url, open_wire
from pixian_batch.emulator.engine import EngineMissingError
from pixian_batch.pipeline.run import Run
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.progress import Level, Message, Summary
from pixian_batch.policy.stopping import Cause, Stop, exit_code
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.job import Order
    from pixian_batch.pipeline.run import Limits, Outputs, Pace


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


@takes(RunOptions)
def run(options: RunOptions) -> None:
    """Cut out photos: send them through, write the results, skip what is done.

    Example: pixian-batch ./photos --out ./cut --concurrency-max 40
    """
    order = read_order(options, local=options.local, overwrite=options.overwrite, in_doubt=options.in_doubt)
    inputs = read_inputs(options)
    wish = Wish(
        inputs,
        read_outputs(options, inputs),
        order,
        read_pace(options, order),
        read_limits(options),
        Service(options.local, check_api_url(options.api_url), options.idle_timeout, options.concurrency_max),
        Screens(
            options.json,
            options.quiet,
            options.verbose,
            not options.no_progress,
            options.color,
            options.log_file,
            shlex.join(["pixian-batch", *sys.argv[1:]]),
        ),
    )
    raise typer.Exit(asyncio.run(fulfil(wish)))


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

    with listen(heard):
        try:
            async with open_wire(wish.service) as wire:
                going = Run(
                    wish.inputs, wish.outputs, wish.order, wish.pace, wish.limits, wire, stop, screens
                )
                summary = await going.go()
                if going.bug is not None:
                    screens.said(
                        Message(Level.ERROR, f"internal error; {write_report(going.bug, wish.outputs)}")
                    )
        except (CredentialsError, EngineMissingError, LedgerError) as error:
            summary = _never_began(wish, _reason(error))
    screens.finished(summary)
    return int(summary.exit_code)


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
        case LedgerDamagedError():
            return Stop(
                Cause.DISK, str(error), "move it away only if you accept to pay again for what it knows"
            )
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
