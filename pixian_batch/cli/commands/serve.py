"""`pixian-batch serve`: the emulator on this machine, until Ctrl-C.

Ctrl-C and SIGTERM are how a server is meant to end: the exit code is 0 for both.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sys
from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from enum import EnumType, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, get_origin

import typer

from pixian_batch.adapters import running
from pixian_batch.cli.options import takes
from pixian_batch.cli.shared import fail
from pixian_batch.cli.values import credit
from pixian_batch.display.text import visible
from pixian_batch.emulator.reading import lay_over, options_of, read_file
from pixian_batch.emulator.settings import EmulatorSettings
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from pixian_batch.emulator.reading import Option
    from pixian_batch.emulator.server import Emulator

_SERVER: Final = "Server"


def _option(panel: str, name: str, help_: str, *, metavar: str | None = None, **more: Any) -> Any:
    """An option with the environment variable that its name gives."""
    return typer.Option(
        "--" + name.replace("_", "-"),
        help=help_,
        metavar=metavar,
        rich_help_panel=panel,
        envvar=f"PIXIAN_BATCH_SERVE_{name.upper()}",
        show_envvar=False,
        show_default=False,
        **more,
    )


def _one_of(choices: type[StrEnum]) -> Any:
    def read(text: str) -> StrEnum:
        if text not in set(choices):
            raise typer.BadParameter(f"{text!r} is none of {', '.join(choices)}")
        return choices(text)

    return read


def _field(option: Option) -> tuple[str, Any, None]:
    """An option of the emulator as a field that typer reads; None is what is not given."""
    kind, more = option.kind, {}
    if isinstance(kind, EnumType):
        kind, more = str, {"parser": _one_of(option.kind)}
    elif kind is Decimal:
        more = {"parser": credit}
    elif get_origin(kind) is tuple:
        kind = list[str]
    parameter = _option(option.group, option.name, option.help, metavar=option.metavar, **more)
    return option.name, Annotated[kind | None, parameter], None


@dataclass(frozen=True, kw_only=True)
class _Listening:
    """Options that are no settings of the emulator. `weather`: the file of settings."""

    host: Annotated[
        str, _option(_SERVER, "host", "Where to listen; 127.0.0.1 unless told.", metavar="HOST")
    ] = "127.0.0.1"
    port: Annotated[
        int, _option(_SERVER, "port", "8080 unless told; 0 takes a free one.", min=0, max=65535)
    ] = 8080
    weather: Annotated[
        str | None,
        _option(_SERVER, "weather", "A TOML file with weather and any other setting.", metavar="FILE"),
    ] = None


_Options: Final = make_dataclass(
    "_Options", map(_field, options_of(EmulatorSettings)), bases=(_Listening,), frozen=True, kw_only=True
)


@takes(_Options)
def serve(options: _Listening) -> None:
    """Serve the Pixian API on this machine, to rehearse without spending. Ctrl-C ends it, with exit code 0.

    Example: pixian-batch serve --port 8080 --engine plain --fail-rate 0.02
    """
    settings = _settings(options)
    with contextlib.suppress(KeyboardInterrupt):  # before our own handler was there
        running.run(_live(settings, options.host, options.port))


def _settings(options: _Listening) -> EmulatorSettings:
    """The settings that the file and the options give; ends the command when they cannot be meant."""
    given = vars(options)
    if given["api_id"] is not None:
        # A secret is never an option's value.
        given = given | {"api_secret": os.environ.get("PIXIAN_BATCH_SERVE_SECRET", "")}
    try:
        base = EmulatorSettings()
        if options.weather is not None:
            base = read_file(EmulatorSettings, Path(options.weather))
        return lay_over(base, given)
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
    reason = error.strerror or str(error)
    if error.errno in {errno.EADDRINUSE, errno.EACCES} and not error.filename:
        fail(f"{host}:{port}: {reason}", "choose another --port; 0 takes a free one", code=Exit.USAGE)
    fail(
        f"{error.filename or host}: {reason}",
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
        f"  {visible(curl)}",
        f"  pixian-batch photos --out cut --api-url {emulator.url}",
        f"The bill: {emulator.origin}/emulator/bill",
    ]
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def _farewell(emulator: Emulator) -> str:
    totals = emulator.bill.totals
    credit_facts = f"{totals.charged:f} credits charged, {emulator.account.balance:f} left"
    return f"Stopped. {totals.requests:,} requests, {totals.delivered:,} results delivered, {credit_facts}."
