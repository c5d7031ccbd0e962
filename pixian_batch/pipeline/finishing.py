"""From synced bodies to results at their places: verdict, rename, record. Behind the pool, in rounds.

Everything that has arrived when a round begins is finished together: one commit for the verdicts, one sync
of each folder for the renames, one commit for the places. The busier it gets, the less each image costs.
Everything here can be done again for free: a body stays where it is until the result is safe.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing import DiskError, RebuildError, TakenError, rebuild_files
from pixian_batch.pipeline.describing import Describer, leftovers
from pixian_batch.policy.record import Ended, Key, Placed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.pipeline.job import Job
    from pixian_batch.policy.reply import Reply


_AGAIN: Final = ".again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A body that is safe, and what it is the result of. body: its path.

    original: where the input's bytes are, for a delta. ended: how its attempt ended; None when that is written
    down already.
    """

    attempt: int
    key: Key
    input: str
    place: str
    body: str
    headers: ResultHeaders
    rebuild: bool
    original: str
    ended: Ended | None = None

    @classmethod
    def of(cls, job: Job, reply: Reply) -> Received:
        """What a delivered reply brought; raises ValueError for any other."""
        if reply.attempt is None or reply.body is None or reply.headers is None:
            raise ValueError(f"nothing was delivered: {reply.verdict}")
        return cls(
            attempt=reply.attempt,
            key=job.key,
            input=job.input,
            place=job.place,
            body=reply.body.path,
            headers=reply.headers,
            rebuild=job.rebuild,
            original=job.input,
            ended=reply.ended(),
        )


@dataclass(slots=True)
class _Arrival:
    """A body in a round. file: what is renamed; future: the size of the result at its place; spare: what is not needed
    then.
    """

    received: Received
    file: str
    future: asyncio.Future[int]
    spare: tuple[str, ...] = ()

    @property
    def recovered(self) -> bool:
        """Whether it is of an earlier run, which has written down how its attempt ended."""
        return self.received.ended is None

    def placed(self, size: int) -> tuple[str, str, Placed]:
        """What the ledger writes down of it."""
        return self.received.input, self.received.place, Placed(self.received.key, size)

    def fail(self, error: Exception) -> None:
        """Tell whoever waits."""
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(slots=True)
class Finisher:
    """`await finish(received)`: raises `DiskError`, `LedgerError`, `RebuildError`."""

    ledger: Ledger
    landing: Landing
    describer: Describer = field(default_factory=Describer)
    is_photo: Callable[[str, str], bool] = lambda _path, _source: False
    """Whether what stands at a path, where the result of a source would go, is a photo of this run. Blocking."""
    rounds: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a round changes what stands where: `duplicating` makes no copy meanwhile."""
    _arrived: list[_Arrival] = field(default_factory=list)
    _rounds: asyncio.Task[None] | None = None

    async def finish(self, received: Received) -> int:
        """Write down how the attempt ended, bring the result to its place, write that down; its size in bytes."""
        file = await self._rebuild(received) if received.rebuild else received.body
        described = await self.describer.describe(received.original, file)
        if described != file and received.ended is not None:
            # What is at the place after a kill is known to be whole by its size.
            ended = replace(received.ended, body_size=await asyncio.to_thread(os.path.getsize, described))
            received = replace(received, ended=ended)
        arrival = _Arrival(received, described, asyncio.get_running_loop().create_future())
        arrival.spare = tuple({received.body, file} - {described})
        self._arrived.append(arrival)
        if self._rounds is None:
            self._rounds = asyncio.ensure_future(self._go_round())
        return await arrival.future

    async def _rebuild(self, received: Received) -> str:
        """The full picture of a delta, synced beside it; its path."""
        orientation = received.headers.input_orientation
        try:
            content = await asyncio.to_thread(
                rebuild_files, received.original, received.body, orientation=orientation
            )
        except RebuildError as error:
            if received.ended is not None:
                await self.ledger.ended(received.attempt, received.ended)
            raise RebuildError(f"{error}; the delta is kept at {received.body}") from error
        beside = f"{received.body}.rebuilt"
        await self.landing.write(content, beside)
        return beside

    async def _go_round(self) -> None:
        try:
            while self._arrived:
                async with self.rounds:
                    arrivals, self._arrived = self._arrived, []
                    await self._round(arrivals)
        finally:
            self._rounds = None

    async def _round(self, arrivals: list[_Arrival]) -> None:
        """Finish all of them; each hears of its own trouble, or of what stopped the round."""
        try:
            verdicts = [(one.received.attempt, one.received.ended) for one in arrivals]
            await self.ledger.all_ended(
                [(attempt, ended) for attempt, ended in verdicts if ended is not None]
            )
            arrivals = await self._where_none_came(arrivals)
            sizes = await self.landing.put_all([(one.file, one.received.place) for one in arrivals])
            placed = [(one, size) for one, size in zip(arrivals, sizes, strict=True) if isinstance(size, int)]
            self._tidy([one for one, _size in placed if not one.recovered])  # nobody looks for it after
            await self.ledger.all_placed([one.placed(size) for one, size in placed])
            # Their sizes were written down by an earlier run: until the record, the body says they are whole.
            self._tidy([one for one, _size in placed if one.recovered])
        except Exception as error:  # noqa: BLE001  # whoever waits for it tells it
            for one in arrivals:
                one.fail(error)
            return
        for one, size_or_error in zip(arrivals, sizes, strict=True):
            if isinstance(size_or_error, DiskError):
                one.fail(size_or_error)
            elif not one.future.done():
                one.future.set_result(size_or_error)

    async def _where_none_came(self, arrivals: list[_Arrival]) -> list[_Arrival]:
        """Those at whose places no photo has come to stand since they were looked at; the others stay where they are."""
        asked = [(one.received.place, one.received.input) for one in arrivals]
        taken = await self.taken(asked)
        for one in arrivals:
            if one.received.place in taken:
                one.fail(TakenError(self.landing.path(one.received.place)))
        return [one for one in arrivals if one.received.place not in taken]

    async def taken(self, asked: Sequence[tuple[str, str]]) -> set[str]:
        """Of (place, input) the places at which a photo stands that no run has made."""
        photos = await asyncio.to_thread(self._photos_at, asked)
        return {place for place in photos if not await self._is_ours(place)} if photos else set()

    def _photos_at(self, asked: Sequence[tuple[str, str]]) -> list[str]:
        """Blocking."""
        paths = [(place, self.landing.path(place), source) for place, source in asked]
        return [
            place for place, path, source in paths if os.path.lexists(path) and self.is_photo(path, source)
        ]

    async def _is_ours(self, place: str) -> bool:
        """Whether the ledger says that what stands there is a result."""
        folder, _, name = place.rpartition("/")
        [(_inputs, stands)] = await self.ledger.known([("", [name], folder, [name])])
        return name in stands and await asyncio.to_thread(self.landing.size, place) == stands[name][2]

    def _tidy(self, arrivals: list[_Arrival]) -> None:
        """Remove what results were made of; of an interrupted run also what it may have begun."""
        for one in arrivals:
            for path in (*one.spare, *(leftovers(one.received.body) if one.recovered else ())):
                self.landing.remove(path)

    async def clean(self) -> None:
        """Remove what a killed run has left of results that it made from others."""
        folder = f"{self.ledger.path}{_AGAIN}"
        if await asyncio.to_thread(os.path.isdir, folder):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def again(self, place: str, job: Job) -> int:
        """The result of `job` from the one at `place`, for which the same bytes were bought, with its own photo's words;
        its size. For results that have such words: others are made in rounds (`duplicating`).
        """
        copy = self.aside(job)
        await self.landing.copy(self.landing.path(place), copy)
        return await self.put_made(copy, job)

    def aside(self, job: Job) -> str:
        """Where a result is made that was not sent for."""
        # Beside the ledger, which is held by this run alone: what a killed one has left can be told and removed.
        return os.path.join(f"{self.ledger.path}{_AGAIN}", job.key.digest.hex())

    async def put_made(self, file: str, job: Job) -> int:
        """Bring the result that was made at `file` to its place, with what it keeps of its photo; its size."""
        if await self.taken([(job.place, job.input)]):
            raise TakenError(self.landing.path(job.place))
        described = await self.describer.describe(job.input, file)
        size = await self.landing.put(described, job.place)
        if described != file:
            self.landing.remove(file)
        # Again where it is now: it may have come from another file system.
        await self.describer.date_all([(job.input, self.landing.path(job.place))])
        return size
