"""What `pixian-batch report` and `run --report` do: where a report goes, what may be replaced, and how it is told."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import typer

from pixian_batch.adapters.ledger import LedgerError, default_path
from pixian_batch.cli.request import choice
from pixian_batch.cli.shared import fail, next_command, say
from pixian_batch.cli.shared_ledger import ledger_errors, ledger_path
from pixian_batch.display.records import named
from pixian_batch.display.shell import shell_word
from pixian_batch.display.text import images, printable
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.statement import By
from pixian_batch.policy.stopping import Exit
from pixian_batch.review.asking import options_of
from pixian_batch.review.building import ReportMade, ReportOrder, TooManyError, build
from pixian_batch.review.links import file_address
from pixian_batch.review.page_file import ReviewMissingError, check_jinja, is_page
from pixian_batch.review.remembering import MemoryFileError, is_ours
from pixian_batch.review.subject import Subject

if TYPE_CHECKING:
    from pixian_batch.cli.commands.report import ReportOptions
    from pixian_batch.pipeline.spec import Outputs

INSIDE: Final = ".pixian-batch"
_SIGNALS: Final = 128
"""Exit codes above it are of signals: who stops a run does not want to wait for its report."""
_EVERY: Final = 10
"""Pictures between two words about how it stands."""


def record(made: ReportMade) -> dict[str, Any]:
    """As `--json` writes it."""
    return {"v": 1, "type": "report", **asdict(made), **named("page", made.page)}


def make(options: ReportOptions) -> ReportMade:
    """Make the report; ends the command where that cannot be."""
    check_extra()
    by = choice(By, options.by, "--by")
    if options.depth is not None and by is not By.FOLDER:
        raise typer.BadParameter("--depth goes with --by folder")
    subject = _subject(options.out, options.ledger)
    folder, page = _targets(options)
    order = ReportOrder(
        subject=subject,
        folder=folder,
        page=page,
        redo=_redo(subject, options.ledger),
        copy=_copy(subject.out),
        inline=options.inline,
        against=None if options.against is None else _subject(options.against, None),
        by=by,
        depth=options.depth,
    )
    return _built(order)


def follow(outputs: Outputs, code: int, *, quiet: bool) -> None:
    """The report of a run that has ended, at its usual place. What goes wrong here is said, and changes no exit code."""
    usual = default_path(outputs.out)
    ledger = None if outputs.ledger == usual else outputs.ledger
    if code > _SIGNALS:
        if not quiet:
            again = next_command("report", outputs.out, ledger)
            sys.stderr.write(f"the run was stopped, so no report was made; {again} makes it\n")
        return
    subject = Subject(outputs.out, outputs.ledger)
    folder = os.path.join(outputs.out, INSIDE, "report")
    page, redo = os.path.join(folder, "index.html"), _redo(subject, ledger)
    order = ReportOrder(subject=subject, folder=folder, page=page, redo=redo, copy=_copy(outputs.out))
    try:
        made = build(order, _told)
    except OSError as error:
        sys.stderr.write(f"warning: the report could not be made: {system_word(error)}\n")
        return
    except (LedgerError, MemoryFileError) as error:
        sys.stderr.write(printable(f"warning: the report could not be made: {error}") + "\n")
        return
    if not quiet:
        sys.stderr.write(f"report: {printable(made.page)}\n")


def check_extra() -> None:
    """End the command where the extra is missing."""
    try:
        check_jinja()
    except ReviewMissingError as error:
        fail(str(error), error.hint, code=Exit.USAGE)


def tell(made: ReportMade) -> None:
    """The page's path on standard output, the rest beside it."""
    words = [images(made.pictures), f"{made.suspect:,} suspect", f"{made.fresh:,} looked at now"]
    if made.unreadable:
        words.append(f"{made.unreadable:,} cannot be read")
    sys.stderr.write(", ".join(words) + "\n")
    say([printable(made.page)])


def open_in_browser(made: ReportMade) -> None:
    """Open the page, or say how."""
    import webbrowser  # only where it is asked for

    address = file_address(made.page)
    if not webbrowser.open(address):
        sys.stderr.write(f"warning: no browser could be started; open {address}\n")


def _subject(out: str, ledger: str | None) -> Subject:
    path = ledger_path(out, ledger)
    if not os.path.isdir(out):
        fail(f"{out} is no folder", "name the output folder of the runs", code=Exit.USAGE)
    return Subject(out, path)


def _built(order: ReportOrder) -> ReportMade:
    try:
        with ledger_errors():
            return build(order, _told)
    except TooManyError as error:
        fail(str(error), error.hint, code=Exit.USAGE)
    except MemoryFileError as error:
        fail(f"{order.folder}: {error}", "name another place: --to DIR", code=Exit.DISK)
    except OSError as error:
        fail(f"{order.page}: {system_word(error)}", "name another place: --to DIR", code=Exit.DISK)


# --- where it goes -----------------------------------------------------------------------------------------------


def _targets(options: ReportOptions) -> tuple[str, str]:
    """The folder of the thumbnails, and the page. Raises `BadParameter` for what must not be replaced."""
    usual = os.path.join(options.out, INSIDE, "report")
    if options.inline:
        page = options.to or f"{usual}.html"
        _check_file(page)
        return usual, page
    folder = options.to or usual
    _check_folder(folder)
    return folder, os.path.join(folder, "index.html")


def _check_file(page: str) -> None:
    if not page.lower().endswith((".html", ".htm")) or os.path.isdir(page):
        raise typer.BadParameter(f"--to {page}: with --inline the report is one file; name it *.html")
    if not os.path.isdir(os.path.dirname(os.path.abspath(page))):
        raise typer.BadParameter(f"--to {page}: name a file in a folder that is there")
    if os.path.lexists(page) and not is_page(page):
        raise typer.BadParameter(f"--to {page}: is there already, and is no report; name another file")


def _check_folder(folder: str) -> None:
    if not os.path.lexists(folder):
        return
    if not os.path.isdir(folder):
        raise typer.BadParameter(f"--to {folder}: is a file; name a folder, or add --inline")
    if os.listdir(folder) and not is_ours(folder):
        raise typer.BadParameter(
            f"--to {folder}: holds other files, and no report; name a new or an empty folder"
        )


# --- what it says ------------------------------------------------------------------------------------------------


def _redo(subject: Subject, ledger: str | None) -> Any:
    """Makes the command that buys results of some parameters once more, from a list."""
    out = os.path.abspath(subject.out)
    where = ["--out", out, *(["--ledger", os.path.abspath(ledger)] if ledger is not None else [])]

    def command(parameters: str) -> str:
        words = map(shell_word, [*where, *options_of(parameters)])
        return " ".join(["pixian-batch redo --files-from LIST", *words])

    return command


def _copy(out: str) -> str:
    return f"rsync -a --files-from=accept.txt {shell_word(os.path.abspath(out) + os.sep)} ./accepted/"


def _told(number: int, total: int) -> None:
    """How it stands, for a person who waits."""
    if sys.stderr.isatty() and (number % _EVERY == 0 or number == total):
        end = "\n" if number == total else ""
        sys.stderr.write(f"\rlooking at new pictures: {number:,} of {total:,}{end}")
        sys.stderr.flush()
