"""Commands about a finished or running run: where its ledger lies, and how its errors are told."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pixian_batch.adapters.ledger import LedgerDamagedError, LedgerError, LedgerInUseError, default_path
from pixian_batch.cli.shared import fail
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator


def ledger_path(out: str, ledger: str | None) -> str:
    """Where the ledger lies."""
    return ledger or default_path(out)


@contextmanager
def ledger_errors() -> Iterator[None]:
    """The ledger's errors as one line and an exit code."""
    try:
        yield
    except LedgerInUseError as error:
        fail(str(error), "wait for that run to end", code=Exit.LEDGER_IN_USE)
    except LedgerDamagedError as error:
        fail(str(error), "keep the file; the next run says what can be done", code=Exit.DISK)
    except sqlite3.DatabaseError as error:
        fail(
            f"the ledger cannot be read: {error}",
            "keep the file; the next run says what can be done",
            code=Exit.DISK,
        )
    except LedgerError as error:
        fail(str(error), "name the output folder of a run, or use --ledger", code=Exit.USAGE)
