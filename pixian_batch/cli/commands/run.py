"""What `pixian-batch run` does: options -> a run -> an exit code. Prints nothing itself: the displays do."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from pixian_batch import __version__
from pixian_batch.adapters import running
from pixian_batch.adapters.clock import now
from pixian_batch.adapters.credentials import NoCredentialsError
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.signals import listen, listen_for_questions
from pixian_batch.cli.bug import write_report
from pixian_batch.cli.ci_options import CI_WORDS, ci_service
from pixian_batch.cli.consent import RunSpec, consent
from pixian_batch.cli.displays import DisplayOptions, watcher
from pixian_batch.cli.local_engine import about_model, choose_model
from pixian_batch.cli.on_finish import follow_up, read_hook
from pixian_batch.cli.one_file import one_file
from pixian_batch.cli.options import COLORS, LOG_FORMATS, PlanOptions
from pixian_batch.cli.request import (
    check_apart,
    check_writable,
    choice_of,
    only_failed,
    read_inputs,
    read_limits,
    read_lock,
    read_naming,
    read_outputs,
    read_pace,
    read_report,
    read_spec,
)
from pixian_batch.cli.service import Endpoint, open_wire
from pixian_batch.cli.shared import check_api_url, check_way
from pixian_batch.cli.shared_ledger import exit_of
from pixian_batch.contract.address import without_query
from pixian_batch.display.text import printable
from pixian_batch.display.watchers import Watchers
from pixian_batch.emulator.engine import EngineMissingError
from pixian_batch.pipeline.run import Run
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.progress import Launch, Level, Message, Summary
from pixian_batch.policy.retry import DoubtPolicy
from pixian_batch.policy.stopping import Exit, Stop, exit_code
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    import signal
    from decimal import Decimal

    from pixian_batch.cli.ask import DoubtQuestion
    from pixian_batch.cli.options import RunOptions
    from pixian_batch.display.ci.watching import CiFiles
    from pixian_batch.pipeline.lockfile import LockNotes
    from pixian_batch.policy.progress import Watcher


def begin(options: RunOptions) -> None:
    """Make sense of the options, run, and end the command with the run's exit code."""
    if options.dry_run:
        _plan_instead(options)
        return
    with one_file(options) as one:
        code = _begin(read_run(one.options, one.name), options.ask_above)
        one.hand_on(code)
    raise typer.Exit(code)


def _begin(asked: RunSpec, ask_above: Decimal | None) -> int:
    """Run, unless nobody agrees, and give the exit code."""
    match consent(asked, ask_above):
        case Stop() as refused:
            return _not_begun(asked, refused)
        case RunSpec() as agreed:
            return carry_out(agreed)


def carry_out(agreed: RunSpec) -> int:
    """Run, and make the report where one is wanted; the run's exit code, whatever becomes of that."""
    code = int(running.run(execute(agreed)))
    if agreed.report:
        from pixian_batch.cli.reporting import follow  # only where it is asked for

        follow(agreed.outputs, code, quiet=agreed.screens.quiet)
    return code


def read_run(options: RunOptions, name: str = "") -> RunSpec:
    """The options in groups. name: of the one result, where there is one. Raises `BadParameter`."""
    spec = replace(read_spec(options), require_cached=options.require_cached)
    spec = replace(spec, naming=read_naming(options, spec.params.result_format, name))
    inputs = read_inputs(options)
    outputs = read_outputs(options, inputs)
    screens = _read_screens(options)
    if options.only_failed:
        inputs = only_failed(inputs, outputs.ledger)
    return RunSpec(
        inputs=inputs,
        outputs=outputs,
        spec=spec,
        pace=read_pace(options, spec),
        limits=read_limits(options),
        service=Endpoint(
            local=options.local,
            model=choose_model(options, local=options.local),
            api_url=(check_api_url if options.local else check_way)(options.api_url),
            idle_timeout=options.idle_timeout,
            connections=options.concurrency_max,
            silent=options.require_cached,
        ),
        screens=screens,
        hook=read_hook(options.on_finish, options.on_finish_timeout),
        report=read_report(options, name),
        lock=read_lock(options),
        yes=options.yes,
        engine=about_model(options),
    )


def _not_begun(asked: RunSpec, stop: Stop) -> int:
    """Nothing is sent, and every display says why."""
    screens = _launched(asked)
    screens.finished(_never_began(asked, stop))
    return int(stop.cause)


def _plan_instead(options: RunOptions) -> None:
    """What `plan` says to the same options."""
    from pixian_batch.cli.commands import plan  # only where it is asked for

    shared = {item.name for item in fields(PlanOptions)} & {item.name for item in fields(options)}
    plan.begin(PlanOptions(**{name: getattr(options, name) for name in shared}))


def _read_screens(options: RunOptions) -> DisplayOptions:
    """What the user wants to see. Raises `BadParameter`."""
    ci = ci_service(choice_of(CI_WORDS, options.ci, "--ci"), os.environ)
    files = (options.log_file, "--log-file"), (options.metrics_file, "--metrics-file")
    check_apart(*files)
    for path, option in files:
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
        ci=ci,
        ci_files=_ci_files(options, ci),
    )


def _ci_files(options: RunOptions, ci: str) -> CiFiles | None:
    """What a CI server is to be told, where there is one. Raises `MistakeError`."""
    if ci == "none" and not any((options.junit, options.comment_file, options.code_quality, options.dotenv)):
        return None
    from pixian_batch.cli.ci import read_files  # only for such a server

    return read_files(options, ci, os.environ)


async def execute(asked: RunSpec) -> int:
    """Run, and give the exit code. What stops a run before it began is told by the same displays."""
    stop = StopSign()
    screens, notes = _launched(asked), _lock_notes(asked)
    if asked.engine:
        screens.notify(Message(Level.INFO, printable(asked.engine)))
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
                    watcher=screens if notes is None else Watchers(screens, notes),
                    decide=_question(asked, stop, screens),
                )
                summary = await going.go()
                _tell_bug(going, screens)
        except (NoCredentialsError, EngineMissingError, LedgerError) as error:
            summary = _never_began(asked, _reason(error))
        summary = await _locked(asked, notes, screens, summary)
    screens.finished(summary)
    return await _follow_up(asked, summary)


def _tell_bug(run: Run, screens: Watchers) -> None:
    """An error of ours, where there was one, and where its report is."""
    if run.bug is not None:
        screens.notify(Message(Level.ERROR, f"internal error; {write_report(run.bug, run.outputs)}"))


def _launched(asked: RunSpec) -> Watchers:
    """The displays, told first of all what was asked for."""
    screens = watcher(asked.screens)
    screens.launched(
        Launch(
            pid=os.getpid(),
            version=__version__,
            started_at=now(),
            inputs=asked.inputs.paths,
            listed=asked.inputs.listed,
            out=asked.outputs.out,
            ledger=asked.outputs.ledger,
            parameters=asked.spec.result_key_params(rebuild=asked.spec.via_delta),
            service=asked.spec.service or without_query(asked.service.api_url),
        )
    )
    return screens


def _lock_notes(asked: RunSpec) -> LockNotes | None:
    """Who notes what is to be locked, where that is asked for."""
    if asked.lock is None:
        return None
    from pixian_batch.pipeline.lockfile import LockNotes  # only where it is asked for

    return LockNotes()


async def _locked(asked: RunSpec, notes: LockNotes | None, screens: Watchers, summary: Summary) -> Summary:
    """The summary, once the lock is written where one is wanted."""
    if notes is None or asked.lock is None:
        return summary
    from pixian_batch.cli.locking import lock_up  # only where it is asked for

    locked = await asyncio.to_thread(lock_up, asked.lock, notes, asked.outputs, summary)
    for message in locked.messages:
        screens.notify(message)
    return locked.summary


async def _follow_up(asked: RunSpec, summary: Summary) -> int:
    """What the user's own command makes of the exit code."""
    code, warning = await follow_up(asked.hook, summary)
    if warning:
        sys.stderr.write(f"warning: {warning}\n")
    return int(code)


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
