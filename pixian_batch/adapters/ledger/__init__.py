"""The ledger: an SQLite file beside the results that knows every attempt and every credit. No credentials, ever.

`Ledger` is a run's, under its lock; `reader.LedgerReader` is everybody else's. Both are asked by
`await ledger.ask(question, ...)`, and the questions are functions in `questions`.
"""

from pixian_batch.adapters.ledger.errors import (
    LedgerDamagedError,
    LedgerError,
    LedgerInUseError,
    LedgerMissingError,
    LedgerRebuiltError,
    LedgerTooNewError,
)
from pixian_batch.adapters.ledger.ledger import Ledger
from pixian_batch.adapters.ledger.opening import default_path
from pixian_batch.adapters.ledger.rows import Spent

__all__ = [
    "Ledger",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerInUseError",
    "LedgerMissingError",
    "LedgerRebuiltError",
    "LedgerTooNewError",
    "Spent",
    "default_path",
]
