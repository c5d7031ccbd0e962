"""A result that a run is about to replace is kept first: a link or copy by its image's key, and the ledger knows it.

So going back to it is free, and at no moment is there neither the old result nor the new one.

Proved by tests/money/test_replace.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixian_batch.adapters.landing import kept_place
from pixian_batch.policy.record import Key, Placed

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.policy.record import Stands


@dataclass(frozen=True, slots=True)
class Keeping:
    """`await keeping.keep(place, stands)` before another result comes to `place`. Raises `DiskError`, `LedgerError`."""

    ledger: Ledger
    landing: Landing

    async def keep(self, place: str, stands: Stands, *, again: int = 0) -> None:
        """Keep what stands at `place`. again: the attempt that bought it, when the same is bought once more."""
        key, size = Key(*stands[:2]), stands[2]
        kept = kept_place(key, place, again)
        if await asyncio.to_thread(self.landing.size, place) != size:
            return  # gone meanwhile
        if again:
            await self.landing.keep(place, kept)
            return
        if (kept, size) in await self.ledger.places_of(key) and self.landing.size(kept) == size:
            return
        await self.landing.keep(place, kept)
        await self.ledger.kept(kept, Placed(key, size))
