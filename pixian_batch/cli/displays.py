"""Which displays a run gets: a live view on a terminal, plain lines elsewhere, records on standard output."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pixian_batch.adapters.clock import now
from pixian_batch.adapters.credentials import hide_secrets
from pixian_batch.display.plain import Plain
from pixian_batch.display.watchers import Watchers

if TYPE_CHECKING:
    from rich.console import Console

    from pixian_batch.display.ci.watching import CiFiles
    from pixian_batch.display.live import Live
    from pixian_batch.policy.progress import Watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayOptions:
    """What the user wants to see. again: the command line, for the advice at the end."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    progress: bool = True
    color: str = "auto"
    log_file: str | None = None
    again: str = ""
    log_json: bool = False
    metrics_file: str | None = None
    ci: str = "none"
    """The CI server whose log this is: `github`, `gitlab` or `none`."""
    ci_files: CiFiles | None = None


def watcher(screens: DisplayOptions) -> Watchers:
    """The displays, as one."""
    watchers: list[Watcher] = [_for_people(screens)]
    if screens.log_file:
        from pixian_batch.display.log import Logged

        watchers.append(Logged(screens.log_file, as_json=screens.log_json, redacted=hide_secrets))
    if screens.metrics_file:
        from pixian_batch.display.metrics import Metrics

        watchers.append(Metrics(screens.metrics_file, now=_seconds))
    if screens.json:
        from pixian_batch.display.records import Records

        watchers.append(Records(sys.stdout))
    if screens.ci_files is not None:
        from pixian_batch.cli.ci import ci_watcher

        watchers.append(ci_watcher(screens.ci_files, screens.again))
    return Watchers(*watchers)


def _seconds() -> float:
    """Since 1970, UTC."""
    return datetime.fromisoformat(now()).timestamp()


def _for_people(screens: DisplayOptions) -> Live | Plain:
    if screens.ci != "none":
        from pixian_batch.cli.ci import ci_log

        return ci_log(screens.ci, screens, _seconds)
    # Records on the same terminal would tear the live frame.
    torn = screens.json and sys.stdout.isatty()
    live = screens.progress and not screens.quiet and not torn and not screens.verbose
    if live:
        from pixian_batch.display.live import Live, suits  # rich, only for a terminal
        from pixian_batch.display.terminal import Terminal

        if suits(console := make_console(screens)):
            return Live(console, again=screens.again, terminal=Terminal.of(os.environ))
    return Plain(sys.stderr, quiet=screens.quiet, verbose=screens.verbose, again=screens.again)


def make_console(screens: DisplayOptions) -> Console:
    """A console on standard error. rich itself honours NO_COLOR, FORCE_COLOR and TERM."""
    from rich.console import Console

    for name in ("COLUMNS", "LINES"):
        if not os.environ.get(name, "1").strip("0"):  # a serial line's, say: rich would draw nothing
            del os.environ[name]
    return Console(
        stderr=True,
        no_color=True if screens.color == "never" else None,
        force_terminal=True if screens.color == "always" else None,
        highlight=False,
    )
