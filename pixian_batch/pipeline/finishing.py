"""From a synced body to the result at its place: rebuild a delta if asked, rename, record.

Everything here can be done again for free: the body stays where it is until the result is safe.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pixian_batch.policy.record import Key, Placed

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger


class RebuildError(Exception):
    """A delta that does not fit its original. The delta is kept: nothing that was paid for is lost."""


@dataclass(frozen=True, slots=True)
class Received:
    """A body that is safe, and what it is the result of. orientation: as the service said it."""

    key: Key
    input: str
    place: str
    body: str
    rebuild: bool
    orientation: int | None


@dataclass(slots=True)
class Finisher:
    """`await finish(received)`: raises `DiskError`, `LedgerError`, `RebuildError`."""

    ledger: Ledger
    landing: Landing

    async def finish(self, received: Received) -> int:
        """Bring a result to its place and write that down; its size in bytes."""
        if received.rebuild:
            size = await self._rebuild(received)
        else:
            size = await self.landing.put(received.body, received.place)
        await self.ledger.placed(received.input, received.place, Placed(received.key, size))
        return size

    async def _rebuild(self, received: Received) -> int:
        content = await asyncio.to_thread(_rebuilt, received)
        beside = f"{received.body}.rebuilt"
        await self.landing.write(content, beside)
        size = await self.landing.put(beside, received.place)
        self.landing.remove(received.body)
        return size


def _rebuilt(received: Received) -> bytes:
    from pixian_batch.imaging.delta import rebuild  # noqa: PLC0415  # numpy, only where deltas are bought
    from pixian_batch.imaging.errors import ImagingError  # noqa: PLC0415  # as above

    try:
        with open(received.input, "rb") as original, open(received.body, "rb") as delta:
            return rebuild(original, delta, orientation=received.orientation)
    except (ImagingError, OSError) as error:
        raise RebuildError(f"{error}; the delta is kept at {received.body}") from error
