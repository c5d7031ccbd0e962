"""Every option of `run` and `plan`, once, in groups: its name, its environment variable, its help, its default.

A group is a frozen dataclass; a command takes several by inheriting them (`takes` makes the signature
that typer reads). The values are still as the user wrote them: `request.py` makes sense of them. The other
commands declare theirs with the same `option`, so each has its environment variable, too.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, Field, dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, get_type_hints

import typer

from pixian_batch.cli.values import byte_size, credit, duration
from pixian_batch.contract.address import DEFAULT_API_URL
from pixian_batch.contract.params import OutputFormat, VerticalAlignment
from pixian_batch.policy.retry import DoubtPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import DataclassInstance

_T = TypeVar("_T")
_Group = TypeVar("_Group", bound="DataclassInstance")
_API = "API parameters"
_PACE = "Pace"
_MONEY = "Money"
_INPUTS = "Inputs"
_OUTPUTS = "Outputs and messages"
_SERVICE = "Service"
COLORS = ("auto", "always", "never")
LOG_FORMATS = ("text", "json")


_AS_WRITTEN: Final = "as written"
"""Where a field keeps a default that is written otherwise than it is read: `5m`."""
_Credits = Decimal | None


def option(name: str, help_: str, *also: str, only: str = "", **more: Any) -> Any:
    """An option with the environment variable that its name gives. No `metavar`: a switch.

    only: the command whose own option it is, where the same word means something else for a run.
    """
    words = ("pixian-batch", only, name.lstrip("-"))
    envvar = "_".join(filter(None, words)).upper().replace("-", "_")
    more.setdefault("metavar", "")
    return typer.Option(name, *also, help=help_, envvar=envvar, show_envvar=bool(only), **more)


def _option(panel: str, name: str, help_: str, *also: str, **more: Any) -> Any:
    return option(name, help_, *also, rich_help_panel=panel, **more)


def _text(panel: str, name: str, metavar: str, help_: str) -> Any:
    return _option(panel, name, help_, metavar=metavar)


def _choice(panel: str, name: str, choices: Iterable[str], help_: str) -> Any:
    """One of some words; the shell completes them."""
    words = [str(word) for word in choices]

    def complete() -> list[str]:
        return words

    return _option(panel, name, help_, metavar="|".join(words), autocompletion=complete)


def _number(panel: str, name: str, help_: str, *, least: int) -> Any:
    return _option(panel, name, help_, min=least, metavar="N")


def _time(name: str, help_: str) -> Any:
    return _option(_PACE, name, help_, parser=duration, metavar="TIME")


def _credits(name: str, help_: str) -> Any:
    return _option(_MONEY, name, help_, parser=credit, metavar="N")


def _default(text: str, read: Callable[[str], _T]) -> _T:
    """A field's default, as the user would write it."""
    return field(default=read(text), metadata={_AS_WRITTEN: text})


def default_of(item: Field[Any]) -> object:
    """A field's default as the parser takes it, which is as the user would write it; else `MISSING`."""
    return item.metadata.get(_AS_WRITTEN, item.default)


ApiUrl = Annotated[str, _text(_SERVICE, "--api-url", "URL", "Another address of the API.")]
Json = Annotated[bool, _option(_OUTPUTS, "--json", "One JSON object on standard output.")]
JsonLines = Annotated[bool, _option(_OUTPUTS, "--json", "One JSON record a line on standard output.")]


@dataclass(frozen=True, kw_only=True)
class ApiOptions:
    """What is asked of the service; texts in the API's own grammar."""

    test: Annotated[bool, _option(_API, "--test", "Free, watermarked results.")] = False
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


@dataclass(frozen=True, kw_only=True)
class DecisionOptions:
    """What decides, beside parameters and inputs, whether an image is bought: a plan needs it as much as a run."""

    in_doubt: Annotated[
        str,
        _choice(
            _MONEY,
            "--in-doubt",
            DoubtPolicy,
            "What to do with images that may have been charged without a result.",
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
    only_failed: Annotated[
        bool, _option(_INPUTS, "--only-failed", "Of the inputs, only those that failed in an earlier run.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """What to walk."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT", help="Photos, folders (recursive), globs or http(s) URLs.", show_default=False
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
    include_system: Annotated[
        bool,
        _option(_INPUTS, "--include-system", "Take what is in recycle bins, thumbnail caches and the like."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where results and the ledger go."""

    out: Annotated[
        str,
        _option(
            _OUTPUTS,
            "--out",
            "Where the results go; the tree of the inputs is mirrored.",
            "-o",
            metavar="DIR",
        ),
    ]
    overwrite: Annotated[
        bool, _option(_OUTPUTS, "--overwrite", "Replace files that this tool did not make.")
    ] = False
    ledger: Annotated[
        str | None,
        _text(_OUTPUTS, "--ledger", "PATH", "The ledger; DIR/.pixian-batch/ledger.db unless told."),
    ] = None
    min_free: Annotated[
        int,
        _option(
            _OUTPUTS,
            "--min-free",
            "Stop before the disk has less room than this.",
            parser=byte_size,
            metavar="SIZE",
        ),
    ] = _default("100MB", byte_size)


@dataclass(frozen=True, kw_only=True)
class ScreenOptions:
    """What the user wants to see."""

    json: JsonLines = False
    quiet: Annotated[
        bool, _option(_OUTPUTS, "--quiet", "Say nothing unless something needs a decision.", "-q")
    ] = False
    verbose: Annotated[bool, _option(_OUTPUTS, "--verbose", "Say how every image ended.", "-v")] = False
    color: Annotated[str, _choice(_OUTPUTS, "--color", COLORS, "When to use colours.")] = "auto"
    no_progress: Annotated[bool, _option(_OUTPUTS, "--no-progress", "Plain lines, also on a terminal.")] = (
        False
    )
    log_file: Annotated[
        str | None, _text(_OUTPUTS, "--log-file", "FILE", "Append what happens to this file.")
    ] = None
    log_format: Annotated[
        str, _choice(_OUTPUTS, "--log-format", LOG_FORMATS, "How the log file is written.")
    ] = "text"
    metrics_file: Annotated[
        str | None,
        _text(_OUTPUTS, "--metrics-file", "FILE", "Keep counts for Prometheus in this file (*.prom)."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ServiceOptions:
    """Which service."""

    local: Annotated[
        bool,
        _option(_SERVICE, "--local", "Use the embedded emulator and its engine: no account, no network."),
    ] = False
    api_url: ApiUrl = DEFAULT_API_URL


@dataclass(frozen=True, kw_only=True)
class RunOptions(
    # the last comes first in the help
    ServiceOptions,
    ScreenOptions,
    OutputOptions,
    DecisionOptions,
    MoneyOptions,
    PaceOptions,
    ApiOptions,
    InputOptions,
):
    """All options of `run`."""


@dataclass(frozen=True, kw_only=True)
class ConfigOptions(RunOptions):
    """All options of `run`, to see what they would be. context: where each value came from."""

    context: typer.Context
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


def takes(kind: type[_Group]) -> Callable[[Callable[[_Group], None]], Callable[..., None]]:
    """Make a command of a function that takes one `kind`: typer sees a parameter for each field.

    A signature of forty parameters would otherwise stand in every command that shares them.
    """
    hints = get_type_hints(kind, include_extras=True)
    parameters = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if item.default is MISSING else default_of(item),
            annotation=hints[item.name],
        )
        for item in fields(kind)
    ]

    def make(command: Callable[[_Group], None]) -> Callable[..., None]:
        def call(**values: Any) -> None:
            command(kind(**values))

        # What `inspect.signature` looks for, in place of `**values`.
        vars(call)["__signature__"] = inspect.Signature(parameters)
        call.__annotations__ = hints
        call.__doc__ = command.__doc__
        return call

    return make
