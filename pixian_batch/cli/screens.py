"""Which displays a run gets: a live view on a terminal, plain lines elsewhere, records on standard output."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixian_batch.display.plain import Plain
from pixian_batch.display.several import Several

if TYPE_CHECKING:
    from rich.console import Console

    from pixian_batch.display.live import Live
    from pixian_batch.display.log import Logged
    from pixian_batch.display.records import Records
    from pixian_batch.pipeline.run import Watcher


@dataclass(frozen=True, slots=True)
class Screens:
    """What the user wants to see. again: the command line, for the advice at the end."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    progress: bool = True
    color: str = "auto"
    log_file: str | None = None
    again: str = ""


def watcher(screens: Screens) -> Watcher:
    """The displays, as one."""
    watchers: list[Live | Plain | Logged | Records] = [_for_people(screens)]
    if screens.log_file:
        from pixian_batch.display.log import Logged  # noqa: PLC0415

        watchers.append(Logged(screens.log_file))
    if screens.json:
        from pixian_batch.display.records import Records  # noqa: PLC0415

        watchers.append(Records(sys.stdout))
    return Several(*watchers)


def _for_people(screens: Screens) -> Live | Plain:
    # Records on the same terminal would tear the live frame.
    torn = screens.json and sys.stdout.isatty()
    live = screens.progress and not screens.quiet and not torn
    if live:
        from pixian_batch.display.live import Live, suits  # noqa: PLC0415  # rich, only for a terminal

        if suits(console := make_console(screens)):
            return Live(console, again=screens.again)
    return Plain(sys.stderr, quiet=screens.quiet, again=screens.again)


def make_console(screens: Screens) -> Console:
    """A console on standard error. rich itself honours NO_COLOR, FORCE_COLOR and TERM."""
    from rich.console import Console  # noqa: PLC0415  # as above

    return Console(
        stderr=True,
        no_color=True if screens.color == "never" else None,
        force_terminal=True if screens.color == "always" else None,
        highlight=False,
    )
