"""The charts of a ledger, for a page about it: `charts(reader)`. Draws nothing itself.

Each chart is made of the ledger as it is now, also while a run goes on, in memory that does not grow with it.

Proved by tests/review/test_charts.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pixian_batch.adapters.ledger.statements import statement
from pixian_batch.policy.statement import By
from pixian_batch.review.folder_chart import folder_chart
from pixian_batch.review.svg import Chart

if TYPE_CHECKING:
    from pixian_batch.adapters.ledger.reader import LedgerReader

__all__ = ["Chart", "charts"]


def charts(reader: LedgerReader, *, depth: int = 1) -> tuple[Chart, ...]:
    """All charts, in the order in which they are read. depth: parts of a folder's name that make it one of its own.

    Blocking: it reads the whole ledger. Raises `LedgerError`.
    """
    folders = reader.each(statement, By.FOLDER, depth=depth)
    return (folder_chart(folders),)
