"""Walks the inputs ahead of the workers and lets through what may need work.

What is done is recognised here, a folder at a time: one question to the ledger for a thousand names, and
two stats a name. Blocking work runs in a thread; the stream of one item holds the scout back.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pixian_batch.adapters.walking import Batch, Trouble, Url, Walked
from pixian_batch.pipeline.job import Found
from pixian_batch.policy.naming import folded
from pixian_batch.policy.outcome import Ending, Failed, Problem, Skipped, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.stream import Stream
    from pixian_batch.policy.record import Known, Stands


class Memory(Protocol):
    """What the scout asks the ledger: hashes of inputs, and what stands in an output folder."""

    async def known(
        self, folder: str, names: Sequence[str], out_folder: str, out_names: Sequence[str]
    ) -> tuple[dict[str, Known], dict[str, Stands]]:
        """Of some names in one folder, and some in its output folder."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch, divided: (input path, place) of what is done, endings of what has failed, and the rest."""

    done: list[tuple[str, str]]
    ended: list[Ending]
    fresh: list[Found]


@dataclass(slots=True)
class Scout:
    """Feeds `stream` from `walk`; reports what needs no worker to `ended` and `skipped`.

    fits: whether a key's parameters are among those this run would use; spares: whether a result with
    such parameters may not be replaced.
    """

    ledger: Memory
    landing: Landing
    stop: StopSign
    result_place: Callable[[str], str]
    fits: Callable[[str], bool]
    spares: Callable[[str], bool]
    overwrite: bool
    ended: Callable[[Ending], None]
    skipped: Callable[[list[tuple[str, str]]], None]
    work: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first input that may need work is found."""
    _wanted: dict[int, int] = field(default_factory=dict)

    async def feed(self, walk: Iterator[Walked], stream: Stream[Found], *, several: bool) -> int | None:
        """Walk to the end, or until the run stops. `several`: more than one input root, so roots may collide.

        The number of inputs, as `count` would give it; None when the run has stopped first.
        """
        seen = 0
        try:
            while not self.stop.up and (walked := await asyncio.to_thread(next, walk, None)) is not None:
                seen += _number(walked)
                for found in await self._sift(walked, several=several):
                    self.work.set()
                    await self._put(found, stream)
            return None if self.stop.up else seen
        finally:
            await stream.close()

    async def _put(self, found: Found, stream: Stream[Found]) -> None:
        """Hand over, unless the run stops first: then it is simply new in the next run."""
        if not self.stop.up:
            await stream.put(found)

    async def _sift(self, walked: Walked, *, several: bool) -> list[Found]:
        match walked:
            case Trouble(path, code, message, hint):
                self.ended(Ending(path, None, Failed(Problem(code, message, hint))))
                return []
            case Url(url, place):
                return self._unwanted_twice([Found(url, place, url, is_url=True)])
            case Batch() as batch:
                sifted = await self._sift_batch(batch)
        if sifted.done:
            self.skipped(sifted.done)
            if several:
                self._taken(sifted.done)
        for ending in sifted.ended:
            self.ended(ending)
        return self._unwanted_twice(sifted.fresh) if several else sifted.fresh

    async def _sift_batch(self, batch: Batch) -> Sifted:
        absolute = os.path.abspath(batch.folder)  # noqa: ASYNC240  # a string operation
        sources, places = await self.ledger.known(absolute, batch.names, batch.place, batch.results)
        return await asyncio.to_thread(self._divide, batch, sources, places, absolute)

    def _divide(
        self, batch: Batch, sources: dict[str, Known], places: dict[str, Stands], absolute: str
    ) -> Sifted:
        sifted = Sifted([], [], [])
        # Joined once: this loop runs for every image of a resumed run.
        folder = os.path.join(batch.folder, "")
        out = os.path.join(self.landing.path(batch.place), "")
        place = f"{batch.place}/" if batch.place else ""
        for name, result in zip(batch.names, batch.results, strict=True):
            known, stands = sources.get(name), places.get(result)
            if known and stands and self._is_done(folder + name, out + result, known, stands):
                sifted.done.append((folder + name, place + result))
            elif name in batch.rivals:
                sifted.ended.append(self._collision(folder + name, place + result, batch.rivals[name]))
            elif self._is_spared(stands) and self.landing.size(place + result) is not None:
                sifted.ended.append(Ending(folder + name, out + result, Skipped(SkipReason.EXISTS)))
            else:
                sifted.fresh.append(
                    Found(folder + name, place + name, os.path.join(absolute, name), known=known)
                )
        return sifted

    def _is_done(self, path: str, result: str, known: Known, stands: Stands) -> bool:
        """The ledger says so, the input has not changed, and the file is there with its size."""
        digest, params, size = stands
        if digest != known[2] or not self.fits(params):
            return False
        try:
            now, there = os.stat(path), os.stat(result)
        except OSError:
            return False
        unchanged = now.st_size == known[0] and now.st_mtime_ns == known[1]
        return unchanged and there.st_size == size and stat.S_ISREG(there.st_mode)

    def _is_spared(self, stands: Stands | None) -> bool:
        """Whether a file at the place would be left alone: somebody else's, or worth more than ours."""
        if self.overwrite:
            return False
        return stands is None or self.spares(stands[1])

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
            place = self.result_place(item.place)
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
                self.ended(Ending(item.path, self.landing.path(place), Failed(problem)))
        return kept


def count(walk: Iterable[Walked], add: Callable[[int], None]) -> None:
    """Walk once more, names only, for the total of the display. Blocking; for a thread."""
    for walked in walk:
        add(_number(walked))


def _number(walked: Walked) -> int:
    return len(walked.names) if isinstance(walked, Batch) else 1
