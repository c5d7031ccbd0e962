"""Results of images that were bought under another name: made from the first one, for free, in rounds of many.

How it works:
1. Whoever finds in the ledger that an image is done says so (`remember`). From then on its other names need no
   claim and no question of their own, only their turn in a round.
2. A round takes all that wait: one question to the ledger for where their results stand, one visit to a thread
   that makes the copies and syncs each folder once, one commit for the places.
3. Rounds never overlap with those of the finisher (`rounds` is one lock for both): so no result is renamed over
   another between the question and the copy, and what is copied is what the ledger says it is.

A duplicate is written down only when it is durable. Proved by tests/pipeline/test_duplicating.py.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing import DiskError, TakenError, Twin
from pixian_batch.policy.outcome import Duplicate, Outcome, Skipped, SkipReason
from pixian_batch.policy.record import Key, Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixian_batch.pipeline.finishing import Finisher

_REMEMBERED: Final = 10_000
"""Images of which it is known that they are done: the latest ones. To forget one costs a question more."""
_LOOKED_AT: Final = 8
"""Places that are looked at first: one image may stand at a million."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result that need not be bought. key: of which image; place: where it is to stand."""

    key: Key
    input: str
    place: str


@dataclass(slots=True)
class _Waiting:
    wanted: Wanted
    future: asyncio.Future[Twin | DiskError | None]


@dataclass(slots=True)
class Duplicates:
    """`await make(wanted)`: its outcome, or None when its result stands nowhere any more.

    Of results with their photos' words (`--keep-metadata`) none is made here: each has content of its own.
    """

    finisher: Finisher
    _done: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    _waiting: list[_Waiting] = field(default_factory=list)
    _going: asyncio.Task[None] | None = None

    def remember(self, key: Key) -> None:
        """This image is done: its result stands somewhere."""
        self._done[key] = None
        self._done.move_to_end(key)
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)

    def knows(self, key: Key) -> bool:
        """Whether this image is known to be done."""
        return key in self._done

    async def make(self, wanted: Wanted) -> Outcome | None:
        """Make it from where it stands, and write that down. Raises `DiskError`, `LedgerError`."""
        waiting = _Waiting(wanted, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._going is None:
            self._going = asyncio.ensure_future(self._go_round())
        made = await waiting.future
        if isinstance(made, DiskError):
            raise made
        if made is None:
            self._done.pop(wanted.key, None)
            return None
        return Duplicate(of=self.finisher.landing.path(made.of)) if made.fresh else Skipped(SkipReason.DONE)

    async def _go_round(self) -> None:
        try:
            while self._waiting:
                async with self.finisher.rounds:
                    waiting, self._waiting = self._waiting, []
                    await self._round(waiting)
        finally:
            self._going = None

    async def _round(self, waiting: list[_Waiting]) -> None:
        """Make all of them; each hears of its own trouble, or of what stopped the round."""
        try:
            made = await self._made([one.wanted for one in waiting])
            twins = [(one.wanted, it) for one, it in zip(waiting, made, strict=True) if isinstance(it, Twin)]
            await self._date([wanted for wanted, twin in twins if twin.fresh])
            await self.finisher.ledger.all_placed(
                [(wanted.input, wanted.place, Placed(wanted.key, twin.size)) for wanted, twin in twins]
            )
        except Exception as error:  # noqa: BLE001  # whoever waits for it tells it
            for one in waiting:
                if not one.future.done():
                    one.future.set_exception(error)
            return
        for one, it in zip(waiting, made, strict=True):
            if not one.future.done():
                one.future.set_result(it)

    async def _date(self, fresh: list[Wanted]) -> None:
        """Give each the date of its own photo, where that is wanted, before it is written down."""
        landing = self.finisher.landing
        await self.finisher.describer.date_all([(one.input, landing.path(one.place)) for one in fresh])

    async def _made(self, wanted: Sequence[Wanted]) -> list[Twin | DiskError | None]:
        """What became of each. No photo is written over that has come to stand at a place meanwhile."""
        taken = await self.finisher.taken([(one.place, one.input) for one in wanted])
        free = [one for one in wanted if one.place not in taken]
        made = dict(zip(free, await self._from_a_few(free), strict=True))
        path = self.finisher.landing.path
        return [TakenError(path(one.place)) if one.place in taken else made[one] for one in wanted]

    async def _from_a_few(self, wanted: Sequence[Wanted]) -> list[Twin | DiskError | None]:
        """A few places are looked at first; all of them for those that this does not settle."""
        made = await self._make(wanted, most=_LOOKED_AT)
        rest = [number for number, it in enumerate(made) if it is None]
        again = await self._make([wanted[number] for number in rest], most=None) if rest else []
        for number, it in zip(rest, again, strict=True):
            made[number] = it
        return made

    async def _make(self, wanted: Sequence[Wanted], *, most: int | None) -> list[Twin | DiskError | None]:
        places = await self.finisher.ledger.places_of_each(list({one.key: None for one in wanted}), most)
        return await self.finisher.landing.make_all(
            [(one.place, places[one.key]) for one in wanted], all_known=most is None
        )
