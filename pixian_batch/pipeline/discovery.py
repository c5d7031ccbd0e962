"""Walks the inputs ahead of the workers and lets through what may need work.

How it works:
1. The walk goes on in a thread of its own (`prefetch.py`), a batch of names ahead at most. Whoever takes gets all
   that was found meanwhile: many small folders, or a part of a large one.
2. For all their folders together one question goes to the ledger: what were these inputs when they were last
   read, and what stands where their results go?
3. In one visit to a thread each name is compared, by two stats: done (told, many at once), a collision or a file
   of somebody else (told), or perhaps work.
4. What may need work goes into the stream, which holds one item: so the walk never runs far ahead of the workers,
   and memory does not grow with the number of inputs. A run that stops hands over nothing more.

It reads no photo and decides nothing about money: whether bytes were bought under another name is found later.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pixian_batch.adapters.walking import Batch, FoundUrl, Trouble, Walked, size_of
from pixian_batch.pipeline.job import Found
from pixian_batch.pipeline.prefetch import Prefetch
from pixian_batch.policy.naming import folded
from pixian_batch.policy.outcome import Ending, Failed, Problem, Skipped, SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.pipeline.spec import Spec
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.stream import Stream
    from pixian_batch.policy.record import Asked, Known, Stands


class LedgerQueries(Protocol):
    """What the discovery asks the ledger: hashes of inputs, and what stands in an output folder."""

    async def known(self, asked: Sequence[Asked]) -> list[tuple[dict[str, Known], dict[str, Stands]]]:
        """An answer for each folder that is asked about: of its names, and of those in its output folder."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch, divided: (input path, place) of what is done, endings of what has failed, and the rest."""

    done: list[tuple[str, str]]
    ended: list[Ending]
    fresh: list[Found]


class Listener(Protocol):
    """Who is told of inputs that need no worker."""

    def ended(self, ending: Ending) -> None:
        """One image's way has ended here."""

    def skipped(self, done: list[tuple[str, str]]) -> None:
        """Many images are done already: (input path, place of the result)."""


@dataclass(slots=True, kw_only=True)
class Discovery:
    """Feeds a stream from a walk; tells `listener` what needs no worker."""

    spec: Spec
    ledger: LedgerQueries
    landing: Landing
    stop: StopSign
    listener: Listener
    work: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first input that may need work is found."""
    _fits: frozenset[str] = field(init=False)
    """The parameters of keys that this run would use."""
    _wanted: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fits = frozenset(self.spec.all_key_params())

    async def feed(self, walk: Iterator[Walked], stream: Stream[Found], *, several: bool) -> int | None:
        """Walk to the end, or until the run stops. `several`: more than one input root, so roots may collide.

        The number of inputs, as `count` would give it; None when the run has stopped first.
        """
        seen = 0
        prefetch = Prefetch(walk)
        try:
            while not self.stop.up and (group := await asyncio.to_thread(prefetch.take)):
                seen += sum(map(size_of, group))
                for found in await self._sift(group, several=several):
                    self.work.set()
                    await self._put(found, stream)
            return None if self.stop.up else seen
        finally:
            prefetch.close()
            await stream.close()

    async def _put(self, found: Found, stream: Stream[Found]) -> None:
        """Hand over, unless the run stops first: then it is simply new in the next run."""
        if not self.stop.up:
            await stream.put(found)

    async def _sift(self, group: list[Walked], *, several: bool) -> list[Found]:
        """What may need work, in the order of the walk; the rest is told."""
        batches = [walked for walked in group if isinstance(walked, Batch)]
        sifted = iter(await self._sift_batches(batches) if batches else ())
        found: list[Found] = []
        for walked in group:
            match walked:
                case Trouble(path, code, message, hint):
                    self.listener.ended(Ending(path, None, Failed(Problem(code, message, hint))))
                    fresh: list[Found] = []
                case FoundUrl(url, place):
                    fresh = [Found(url, place, url, is_url=True)]
                case Batch():
                    fresh = self._tell(next(sifted), several=several)
            found += self._unwanted_twice(fresh) if several else fresh
        return found

    def _tell(self, sifted: Sifted, *, several: bool) -> list[Found]:
        """Tell of what needs no worker; the rest."""
        if sifted.done:
            self.listener.skipped(sifted.done)
            if several:
                self._taken(sifted.done)
        for ending in sifted.ended:
            self.listener.ended(ending)
        return sifted.fresh

    async def _sift_batches(self, batches: list[Batch]) -> list[Sifted]:
        folders = [os.path.abspath(batch.folder) for batch in batches]  # noqa: ASYNC240  # string operations
        known = await self.ledger.known(
            [
                (folder, batch.names, batch.place, batch.results)
                for folder, batch in zip(folders, batches, strict=True)
            ]
        )
        return await asyncio.to_thread(lambda: list(map(self._divide, batches, folders, known)))

    def _divide(
        self, batch: Batch, absolute: str, known: tuple[dict[str, Known], dict[str, Stands]]
    ) -> Sifted:
        sources, places = known
        sifted = Sifted([], [], [])
        # Joined once: this loop runs for every image of a resumed run.
        folder = os.path.join(batch.folder, "")
        out = os.path.join(self.landing.path(batch.place), "")
        place = f"{batch.place}/" if batch.place else ""
        for name, result in zip(batch.names, batch.results, strict=True):
            seen, stands = sources.get(name), places.get(result)
            if seen and stands and self._is_done(folder + name, out + result, seen, stands):
                sifted.done.append((folder + name, place + result))
            elif name in batch.rivals:
                sifted.ended.append(self._collision(folder + name, place + result, batch.rivals[name]))
            elif self._is_spared(stands) and self.landing.size(place + result) is not None:
                sifted.ended.append(Ending(folder + name, out + result, Skipped(SkipReason.EXISTS)))
            else:
                sifted.fresh.append(
                    Found(folder + name, place + name, os.path.join(absolute, name), known=seen)
                )
        return sifted

    def _is_done(self, path: str, result: str, known: Known, stands: Stands) -> bool:
        """The ledger says so, the input has not changed, and the file is there with its size."""
        digest, params, size = stands
        if digest != known[2] or params not in self._fits:
            return False
        try:
            now, there = os.stat(path), os.stat(result)
        except OSError:
            return False
        unchanged = now.st_size == known[0] and now.st_mtime_ns == known[1]
        return unchanged and there.st_size == size and stat.S_ISREG(there.st_mode)

    def _is_spared(self, stands: Stands | None) -> bool:
        """Whether a file at the place would be left alone: somebody else's, or worth more than ours."""
        if self.spec.overwrite:
            return False
        return stands is None or self.spec.spares(stands[1])

    def _collision(self, path: str, place: str, rivals: list[str]) -> Ending:
        names = ", ".join(rivals[:4])
        problem = Problem("collision", f"{names} would all become {place}", "rename all but one of them")
        return Ending(path, self.landing.path(place), Failed(problem))

    def _taken(self, done: list[tuple[str, str]]) -> None:
        """What stands already is wanted, too: another root may not buy something else over it."""
        for path, place in done:
            self._wanted.setdefault(hash(folded(place)), hash(os.path.abspath(path)))

    def _unwanted_twice(self, found: list[Found]) -> list[Found]:
        """Leave out what an earlier root wanted: the same input silently, another one as a collision."""
        kept: list[Found] = []
        for item in found:
            place = self.spec.result_place(item.place)
            # Hashes in place of strings: a list file may hold millions of names.
            wanted, source = hash(folded(place)), hash(item.absolute)
            if wanted not in self._wanted:
                self._wanted[wanted] = source
                kept.append(item)
            elif self._wanted[wanted] != source:
                problem = Problem(
                    "collision",
                    f"another input of this run becomes {place} too",
                    "give each its own --out, or rename one",
                )
                self.listener.ended(Ending(item.path, self.landing.path(place), Failed(problem)))
        return kept
