"""How much there is: counts the inputs beside the run, and says when the results will hardly fit on the disk.

Proved by tests/cli/test_room.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.walking import size_of
from pixian_batch.policy.left_out import LeftOut
from pixian_batch.policy.progress import Level, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.walking import Walked
    from pixian_batch.pipeline.progress import Progress

_ENOUGH_RESULTS: Final = 20
"""Results from which the size of the next ones can be told."""


@dataclass(slots=True, kw_only=True)
class Survey:
    """`run` beside the pool. walk: all inputs, names only, as long as it is told to go on; listed: their list file, if any."""

    ledger: Ledger
    landing: Landing
    progress: Progress
    walk: Callable[[LeftOut, Callable[[], bool]], Iterator[Walked]]
    listed: str | None
    _counting: asyncio.Task[None] | None = None
    _closed: bool = False
    _done_before: int = 0
    _room_checked: bool = False

    async def run(self, work: asyncio.Event) -> None:
        """Count the inputs once one needs work, and look whether all results will fit on the disk.

        A run over what is done walks once only: its end is near, and then the total is known.
        """
        with contextlib.suppress(LedgerError):
            self.landing.results, self.landing.result_bytes = await self.ledger.result_sizes()
        self._done_before = self.landing.results
        await work.wait()
        self._counting = asyncio.ensure_future(self._count())
        await self._counting
        self.check_room()

    async def close(self, patience: float) -> None:
        """Count no more, unless that is done within `patience` seconds: a run that was stopped says how much is left."""
        if self._counting is not None and patience:
            await asyncio.wait({self._counting}, timeout=patience)
        self._closed = True

    def check_room(self) -> None:
        """Say it when the results to come will hardly fit, as soon as their number and size can be told."""
        if not self.progress.counted or self.landing.results < _ENOUGH_RESULTS or self._room_checked:
            return
        self._room_checked = True
        left = self.progress.expected - max(self._done_before, self.progress.tally.ended)
        if short := self.landing.shortage(max(0, left)):
            self.progress.watcher.notify(_shortage(*short))

    async def _count(self) -> None:
        """The total, for the display. A list from a pipe can be read only once: no total then."""
        if self.listed is not None and not await asyncio.to_thread(os.path.isfile, self.listed):
            return
        left_out = LeftOut()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._add_all, left_out)
            self.progress.passed_by(left_out)
            self.progress.all_surveyed()

    def _add_all(self, left_out: LeftOut) -> None:
        """Blocking; for a thread."""
        for walked in self.walk(left_out, lambda: not self._closed):
            if self._closed:
                break
            self.progress.surveyed += size_of(walked)
        if self._closed:
            raise InterruptedError


def _shortage(needed: int, free: int) -> Message:
    return Message(
        Level.WARNING,
        f"the results will need about {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free",
        "make room: the run stops before the disk is full, and goes on when run again",
    )
