"""How the small commands speak: results on standard output, one line of what went wrong and what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import typer

from pixian_batch.display.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def fail(message: str, hint: str, *, code: int) -> NoReturn:
    """End the command with an error and what to do about it."""
    sys.stderr.write(f"error: {printable(message)}\n")
    if hint:
        sys.stderr.write(f"  {printable(hint)}\n")
    raise typer.Exit(code)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def say(lines: Iterable[str]) -> None:
    """Results, on standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
