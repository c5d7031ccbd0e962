"""A statement as a table for people: the words of its cells, with the total. Pure.

Proved by tests/cli/test_export.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pixian_batch.display.tables import megapixels
from pixian_batch.display.text import credit_amount, printable
from pixian_batch.policy.statement import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixian_batch.policy.statement import By, StatementLine


def statement_cells(lines: Sequence[StatementLine], by: By) -> list[list[str]]:
    """The head, a row for each line, and the total."""
    heads = [by.value, "images", "megapixels", "credits", "in doubt", "at most"]
    whole = sum((line.sums for line in lines), Sums())
    return [heads, *(_cells(printable(line.name), line.sums) for line in lines), _cells("total", whole)]


def _cells(name: str, sums: Sums) -> list[str]:
    return [
        name,
        f"{sums.images:,}",
        f"{megapixels(sums.pixels):,.2f}",
        credit_amount(sums.charged),
        f"{sums.in_doubt:,}",
        credit_amount(sums.at_most),
    ]
