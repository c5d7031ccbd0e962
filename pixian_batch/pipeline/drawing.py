"""What was asked for, drawn from the full picture that was bought for it (`--keep-master`). Sends nothing.

The master is at its place and written down before anything is drawn. So a run that is killed here, or a disk that is
full, costs nothing: the next run finds the master, and draws.

Proved by tests/money/test_masters.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing import draw_file
from pixian_batch.pipeline.pixel_room import PixelRoom
from pixian_batch.policy.record import Placed

if TYPE_CHECKING:
    from pixian_batch.contract.headers import Box
    from pixian_batch.contract.params import Params, Size
    from pixian_batch.pipeline.finishing import Finisher
    from pixian_batch.pipeline.job import Job
    from pixian_batch.policy.decision import AtHand

_USUAL: Final = 12_000_000
"""Pixels of a photo whose size is not told."""


@dataclass(slots=True, kw_only=True)
class Drawing:
    """`await drawing.draw(job, master)`."""

    params: Params
    finisher: Finisher
    room: PixelRoom = field(default_factory=PixelRoom)

    async def draw(self, job: Job, master: AtHand) -> tuple[Size, Box]:
        """Draw the result of `job`, bring it to its place, write that down; its size, and where its foreground is.

        Raises `DrawError`, `DiskError`, `LedgerError`.
        """
        finisher, file = self.finisher, self.finisher.aside(job)
        path = finisher.landing.path(master.place)
        async with self.room.turn(job.pixels or _USUAL):
            drawn = await asyncio.to_thread(draw_file, path, self.params, file)
        async with finisher.rounds:
            size = await finisher.put_made(file, job)
            placed = Placed(job.result_key, size)
            await finisher.ledger.drawn(job.input, job.place, placed, of=master.key)
        return drawn
