"""`pixian-batch export`: what was bought, an image a row, or summed for a client's bill; also while a run goes on."""

from __future__ import annotations

import os
import sys
from contextlib import closing, nullcontext
from dataclasses import astuple, dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from pixian_batch.adapters.ledger import statements
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.cli.options import JsonLines, option
from pixian_batch.cli.periods import read_period
from pixian_batch.cli.request import choice
from pixian_batch.cli.shared import LedgerPath, Out, fail, say, table
from pixian_batch.cli.shared_ledger import ledger_errors, ledger_path
from pixian_batch.cli.taking import takes
from pixian_batch.display.statements import statement_cells
from pixian_batch.display.tables import (
    Column,
    Holds,
    ParquetLimitError,
    ParquetMissingError,
    Row,
    check_parquet,
    megapixels,
    write_csv,
    write_json,
    write_parquet,
)
from pixian_batch.display.text import credit_amount, images
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.statement import By, ImageLine, StatementLine, Sums
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

Rows: TypeAlias = "tuple[list[Column], Iterator[Row]]"
_FORMATS: Final = ("parquet", "csv", "json")
_REPLACED: Final = (".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".ndjson")
"""What an export may replace: never a photo, a result or a ledger."""
_SUMS: Final = [
    Column("images", Holds.COUNT),
    Column("free", Holds.COUNT),
    Column("megapixels", Holds.MEGAPIXELS),
    Column("credits_charged", Holds.CREDITS),
    Column("credits_calculated", Holds.CREDITS),
    Column("in_doubt", Holds.COUNT),
    Column("credits_in_doubt", Holds.CREDITS),
    Column("unpriced", Holds.COUNT),
]
_IMAGE: Final = [
    Column("date", Holds.MOMENT),
    Column("input", Holds.NAME),
    Column("output", Holds.NAME),
    Column("status", Holds.WORD),
    Column("megapixels", Holds.MEGAPIXELS),
    Column("credits_charged", Holds.CREDITS),
    Column("credits_calculated", Holds.CREDITS),
    Column("credits_in_doubt", Holds.CREDITS),
    Column("attempts", Holds.COUNT),
    Column("run", Holds.COUNT),
    Column("parameters", Holds.WORD),
    Column("results", Holds.COUNT),
    Column("error", Holds.NAME),
]


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """All options of `export`. context: where each value came from."""

    context: typer.Context
    out: Out
    by: Annotated[
        str | None,
        option("--by", "Sums by folder, day (UTC) or run, as for a client's bill.", metavar="folder|day|run"),
    ] = None
    depth: Annotated[
        int | None, option("--depth", "With --by folder: so many levels of folders.", min=1, metavar="N")
    ] = None
    since: Annotated[
        str | None,
        option(
            "--since",
            "Only what was sent from this month, day or time on: 2026-11, 2026-11-02.",
            metavar="DATE",
        ),
    ] = None
    until: Annotated[
        str | None, option("--until", "Only what was sent up to the end of this one (UTC).", metavar="DATE")
    ] = None
    csv: Annotated[bool, option("--csv", "CSV; images are written so unless told otherwise.")] = False
    parquet: Annotated[bool, option("--parquet", "Parquet; needs the extra of that name.")] = False
    json: JsonLines = False
    to: Annotated[str | None, option("--to", "Write to this file, whole or not at all.", metavar="FILE")] = (
        None
    )
    ledger: LedgerPath = None


@takes(ExportOptions)
def export(options: ExportOptions) -> None:
    """Write what was bought and charged: an image a row, or sums by folder, day or run. Nothing is sent.

    Examples:
    pixian-batch export ./cut --csv --to images.csv
    pixian-batch export ./cut --by folder --depth 1 --since 2026-11 --until 2026-11
    """
    how = _format(options)
    by = _grouping(options)
    period = read_period(options.since, options.until)
    path = ledger_path(options.out, options.ledger)
    _check_target(options.to, path)
    try:
        if how == "parquet":
            _check_parquet(options.to)
        with ledger_errors(), closing(LedgerReader.open(path)) as reader:
            if by is None:
                lines = reader.each(statements.image_lines, period=period)
                # Asked for before anything is opened: a ledger that cannot be read leaves no empty table.
                first = list(islice(lines, 1))
                rows = map(_image_row(options.out), chain(first, lines))
                _write(how or "csv", "export", (_IMAGE, rows), options.to)
            else:
                sums = list(reader.each(statements.statement, by, depth=options.depth, period=period))
                _write_statement(how, sums, by, options.to)
    except (ParquetMissingError, ParquetLimitError) as error:
        fail(str(error), error.hint, code=Exit.USAGE)


def _format(options: ExportOptions) -> str | None:
    """What is asked for on the command line; else what a variable or a file says; None: nothing."""
    wanted = [name for name in _FORMATS if getattr(options, name)]
    source = options.context.get_parameter_source
    typed = [name for name in wanted if getattr(source(name), "name", "") == "COMMANDLINE"]
    if len(typed) > 1:
        raise typer.BadParameter(f"choose one of {', '.join(f'--{name}' for name in typed)}")
    return next(iter([*typed, *wanted]), None)


def _grouping(options: ExportOptions) -> By | None:
    by = None if options.by is None else choice(By, options.by, "--by")
    if options.depth is not None and by is not By.FOLDER:
        raise typer.BadParameter("--depth goes with --by folder")
    return by


def _check_parquet(to: str | None) -> None:
    check_parquet()
    if to is None and sys.stdout.isatty():
        raise typer.BadParameter("--parquet is not for a screen: add --to FILE")


def _check_target(to: str | None, ledger: str) -> None:
    """Raises `BadParameter` for a file that cannot be written, or must not be replaced."""
    if to is None:
        return
    if not os.path.isdir(os.path.dirname(os.path.abspath(to))):
        raise typer.BadParameter(f"--to {to}: name a file in a folder that is there")
    if not os.path.lexists(to):
        return
    if not os.path.isfile(to):
        raise typer.BadParameter(f"--to {to}: is no file; without --to it goes to standard output")
    if not to.lower().endswith(_REPLACED) or os.path.realpath(to) == os.path.realpath(ledger):
        raise typer.BadParameter(f"--to {to}: is there already, and is no table; name another file")


def _write(how: str, kind: str, rows: Rows, to: str | None) -> None:
    columns, each = rows
    try:
        with _target(to) as stream:
            match how:
                case "csv":
                    write_csv(columns, each, stream)
                case "json":
                    write_json(kind, columns, each, stream)
                case _:
                    write_parquet(columns, each, stream)
            stream.flush()
    except OSError as error:
        fail(f"{to or 'standard output'}: {system_word(error)}", "name another --to", code=Exit.DISK)


def _target(to: str | None) -> AbstractContextManager[BinaryIO]:
    if to is None:
        return nullcontext(sys.stdout.buffer)
    from pixian_batch.adapters.whole_file import whole_file  # not for a pipe

    return whole_file(to)


# --- an image a row ------------------------------------------------------------------------------


def _image_row(out: str) -> Any:
    """A function that makes a row of a line."""

    def row(line: ImageLine) -> Row:
        sums = line.sums
        return (
            line.date,
            line.input,
            None if line.place is None else os.path.join(out, *line.place.split("/")),
            line.status,
            None if line.pixels is None else megapixels(line.pixels),
            sums.charged,
            sums.calculated,
            sums.at_most if sums.in_doubt > sums.unpriced else None,
            line.attempts,
            line.run,
            line.parameters,
            line.results,
            line.error,
        )

    return row


# --- sums ----------------------------------------------------------------------------------------


def _write_statement(how: str | None, lines: list[StatementLine], by: By, to: str | None) -> None:
    if how is not None:
        _write(how, "statement", _statement_rows(lines, by), to)
    elif to is not None:
        _write("csv", "statement", _statement_rows(lines, by), to)
    else:
        say(_table(lines, by))


def _statement_rows(lines: list[StatementLine], by: By) -> Rows:
    kind = {By.FOLDER: Holds.NAME, By.DAY: Holds.DAY, By.RUN: Holds.COUNT}[by]
    began = [Column("started_at", Holds.MOMENT)] if by is By.RUN else []
    columns = [Column(by.value, kind), *began, *_SUMS]
    rows = (
        (
            int(line.name) if by is By.RUN else line.name,
            *([line.started_at] if by is By.RUN else []),
            *_sums_row(line.sums),
        )
        for line in lines
    )
    return columns, rows


def _sums_row(sums: Sums) -> Row:
    count, free, pixels, *rest = astuple(sums)
    return (count, free, megapixels(pixels), *rest)


def _table(lines: list[StatementLine], by: By) -> list[str]:
    """For people, with the total, which equals what `status` says of the same ledger."""
    if not lines:
        return ["nothing was sent in that time"]
    whole = sum((line.sums for line in lines), Sums())
    shown = table(statement_cells(lines, by))
    if whole.calculated:
        shown.append(f"{credit_amount(whole.calculated)} credits calculated by free test requests")
    if whole.free:
        shown.append(f"{images(whole.free)} made for free (--test, --local) are not counted")
    if whole.unpriced:
        shown.append(f"of {whole.unpriced:,} in doubt not even the most that it can have cost is known")
    return shown
