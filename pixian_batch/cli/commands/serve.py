"""`pixian-batch serve`: the emulator on this machine, until Ctrl-C.

Ctrl-C and SIGTERM are how a server is meant to end: the exit code is 0 for both.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pixian_batch.cli.shared import fail
from pixian_batch.cli.values import credit
from pixian_batch.display.text import printable
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.emulator.server import Emulator
    from pixian_batch.emulator.settings import EmulatorSettings

_SERVER, _ACCOUNT, _WEATHER = "Server", "Account", "Weather"
_ENGINES = ("u2netp", "plain", "canned")
_PACKS = ("active", "dormant", "none")


def _option(panel: str, *names: str, **more: Any) -> Any:
    envvar = "PIXIAN_BATCH_SERVE_" + names[0].lstrip("-").upper().replace("-", "_")
    return typer.Option(
        *names, rich_help_panel=panel, envvar=envvar, show_envvar=False, show_default=False, **more
    )


def _one_of(choices: tuple[str, ...]) -> Any:
    def read(text: str) -> str:
        if text not in choices:
            raise typer.BadParameter(f"{text!r} is none of {', '.join(choices)}")
        return text

    return read


Host = Annotated[
    str, _option(_SERVER, "--host", metavar="HOST", help="Where to listen; 127.0.0.1 unless told.")
]
Port = Annotated[
    int, _option(_SERVER, "--port", min=0, max=65535, help="8080 unless told; 0 takes a free one.")
]
File = Annotated[
    Path | None,
    _option(_SERVER, "--weather", metavar="FILE", help="A TOML file with weather and any other setting."),
]
Engine = Annotated[
    str | None,
    _option(
        _SERVER,
        "--engine",
        metavar="NAME",
        parser=_one_of(_ENGINES),
        help="u2netp (cuts the subject out), plain (an ellipse, every parameter), canned (grey, very fast).",
    ),
]
AllowFetch = Annotated[
    list[str] | None,
    _option(
        _SERVER,
        "--allow-fetch",
        metavar="HOST[:PORT]",
        help="Let image.url be fetched from this host of your own network; may be given often.",
    ),
]
BillFile = Annotated[
    Path | None, _option(_SERVER, "--bill-file", metavar="FILE", help="Keep the bill in this file too.")
]
TlsCert = Annotated[
    Path | None, _option(_SERVER, "--tls-cert", metavar="FILE", help="Serve HTTPS: certificate.")
]
TlsKey = Annotated[Path | None, _option(_SERVER, "--tls-key", metavar="FILE", help="Serve HTTPS: its key.")]
ApiId = Annotated[
    str | None,
    _option(
        _ACCOUNT,
        "--api-id",
        metavar="ID",
        help="The only id that is let in, with PIXIAN_BATCH_SERVE_SECRET as its secret. Any pair unless told.",
    ),
]
Free = Annotated[bool | None, _option(_ACCOUNT, "--free", help="Charge nothing.")]
Pack = Annotated[
    str | None,
    _option(
        _ACCOUNT, "--pack-state", metavar="STATE", parser=_one_of(_PACKS), help="active, dormant or none."
    ),
]
Credits = Annotated[
    Decimal | None,
    _option(
        _ACCOUNT,
        "--credits",
        metavar="N",
        parser=credit,
        help="402 once these are spent; endless unless told.",
    ),
]
Seed = Annotated[
    int | None, _option(_WEATHER, "--seed", metavar="N", help="The same seed, the same weather.")
]
Latency = Annotated[
    float | None, _option(_WEATHER, "--latency", metavar="SECONDS", help="Answers take this long.")
]
Sigma = Annotated[
    float | None,
    _option(_WEATHER, "--latency-sigma", metavar="N", help="Spread of the latency (log-normal)."),
]
RateLimit = Annotated[
    float | None, _option(_WEATHER, "--rate-limit", metavar="N", help="429 above so many requests a second.")
]
Burst = Annotated[
    int | None, _option(_WEATHER, "--burst", metavar="N", help="Requests that may come at once.")
]
Concurrent = Annotated[
    int | None, _option(_WEATHER, "--concurrent-limit", metavar="N", help="429 above so many at once.")
]
RetryAfter = Annotated[
    int | None, _option(_WEATHER, "--retry-after", metavar="SECONDS", help="Send this with every 429.")
]
FailRate = Annotated[
    float | None, _option(_WEATHER, "--fail-rate", metavar="P", help="This part of the requests answers 500.")
]
Faults = Annotated[
    list[str] | None,
    _option(
        _WEATHER,
        "--fault",
        metavar="FAULT=P",
        help="cut_body=0.05, or error_503/10 for every tenth; may be given often.",
    ),
]
Script = Annotated[
    list[str] | None,
    _option(
        _WEATHER, "--script", metavar="FAULT", help="The first requests' faults, in order; fair for none."
    ),
]


def serve(  # noqa: PLR0913  # a command's signature is its list of options
    *,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    weather: File = None,
    engine: Engine = None,
    allow_fetch: AllowFetch = None,
    bill_file: BillFile = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    api_id: ApiId = None,
    free: Free = None,
    pack_state: Pack = None,
    credits_: Credits = None,
    seed: Seed = None,
    latency: Latency = None,
    latency_sigma: Sigma = None,
    rate_limit: RateLimit = None,
    burst: Burst = None,
    concurrent_limit: Concurrent = None,
    retry_after: RetryAfter = None,
    fail_rate: FailRate = None,
    fault: Faults = None,
    script: Script = None,
) -> None:
    """Serve the Pixian API on this machine, to rehearse without spending. Ctrl-C ends it, with exit code 0.

    Example: pixian-batch serve --port 8080 --engine plain --fail-rate 0.02
    """
    said = dict(locals())
    settings = _settings(said)
    with contextlib.suppress(KeyboardInterrupt):  # before our own handler was there
        asyncio.run(_live(settings, host, port))


_SERVE_FLAGS = ("engine", "api_id", "free", "pack_state", "bill_file", "tls_cert", "tls_key")
_WEATHER_FLAGS = (
    *("seed", "latency", "latency_sigma", "rate_limit", "burst", "concurrent_limit", "retry_after"),
    "fail_rate",
)


def _settings(said: dict[str, Any]) -> EmulatorSettings:
    """The settings that the flags and the file give; ends the command when they cannot be meant."""
    from pixian_batch.emulator.flags import ServeFlags, WeatherFlags, settings_from_flags
    from pixian_batch.emulator.settings import EngineName, PackState  # only for this command

    flags = {name: said[name] for name in _SERVE_FLAGS}
    flags["engine"] = flags["engine"] and EngineName(flags["engine"])
    flags["pack_state"] = flags["pack_state"] and PackState(flags["pack_state"])
    if flags["api_id"] is not None:
        # A secret is never an option's value.
        flags["api_secret"] = os.environ.get("PIXIAN_BATCH_SERVE_SECRET", "")
    try:
        return settings_from_flags(
            ServeFlags(
                **flags,
                file=said["weather"],
                credits=said["credits_"],
                allow_fetch=tuple(said["allow_fetch"] or ()),
            ),
            WeatherFlags(
                **{name: said[name] for name in _WEATHER_FLAGS},
                faults=tuple(said["fault"] or ()),
                script=tuple(said["script"] or ()),
            ),
        )
    except (ValueError, OSError) as error:
        fail(str(error), "see: pixian-batch serve --help", code=Exit.USAGE)


async def _live(settings: EmulatorSettings, host: str, port: int) -> None:
    from pixian_batch.adapters.signals import listen  # not for --help
    from pixian_batch.emulator.engine import EngineMissingError
    from pixian_batch.emulator.server import Emulator  # aiohttp

    try:
        emulator = Emulator(settings, host=host, port=port)
        over = asyncio.Event()
        with listen(lambda _number: over.set()):
            async with emulator:
                _greet(emulator, settings)
                await over.wait()
    except EngineMissingError as error:
        fail(str(error), "or use --engine plain, which needs nothing more", code=Exit.USAGE)
    except OSError as error:
        _cannot_open(error, host, port)
    sys.stderr.write(_farewell(emulator) + "\n")


def _cannot_open(error: OSError, host: str, port: int) -> NoReturn:
    """A port, a certificate or a bill file that cannot be opened."""
    said = error.strerror or str(error)
    if error.errno in {errno.EADDRINUSE, errno.EACCES} and not error.filename:
        fail(f"{host}:{port}: {said}", "choose another --port; 0 takes a free one", code=Exit.USAGE)
    fail(
        f"{error.filename or host}: {said}",
        "check --host, --tls-cert, --tls-key and --bill-file",
        code=Exit.USAGE,
    )


def _greet(emulator: Emulator, settings: EmulatorSettings) -> None:
    """The address alone on standard output, for scripts; the rest is for people."""
    user = f"{settings.api_id}:SECRET" if settings.api_id else "any:any"
    curl = f"curl {emulator.url}/remove-background -u {user} -F image=@photo.jpg -o cut.png"
    sys.stdout.write(f"{emulator.url}\n")
    sys.stdout.flush()
    lines = [
        f"Serving the Pixian API with the {settings.engine} engine; Ctrl-C ends it.",
        f"  {printable(curl)}",
        f"  pixian-batch photos --out cut --api-url {emulator.url}",
        f"The bill: {emulator.origin}/emulator/bill",
    ]
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def _farewell(emulator: Emulator) -> str:
    totals = emulator.bill.totals
    return f"Stopped. {totals.requests:,} requests, {totals.delivered:,} results delivered, {totals.charged} credits charged."
