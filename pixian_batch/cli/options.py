"""Every option of `run` and `plan`, once, in groups: its name, its environment variable, its help, its default.

A group is a frozen dataclass; a command takes several by inheriting them (`takes` makes the signature
that typer reads). The values are still as the user wrote them: `request.py` makes sense of them. The other
commands declare theirs with the same `option`, so each has its environment variable, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import typer

from pixian_batch.cli import declaring
from pixian_batch.cli.ci_options import CiOptions
from pixian_batch.cli.declaring import choice as _choice
from pixian_batch.cli.declaring import default as _default
from pixian_batch.cli.declaring import in_panel as _option
from pixian_batch.cli.declaring import text as _text
from pixian_batch.cli.output_options import OutputOptions
from pixian_batch.cli.selecting import SelectOptions
from pixian_batch.cli.values import credit, duration
from pixian_batch.contract.address import DEFAULT_API_URL
from pixian_batch.contract.params import OutputFormat, VerticalAlignment
from pixian_batch.policy.retry import DoubtPolicy

# The groups of the help; `cli/help.py` has their order.
_API, _PACE, _MONEY, _INPUTS = "Results", "Pace", "Money", "Inputs"
_OUTPUTS, _SCREEN, _FREE, _SERVICE = "Output", "Messages", "Without spending", "Service"
COLORS = ("auto", "always", "never")
LOG_FORMATS = ("text", "json")
ENGINE_OUTPUTS = ("probability", "logits")


_Credits = Decimal | None
_Text = str | None
option, default_of = declaring.option, declaring.default_of
"""For the commands that declare options of their own."""


def _number(panel: str, name: str, help_: str, *, least: int) -> Any:
    return _option(panel, name, help_, min=least, metavar="N")


def _time(name: str, help_: str) -> Any:
    return _option(_PACE, name, help_, parser=duration, metavar="TIME")


def _credits(name: str, help_: str) -> Any:
    return _option(_MONEY, name, help_, parser=credit, metavar="N")


ApiUrl = Annotated[str, _text(_SERVICE, "--api-url", "URL", "Another address of the API.")]
Json = Annotated[bool, _option(_SCREEN, "--json", "One JSON object on standard output.")]
JsonLines = Annotated[bool, _option(_SCREEN, "--json", "One JSON record a line on standard output.")]


@dataclass(frozen=True, kw_only=True)
class ApiOptions:
    """What is asked of the service; texts in the API's own grammar."""

    test: Annotated[bool, _option(_FREE, "--test", "Free, watermarked results.")] = False
    max_pixels: Annotated[
        str | None,
        _text(_API, "--max-pixels", "N", "Shrink larger photos to this area first, 100 to 25000000."),
    ] = None
    background_color: Annotated[
        str | None, _text(_API, "--background-color", "COLOR", "A colour under the result, as '#RRGGBB'.")
    ] = None
    crop_to_foreground: Annotated[bool, _option(_API, "--crop-to-foreground", "Crop to the object.")] = False
    margin: Annotated[
        str | None,
        _text(_API, "--margin", "MARGIN", "1 to 4 margins in CSS order, px or %: '10px' or '5% 10px'."),
    ] = None
    target_size: Annotated[
        str | None,
        _text(_API, "--target-size", "SIZE", "Fit the result into this size: '1200 800' or 1200x800."),
    ] = None
    vertical_alignment: Annotated[
        str | None,
        _choice(_API, "--vertical-alignment", VerticalAlignment, "Where in a target size."),
    ] = None
    output_format: Annotated[
        str | None,
        _choice(_API, "--output-format", OutputFormat, "auto: PNG, or JPEG with a background."),
    ] = None
    jpeg_quality: Annotated[str | None, _text(_API, "--jpeg-quality", "N", "1 to 100; 75 unless told.")] = (
        None
    )
    via_delta: Annotated[
        bool, _option(_API, "--via-delta", "Download small Delta PNGs and rebuild the full PNGs here.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class PaceOptions:
    """How fast, and how patiently. Times in seconds, once read."""

    concurrency_start: Annotated[
        int, _number(_PACE, "--concurrency-start", "Workers at the start.", least=1)
    ] = 5
    concurrency_max: Annotated[int, _number(_PACE, "--concurrency-max", "Most workers at once.", least=1)] = (
        100
    )
    ramp_interval: Annotated[
        float, _time("--ramp-interval", "One more worker each time this has passed; 0: all at once.")
    ] = _default("5m", duration)
    backoff_step: Annotated[
        float, _time("--backoff-step", "At 429 a worker waits once, twice, ... this long.")
    ] = _default("5s", duration)
    idle_timeout: Annotated[
        float, _time("--idle-timeout", "Give a request up when no byte moved for this long.")
    ] = _default("180s", duration)
    retries: Annotated[
        int, _number(_PACE, "--retries", "Times to try again when the service is unavailable.", least=0)
    ] = 3
    give_up_after: Annotated[
        float, _time("--give-up-after", "End the run when the service fails for everyone for this long.")
    ] = _default("15m", duration)
    max_duration: Annotated[
        float | None,
        _time(
            "--max-duration", "End the run after this long: what is in flight lands, the next run goes on."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class MoneyOptions:
    """Limits of spending, and when to ask."""

    max_credits: Annotated[
        _Credits, _credits("--max-credits", "Most credits to spend in this ledger, ever.")
    ] = None
    max_credits_per_run: Annotated[
        _Credits, _credits("--max-credits-per-run", "Most credits to spend in this run.")
    ] = None
    max_credits_per_day: Annotated[
        _Credits, _credits("--max-credits-per-day", "Most credits to spend today.")
    ] = None
    ask_above: Annotated[
        _Credits,
        _credits("--ask-above", "On a terminal, ask before a run that is expected to cost more."),
    ] = None
    yes: Annotated[bool, _option(_MONEY, "--yes", "Never ask.", "-y")] = False
    require_cached: Annotated[
        bool,
        _option(_MONEY, "--require-cached", "Buy nothing: what would have to be bought is named, and fails."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class DecisionOptions:
    """What decides, beside parameters and inputs, whether an image is bought: a plan needs it as much as a run."""

    in_doubt: Annotated[
        str,
        _choice(
            _MONEY,
            "--in-doubt",
            DoubtPolicy,
            "What to do with images in doubt or lost: they may have been charged without a result.",
        ),
    ] = "hold"
    replace: Annotated[
        bool,
        _option(
            _MONEY, "--replace", "Replace results that were bought with other parameters; they are kept."
        ),
    ] = False
    trust_ledger: Annotated[
        bool,
        _option(_MONEY, "--trust-ledger", "What the ledger knows as done is done, though its file is gone."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class WalkOptions:
    """What to walk."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Photos, folders (recursive), globs or http(s) URLs; - is one photo on standard input.",
            show_default=False,
        ),
    ] = None
    include: Annotated[
        list[str] | None,
        _text(_INPUTS, "--include", "PATTERN", "Only inputs that match; may be given often."),
    ] = None
    exclude: Annotated[
        list[str] | None,
        _text(_INPUTS, "--exclude", "PATTERN", "No inputs or folders that match; may be given often."),
    ] = None
    files_from: Annotated[
        str | None,
        _text(_INPUTS, "--files-from", "FILE", "A file with more inputs, one a line; - is standard input."),
    ] = None
    nul: Annotated[bool, _option(_INPUTS, "--null", "--files-from is separated by NUL.", "-0")] = False
    follow_symlinks: Annotated[bool, _option(_INPUTS, "--follow-symlinks", "Enter linked folders.")] = False
    convert: Annotated[
        bool,
        _option(
            _INPUTS, "--convert", "Take WebP, AVIF and HEIC photos, too: a PNG or JPEG is made of them here."
        ),
    ] = False
    include_system: Annotated[
        bool,
        _option(_INPUTS, "--include-system", "Take what is in recycle bins, thumbnail caches and the like."),
    ] = False
    only_failed: Annotated[
        bool, _option(_INPUTS, "--only-failed", "Of the inputs, only those that failed in an earlier run.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class InputOptions(SelectOptions, WalkOptions):
    """What to walk, and what is meant of it."""


@dataclass(frozen=True, kw_only=True)
class ScreenOptions:
    """What the user wants to see."""

    json: JsonLines = False
    quiet: Annotated[
        bool, _option(_SCREEN, "--quiet", "Say nothing unless something needs a decision.", "-q")
    ] = False
    verbose: Annotated[bool, _option(_SCREEN, "--verbose", "Say how every image ended.", "-v")] = False
    color: Annotated[str, _choice(_SCREEN, "--color", COLORS, "When to use colours.")] = "auto"
    no_progress: Annotated[bool, _option(_SCREEN, "--no-progress", "Plain lines, also on a terminal.")] = (
        False
    )
    log_file: Annotated[
        str | None, _text(_SCREEN, "--log-file", "FILE", "Append what happens to this file.")
    ] = None
    log_format: Annotated[
        str, _choice(_SCREEN, "--log-format", LOG_FORMATS, "How the log file is written.")
    ] = "text"
    metrics_file: Annotated[
        str | None,
        _text(_SCREEN, "--metrics-file", "FILE", "Keep counts for Prometheus in this file (*.prom)."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """The network that `--local` cuts out with, and what is not recognised of it. context: who named it."""

    context: typer.Context
    engine_model: Annotated[
        _Text, _text(_SERVICE, "--engine-model", "PATH", "With --local: your own network, an ONNX file.")
    ] = None
    engine_size: Annotated[
        int | None,
        _number(_SERVICE, "--engine-size", "Its input's side, if its file leaves it open.", least=1),
    ] = None
    engine_mean: Annotated[
        _Text, _text(_SERVICE, "--engine-mean", "R G B", "What is taken from its colours (0 to 1).")
    ] = None
    engine_deviation: Annotated[
        _Text, _text(_SERVICE, "--engine-deviation", "R G B", "What its colours are divided by.")
    ] = None
    engine_output: Annotated[
        _Text, _choice(_SERVICE, "--engine-output", ENGINE_OUTPUTS, "What its answers are.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class ServiceOptions(EngineOptions):
    """Which service."""

    local: Annotated[
        bool,
        _option(_FREE, "--local", "Use the embedded emulator and its engine: no account, no network."),
    ] = False
    api_url: ApiUrl = DEFAULT_API_URL


@dataclass(frozen=True, kw_only=True)
class RunOptions(
    # the last comes first in the help
    ServiceOptions,
    CiOptions,
    ScreenOptions,
    OutputOptions,
    DecisionOptions,
    MoneyOptions,
    PaceOptions,
    ApiOptions,
    InputOptions,
):
    """All options of `run`."""

    dry_run: Annotated[
        bool,
        _option(
            _MONEY, "--dry-run", "Say what would be done and cost, as plan does, and spend nothing.", "-n"
        ),
    ] = False
    report: Annotated[
        bool, _option(_OUTPUTS, "--report", "At the end, make the page of all results that `report` makes.")
    ] = False
    lock: Annotated[
        str | None,
        _text(
            _OUTPUTS,
            "--lock",
            "FILE",
            "At the end, bring this lock up to date (pixian.lock), which verify proves files by.",
        ),
    ] = None
    on_finish: Annotated[
        str | None,
        _text(
            _OUTPUTS, "--on-finish", "COMMAND", "Run this at the end, with the summary as JSON on its input."
        ),
    ] = None
    on_finish_timeout: Annotated[
        float,
        _option(
            _OUTPUTS,
            "--on-finish-timeout",
            "End the command of --on-finish after this long.",
            parser=duration,
            metavar="TIME",
        ),
    ] = _default("5m", duration)


@dataclass(frozen=True, kw_only=True)
class ConfigOptions(RunOptions):
    """All options of `run`, to see what they would be."""

    init: Annotated[
        bool,
        option("--init", "Write a first pixian-batch.toml, all in comments, into this folder."),
    ] = False
    out: Annotated[
        str, _option(_OUTPUTS, "--out", "Where the results go.", metavar="DIR", show_default=False)
    ] = ""  # it may be left out here


@dataclass(frozen=True, kw_only=True)
class PlanOptions(ServiceOptions, OutputOptions, DecisionOptions, PaceOptions, ApiOptions, InputOptions):
    """All options of `plan`."""

    calibrate: Annotated[
        int,
        _number(_MONEY, "--calibrate", "Ask the price of this many photos by free test requests.", least=0),
    ] = 0
    json: Json = False
