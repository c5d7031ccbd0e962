"""Every option of `run` and `plan`, once: its name, its environment variable, its help."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer

from pixian_batch.cli.values import byte_size, credit, duration

_API = "API parameters"
_PACE = "Pace"
_MONEY = "Money"
_INPUTS = "Inputs"
_OUTPUTS = "Outputs and messages"
_SERVICE = "Service"


def _option(name: str, help_: str, panel: str, **more: Any) -> Any:
    """An option with the environment variable that its name gives."""
    envvar = "PIXIAN_BATCH_" + name.lstrip("-").upper().replace("-", "_")
    return typer.Option(name, *more.pop("also", ()), help=help_, rich_help_panel=panel, envvar=envvar, **more)


Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT...", help="Photos, folders (recursive), globs or http(s) URLs.", show_default=False
    ),
]
Out = Annotated[
    str,
    _option(
        "--out",
        "Where the results go; the tree of the inputs is mirrored.",
        _OUTPUTS,
        also=("-o",),
        metavar="DIR",
    ),
]

Test = Annotated[bool, _option("--test", "Free, watermarked results.", _API)]
MaxPixels = Annotated[
    str | None,
    _option("--max-pixels", "Shrink larger photos to this area first (100 to 25000000).", _API, metavar="N"),
]
BackgroundColor = Annotated[
    str | None, _option("--background-color", "A colour under the result, as #RRGGBB.", _API, metavar="COLOR")
]
CropToForeground = Annotated[bool, _option("--crop-to-foreground", "Crop to the object.", _API)]
Margin = Annotated[
    str | None,
    _option("--margin", "1 to 4 margins in CSS order, px or %: '10px' or '5% 10px'.", _API, metavar="MARGIN"),
]
TargetSize = Annotated[
    str | None,
    _option("--target-size", "Fit the result into this size: '1200 800' or 1200x800.", _API, metavar="SIZE"),
]
VerticalAlignment = Annotated[
    str | None,
    _option("--vertical-alignment", "In a target size: top, middle or bottom.", _API, metavar="WHERE"),
]
OutputFormat = Annotated[
    str | None,
    _option(
        "--output-format",
        "auto (PNG; JPEG with a background), png, jpeg or delta_png.",
        _API,
        metavar="FORMAT",
    ),
]
JpegQuality = Annotated[str | None, _option("--jpeg-quality", "1 to 100; 75 unless told.", _API, metavar="N")]
ViaDelta = Annotated[
    bool, _option("--via-delta", "Download small Delta PNGs and rebuild the full PNGs here.", _API)
]

ConcurrencyStart = Annotated[int, _option("--concurrency-start", "Workers at the start.", _PACE, min=1)]
ConcurrencyMax = Annotated[int, _option("--concurrency-max", "Most workers at once.", _PACE, min=1)]
RampInterval = Annotated[
    float,
    _option(
        "--ramp-interval",
        "One more worker each time this has passed; 0: all at once.",
        _PACE,
        parser=duration,
        metavar="TIME",
    ),
]
BackoffStep = Annotated[
    float,
    _option(
        "--backoff-step",
        "At 429 a worker waits once, twice, ... this long.",
        _PACE,
        parser=duration,
        metavar="TIME",
    ),
]
IdleTimeout = Annotated[
    float,
    _option(
        "--idle-timeout",
        "Give a request up when no byte moved for this long.",
        _PACE,
        parser=duration,
        metavar="TIME",
    ),
]
Retries = Annotated[
    int, _option("--retries", "Times to try again when the service is unavailable.", _PACE, min=0)
]
GiveUpAfter = Annotated[
    float,
    _option(
        "--give-up-after",
        "End the run when the service fails for everyone for this long.",
        _PACE,
        parser=duration,
        metavar="TIME",
    ),
]

MaxCredits = Annotated[
    Decimal | None,
    _option(
        "--max-credits", "Most credits to spend in this ledger, ever.", _MONEY, parser=credit, metavar="N"
    ),
]
MaxCreditsPerRun = Annotated[
    Decimal | None,
    _option(
        "--max-credits-per-run", "Most credits to spend in this run.", _MONEY, parser=credit, metavar="N"
    ),
]
MaxCreditsPerDay = Annotated[
    Decimal | None,
    _option("--max-credits-per-day", "Most credits to spend today.", _MONEY, parser=credit, metavar="N"),
]
InDoubt = Annotated[
    str,
    _option(
        "--in-doubt",
        "Images that may have been charged without a result: hold, resend or ask.",
        _MONEY,
        metavar="HOW",
    ),
]
Yes = Annotated[bool, _option("--yes", "Never ask.", _MONEY, also=("-y",))]

Include = Annotated[
    list[str] | None,
    _option("--include", "Only inputs that match; may be given often.", _INPUTS, metavar="PATTERN"),
]
Exclude = Annotated[
    list[str] | None,
    _option("--exclude", "No inputs or folders that match; may be given often.", _INPUTS, metavar="PATTERN"),
]
FilesFrom = Annotated[
    str | None,
    _option(
        "--files-from", "A file with more inputs, one a line; - is standard input.", _INPUTS, metavar="FILE"
    ),
]
Nul = Annotated[
    bool, typer.Option("-0", "--null", help="--files-from is separated by NUL.", rich_help_panel=_INPUTS)
]
FollowSymlinks = Annotated[bool, _option("--follow-symlinks", "Enter linked folders.", _INPUTS)]

Overwrite = Annotated[bool, _option("--overwrite", "Replace files that this tool did not make.", _OUTPUTS)]
LedgerPath = Annotated[
    str | None,
    _option("--ledger", "The ledger; DIR/.pixian-batch/ledger.db unless told.", _OUTPUTS, metavar="PATH"),
]
MinFree = Annotated[
    int,
    _option(
        "--min-free",
        "Stop before the disk has less room than this.",
        _OUTPUTS,
        parser=byte_size,
        metavar="SIZE",
    ),
]
Json = Annotated[bool, _option("--json", "One JSON record a line on standard output.", _OUTPUTS)]
Quiet = Annotated[
    bool, _option("--quiet", "Say nothing unless something needs a decision.", _OUTPUTS, also=("-q",))
]
Verbose = Annotated[bool, _option("--verbose", "Say more, of every image.", _OUTPUTS, also=("-v",))]
Color = Annotated[str, _option("--color", "auto, always or never.", _OUTPUTS, metavar="WHEN")]
NoProgress = Annotated[bool, _option("--no-progress", "Plain lines, also on a terminal.", _OUTPUTS)]
LogFile = Annotated[
    str | None, _option("--log-file", "Append what happens to this file.", _OUTPUTS, metavar="FILE")
]

Local = Annotated[
    bool,
    _option("--local", "Use the embedded emulator and its own engine: no account, no network.", _SERVICE),
]
ApiUrl = Annotated[str, _option("--api-url", "Another address of the API.", _SERVICE, metavar="URL")]
