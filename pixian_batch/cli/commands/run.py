"""What `pixian-batch run` does: options -> a run -> an exit code. Prints nothing itself: the displays do."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from pixian_batch.adapters import running
from pixian_batch.adapters.credentials import NoCredentialsError
from pixian_batch.adapters.ledger import LedgerError, questions
from pixian_batch.adapters.signals import listen, listen_for_questions
from pixian_batch.cli.bug import write_report
from pixian_batch.cli.displays import DisplayOptions, watcher
from pixian_batch.cli.options import COLORS, LOG_FORMATS
from pixian_batch.cli.request import (
    check_writable,
    choice_of,
    read_inputs,
    read_limits,
    read_outputs,
    read_pace,
    read_spec,
)
from pixian_batch.cli.service import Endpoint, open_wire
from pixian_batch.cli.shared import check_api_url, check_way, fail
from pixian_batch.cli.shared_ledger import ask_ledger, exit_of
from pixian_batch.display.text import printable
from pixian_batch.emulator.engine import EngineMissingError
from pixian_batch.pipeline.run import Run
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.progress import Level, Message, Summary
from pixian_batch.policy.retry import DoubtPolicy
from pixian_batch.policy.stopping import Exit, Stop, exit_code
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    import signal
    from decimal import Decimal

    from pixian_batch.cli.ask import DoubtQuestion
    from pixian_batch.cli.options import RunOptions
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.spec import Outputs, Pace, Spec
    from pixian_batch.pipeline.spending import Limits
    from pixian_batch.policy.progress import Watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """All that a run was asked to do, in groups; each room is handed its own."""

    inputs: Inputs
    outputs: Outputs
    spec: Spec
    pace: Pace
    limits: Limits
    service: Endpoint
    screens: DisplayOptions
    yes: bool = False
    """Never ask."""


def begin(options: RunOptions) -> None:
    """Make sense of the options, run, and end the command with the run's exit code."""
    spec = read_spec(
        options,
        local=options.local,
        overwrite=options.overwrite,
        convert=options.convert,
        in_doubt=options.in_doubt,
    )
    inputs = read_inputs(options)
    outputs = read_outputs(options, inputs)
    screens = _read_screens(options)
    if options.only_failed:
        inputs = replace(inputs, only=_failed(outputs.ledger))
    asked = RunSpec(
        inputs=inputs,
        outputs=outputs,
        spec=spec,
        pace=read_pace(options, spec),
        limits=read_limits(options),
        service=Endpoint(
            local=options.local,
            api_url=(check_api_url if options.local else check_way)(options.api_url),
            idle_timeout=options.idle_timeout,
            connections=options.concurrency_max,
        ),
        screens=screens,
        yes=options.yes,
    )
    if options.ask_above is not None and not options.yes:
        _ask_above(asked, options.ask_above)
    raise typer.Exit(running.run(execute(asked)))


def _read_screens(options: RunOptions) -> DisplayOptions:
    """What the user wants to see. Raises `BadParameter`."""
    for path, option in ((options.log_file, "--log-file"), (options.metrics_file, "--metrics-file")):
        check_writable(path, option)
    return DisplayOptions(
        json=options.json,
        quiet=options.quiet,
        verbose=options.verbose,
        progress=not options.no_progress,
        color=choice_of(COLORS, options.color, "--color"),
        log_file=options.log_file,
        again=shlex.join(["pixian-batch", *sys.argv[1:]]),
        log_json=choice_of(LOG_FORMATS, options.log_format, "--log-format") == "json",
        metrics_file=options.metrics_file,
    )


def _ask_above(asked: RunSpec, above: Decimal) -> None:
    """Plan first, and ask when it is dear. Without a terminal nobody is asked, and the run goes on."""
    from pixian_batch.cli.ask import at_terminal, may_cost  # only where it is asked
    from pixian_batch.cli.commands.plan import make_plan

    # A list from a pipe can be read only once.
    listed = asked.inputs.listed
    if not at_terminal() or (listed is not None and not os.path.isfile(listed)):
        return
    plan = make_plan(asked.spec, asked.inputs, asked.outputs, asked.pace.ramp, service=asked.service)
    try:
        expected = asyncio.run(plan)
    except (LedgerError, OSError):
        return  # the run meets the same, and tells it better
    if not may_cost(expected, above):
        fail("not run, and nothing was spent", "raise --ask-above, or say --yes", code=Exit.USAGE)


def _failed(ledger: str) -> frozenset[str]:
    """The inputs that the ledger lists as failed: absolute paths and URLs."""
    failures = ask_ledger(ledger, questions.failures)
    urls = ("http://", "https://")
    return frozenset(
        item.input if item.input.startswith(urls) else os.path.abspath(item.input) for item in failures
    )


async def execute(asked: RunSpec) -> int:
    """Run, and give the exit code. What stops a run before it began is told by the same displays."""
    stop = StopSign()
    screens = watcher(asked.screens)
    with listen(partial(_signalled, stop)), listen_for_questions(screens.status):
        try:
            async with open_wire(asked.service) as wire:
                going = Run(
                    inputs=asked.inputs,
                    outputs=asked.outputs,
                    spec=asked.spec,
                    pace=asked.pace,
                    limits=asked.limits,
                    session=wire,
                    stop=stop,
                    watcher=screens,
                    decide=_question(asked, stop, screens),
                )
                summary = await going.go()
                if going.bug is not None:
                    screens.notify(
                        Message(Level.ERROR, f"internal error; {write_report(going.bug, asked.outputs)}")
                    )
        except (NoCredentialsError, EngineMissingError, LedgerError) as error:
            summary = _never_began(asked, _reason(error))
    screens.finished(summary)
    return int(summary.exit_code)


def _signalled(stop: StopSign, number: signal.Signals) -> None:
    """The first signal lets what is in flight land; a second one that somebody meant ends it."""
    cause = Exit[number.name]
    again = stop.stop is not None and stop.stop.cause.is_signal and not cause.comes_often
    hint = "run the same command again: it goes on where it stopped"
    (stop.raise_hard if again else stop.raise_)(Stop(cause, f"stopped by {number.name}", hint))


def _question(asked: RunSpec, stop: StopSign, screens: Watcher) -> DoubtQuestion | None:
    """The question of `--in-doubt ask`; None where it holds instead."""
    if asked.spec.doubt is not DoubtPolicy.ASK or asked.yes or asked.spec.free:
        return None
    from pixian_batch.cli.ask import DoubtQuestion, at_terminal  # only where it is asked

    if at_terminal() and asked.inputs.listed != "-":
        return DoubtQuestion(stop)
    screens.notify(
        Message(Level.WARNING, "--in-doubt ask needs a terminal: nobody is asked, images in doubt are held")
    )
    return None


def _reason(error: NoCredentialsError | EngineMissingError | LedgerError) -> Stop:
    """Why a run could not begin, and whose move it is."""
    match error:
        case NoCredentialsError():
            return Stop(Exit.CREDENTIALS, printable(str(error)), error.hint)
        case EngineMissingError():
            return Stop(Exit.USAGE, str(error), "")
        case LedgerError():
            return Stop(exit_of(error), str(error), error.hint)


def _never_began(asked: RunSpec, stop: Stop) -> Summary:
    tally = Tally()
    return Summary(
        tally=tally,
        stop=stop,
        exit_code=exit_code(tally, stop),
        seconds=0.0,
        out=asked.outputs.out,
        ledger=asked.outputs.ledger,
        free=asked.spec.free,
        began=False,
    )
