"""The ledger of a run, held exclusively: what it promises to have written down when a call returns.

The statements are in `writing`, the questions in `questions`; one thread carries both (`committer`).

Proved by tests/adapters/ledger/test_opening.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pixian_batch.adapters.clock import now
from pixian_batch.adapters.ledger import opening, questions, writing
from pixian_batch.adapters.ledger.base import BaseLedger, answer
from pixian_batch.adapters.ledger.committer import Committer
from pixian_batch.adapters.ledger.migration import STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from filelock import FileLock

    from pixian_batch.adapters.ledger.base import Question
    from pixian_batch.adapters.ledger.migration import Steps
    from pixian_batch.policy.concurrency import ConcurrencyChange
    from pixian_batch.policy.outcome import Problem
    from pixian_batch.policy.record import Answered, Ended, Placed, Sending

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class Ledger(BaseLedger):
    """All methods but `open` are for the event loop, and raise `LedgerError`."""

    path: str
    _committer: Committer
    _lock: FileLock
    run: int = 0
    _attempts: int = 0

    @classmethod
    async def open(
        cls, path: str, *, create: bool = True, out: str | None = None, steps: Steps = STEPS
    ) -> Ledger:
        """Open or make the ledger at `path`, take its lock, bring an older one up to date.

        A damaged one is rebuilt with what stands in the output folder `out`, and this raises all the same:
        the next opening finds the new one. Without `out` it is left as it is.
        Raises `LedgerInUseError`, `LedgerTooNewError`, `LedgerDamagedError`, `LedgerError`.
        """
        lock = opening.take_lock(path, create=create)
        try:
            connection = opening.connect_or_rebuild(path, out, steps)
        except BaseException:
            lock.release()
            raise
        return cls(
            path, Committer(connection, on_damage=partial(opening.mark_damaged, path, connection)), lock
        )

    async def close(self) -> None:
        """Write what is waiting, close the file, let go of the lock."""
        await self._committer.close()
        self._lock.release()

    async def ask(self, question: Question[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """As `BaseLedger.ask`; in a transaction with whatever is written at the same time."""
        return await self._committer.do(lambda db: answer(db, question, *args, **named))

    async def begin_run(self, *, version: str, service: str) -> None:
        """Write down that a run begins."""
        self.run = await self._committer.do(writing.begin_run, now(), version, service)
        self._attempts = await self.ask(questions.last_attempt)

    async def end_run(self, exit_code: int) -> None:
        """Write down that the run has ended."""
        await self._committer.do(writing.end_run, self.run, now(), exit_code)

    async def balance(self, balance: Decimal, *, after: bool) -> None:
        """Write down what the account holds, before or after the run."""
        await self._committer.do(writing.write_balance, self.run, balance, after=after)

    def next_attempt(self) -> int:
        """A number for an attempt that is about to be written."""
        self._attempts += 1
        return self._attempts

    async def sending(self, sending: Sending) -> None:
        """Durable before the first byte of the request leaves."""
        await self._committer.do(writing.write_sending, self.run, now(), sending)

    async def answered(self, attempt: int, answered: Answered) -> None:
        """Durable before the body is read: the credits are known from here on."""
        await self._committer.do(writing.write_answered, now(), attempt, answered)

    async def ended(self, attempt: int, ended: Ended) -> None:
        """The attempt's verdict."""
        await self.all_ended([(attempt, ended)])

    async def all_ended(self, verdicts: Sequence[tuple[int, Ended]]) -> None:
        """The verdicts of some attempts, all of them or none."""
        if verdicts:
            await self._committer.do(writing.write_ended, now(), verdicts)

    async def placed(self, source: str, place: str, placed: Placed) -> None:
        """The result of `source` stands at `place`."""
        await self.all_placed([(source, place, placed)])

    async def all_placed(self, results: Sequence[tuple[str, str, Placed]]) -> None:
        """Results of some inputs stand at their places, all of them or none: (input, place, what)."""
        if results:
            await self._committer.do(writing.write_placed, results)

    async def kept(self, place: str, placed: Placed) -> None:
        """The result that is about to be replaced is kept at `place` as well."""
        await self._committer.do(writing.write_kept, place, placed)

    async def forget(self, places: Sequence[str]) -> None:
        """Nothing stands at these places any more."""
        await self._committer.do(writing.write_forgotten, places)

    async def lost(self, attempt: int) -> None:
        """The received result of `attempt` is gone."""
        await self._committer.do(writing.write_lost, attempt)

    async def failed(self, source: str, problem: Problem) -> None:
        """Remember why `source` has no result."""
        await self._committer.do(writing.write_failure, self.run, now(), source=source, problem=problem)

    def note_source(self, path: str, size: int, mtime_ns: int, digest: bytes) -> None:
        """Remember the hash of the input at the absolute `path`; nobody waits for it."""
        self._committer.soon(writing.write_source, path, size=size, mtime_ns=mtime_ns, digest=digest)

    def note_concurrency(self, change: ConcurrencyChange) -> None:
        """Remember how many workers may be in use; nobody waits for it."""
        self._committer.soon(writing.write_concurrency, self.run, change)

    async def resolve(self, attempt: int, *, charged: bool) -> None:
        """A person decided about an attempt in doubt: its image may be sent again."""
        await self._committer.do(writing.write_resolution, attempt, now(), charged=charged)
