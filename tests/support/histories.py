"""Made-up ledgers of runs at chosen moments: what really happened at another time cannot be waited for."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from support.records import answered, change, ended, sending

from pixian_batch.adapters.ledger import opening, writing
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from pixian_batch.policy.concurrency import ChangeReason

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


class History:
    """Writes a ledger with a run's own statements."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._db = sqlite3.connect(self.path, isolation_level=None)
        opening.create(self._db)
        self._db.execute("BEGIN")
        self._attempt = self._run = 0

    def begin(self, at: float) -> None:
        self._run = writing.begin_run(self._db, iso(at), "1", "pixian")

    def end(self, at: float) -> None:
        writing.end_run(self._db, self._run, iso(at), 0)

    def pace(self, at: float, reason: ChangeReason, allowed: int, resting: int = 0) -> None:
        told = change(reason, at=iso(at), allowed=allowed, in_use=allowed, resting=resting)
        writing.write_concurrency(self._db, self._run, told)

    def image(
        self,
        at: float,
        charged: str | None = "0.25",
        *,
        verdict: Verdict = Verdict.DELIVERED,
        seconds: float = 2.0,
        **more: Any,
    ) -> None:
        """An attempt that ended at a moment. more: of its sending; `calculated` of its answer."""
        self._attempt += 1
        calculated = more.pop("calculated", None)
        writing.write_sending(self._db, self._run, iso(at - seconds), sending(self._attempt, **more))
        if charged is not None or calculated is not None:
            writing.write_answered(self._db, iso(at), self._attempt, answered(charged, calculated))
        writing.write_ended(self._db, iso(at), [(self._attempt, ended(verdict, seconds=seconds))])

    def close(self) -> str:
        self._db.execute("COMMIT")
        self._db.close()
        return self.path
