"""`pixian-batch run`: options -> a run -> an exit code. Prints nothing itself: the displays do."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pixian_batch.adapters.client import DEFAULT_API_URL
from pixian_batch.adapters.ledger import LedgerDamagedError, LedgerError, LedgerInUseError, LedgerTooNewError
from pixian_batch.adapters.signals import listen
from pixian_batch.cli import options as o  # noqa: TC001  # typer reads the annotations at run time
from pixian_batch.cli.credentials import CredentialsError
from pixian_batch.cli.order import check_places, read_order, read_params
from pixian_batch.cli.screens import Screens, watcher
from pixian_batch.cli.service import Service, check_api_url, open_wire
from pixian_batch.emulator.engine import EngineMissingError
from pixian_batch.pipeline.run import Inputs, Limits, Outputs, Pace, Run
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.course import DoubtPolicy, Patience
from pixian_batch.policy.progress import Summary
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.stopping import Cause, Stop, exit_code
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from pixian_batch.pipeline.job import Order


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


def run(  # noqa: PLR0913  # a command's signature is its list of options
    paths: o.Paths = None,
    *,
    out: o.Out,
    test: o.Test = False,
    max_pixels: o.MaxPixels = None,
    background_color: o.BackgroundColor = None,
    crop_to_foreground: o.CropToForeground = False,
    margin: o.Margin = None,
    target_size: o.TargetSize = None,
    vertical_alignment: o.VerticalAlignment = None,
    output_format: o.OutputFormat = None,
    jpeg_quality: o.JpegQuality = None,
    via_delta: o.ViaDelta = False,
    concurrency_start: o.ConcurrencyStart = 5,
    concurrency_max: o.ConcurrencyMax = 100,
    ramp_interval: o.RampInterval = "5m",  # type: ignore[assignment]  # read by the option's parser
    backoff_step: o.BackoffStep = "5s",  # type: ignore[assignment]
    idle_timeout: o.IdleTimeout = "180s",  # type: ignore[assignment]
    retries: o.Retries = 3,
    give_up_after: o.GiveUpAfter = "15m",  # type: ignore[assignment]
    max_credits: o.MaxCredits = None,
    max_credits_per_run: o.MaxCreditsPerRun = None,
    max_credits_per_day: o.MaxCreditsPerDay = None,
    in_doubt: o.InDoubt = "hold",
    yes: o.Yes = False,
    include: o.Include = None,
    exclude: o.Exclude = None,
    files_from: o.FilesFrom = None,
    nul: o.Nul = False,
    follow_symlinks: o.FollowSymlinks = False,
    overwrite: o.Overwrite = False,
    ledger: o.LedgerPath = None,
    min_free: o.MinFree = "100MB",  # type: ignore[assignment]
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_progress: o.NoProgress = False,
    log_file: o.LogFile = None,
    local: o.Local = False,
    api_url: o.ApiUrl = DEFAULT_API_URL,
) -> None:
    """Cut out photos: send them through, write the results, skip what is done.

    Example: pixian-batch ./photos --out ./cut --concurrency-max 40
    """
    params = read_params(
        {
            "test": test,
            "max_pixels": max_pixels,
            "background_color": background_color,
            "crop_to_foreground": crop_to_foreground,
            "margin": margin,
            "target_size": target_size,
            "vertical_alignment": vertical_alignment,
            "output_format": output_format,
            "jpeg_quality": jpeg_quality,
        }
    )
    order = read_order(params, via_delta=via_delta, local=local, overwrite=overwrite, doubt=in_doubt)
    inputs = Inputs(
        tuple(paths or ()), files_from, nul, tuple(include or ()), tuple(exclude or ()), follow_symlinks
    )
    ramp = Ramp(concurrency_start, concurrency_max, ramp_interval)
    resend = order.free or order.doubt is DoubtPolicy.RESEND
    wish = Wish(
        inputs,
        Outputs(out, check_places(inputs, out, ledger), min_free),
        order,
        Pace(ramp, Patience(backoff_step, retries, resend), Breaker(give_up_after=give_up_after)),
        Limits(max_credits, max_credits_per_run, max_credits_per_day),
        Service(local, check_api_url(api_url), idle_timeout, concurrency_max),
        Screens(
            json,
            quiet,
            verbose,
            not no_progress,
            color,
            log_file,
            shlex.join(["pixian-batch", *sys.argv[1:]]),
        ),
    )
    del yes  # nothing asks yet without it
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
        tally, stop, exit_code(tally, stop), 0.0, wish.outputs.out, wish.outputs.ledger, free=wish.order.free
    )
