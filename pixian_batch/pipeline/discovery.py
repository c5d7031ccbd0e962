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
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pixian_batch.adapters.walking import Batch, FoundUrl, Trouble, Walked, size_of
from pixian_batch.pipeline.job import Found
from pixian_batch.pipeline.originals import identity, stands_on_another, stands_on_itself
from pixian_batch.pipeline.prefetch import Prefetch
from pixian_batch.policy.decision import is_same, spares
from pixian_batch.policy.naming import folded
from pixian_batch.policy.outcome import Ending, Failed, Outcome, Problem, Skipped, SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.pipeline.originals import Originals
    from pixian_batch.pipeline.spec import Spec
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.stream import Stream
    from pixian_batch.policy.decision import Rules
    from pixian_batch.policy.record import Asked, Known, Stands


class LedgerQueries(Protocol):
    """What the discovery asks the ledger: hashes of inputs, and what stands in an output folder."""

    async def known(self, asked: Sequence[Asked]) -> list[tuple[dict[str, Known], dict[str, Stands]]]:
        """An answer for each folder that is asked about: of its names, and of those in its output folder."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch, divided: (input path, place) of what is done, endings of what has failed, and the rest.

    trusted: as `done`, of what only the ledger says so. occupied: of the rest, the absolute paths of those where a file stands that this ledger did not make.
    """

    done: list[tuple[str, str]] = field(default_factory=list)
    trusted: list[tuple[str, str]] = field(default_factory=list)
    ended: list[Ending] = field(default_factory=list)
    fresh: list[Found] = field(default_factory=list)
    occupied: set[str] = field(default_factory=set)

    def needs_nothing(self, reason: SkipReason) -> list[tuple[str, str]]:
        """Those that need no work for this reason."""
        return self.done if reason is SkipReason.DONE else self.trusted


class Listener(Protocol):
    """Who is told of inputs that need no worker."""

    def ended(self, ending: Ending) -> None:
        """One image's way has ended here."""

    def skipped(self, done: list[tuple[str, str]], reason: SkipReason = SkipReason.DONE) -> None:
        """Many images are done already: (input path, place of the result)."""


@dataclass(slots=True, kw_only=True)
class Discovery:
    """Feeds a stream from a walk; tells `listener` what needs no worker."""

    spec: Spec
    ledger: LedgerQueries
    landing: Landing
    stop: StopSign
    listener: Listener
    originals: Originals
    foreseen: Mapping[str, Stands] = field(default_factory=dict)
    """What will stand at places by the time a run looks, for a plan: what recovery will have finished."""
    work: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first input that may need work is found."""
    rules: Rules = field(init=False)
    _wanted: dict[int, int] = field(default_factory=dict)
    _looked_at: tuple[str, str | None] = ("", None)
    """The latest folder of inputs, and its place in the output folder."""

    def __post_init__(self) -> None:
        self.rules = self.spec.rules()

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
        occupied: set[str] = set()
        for walked in group:
            match walked:
                case Trouble(path, code, message, hint):
                    self.listener.ended(Ending(path, None, Failed(Problem(code, message, hint))))
                    fresh: list[Found] = []
                case FoundUrl(url, place):
                    fresh = [Found(url, place, url, is_url=True)]
                    occupied.add(url)
                case Batch():
                    part = next(sifted)
                    occupied |= part.occupied
                    fresh = self._tell(part, several=several)
            found += self._unwanted_twice(fresh) if several else fresh
        return await self._off_inputs(found, occupied) if occupied else found

    def _tell(self, sifted: Sifted, *, several: bool) -> list[Found]:
        """Tell of what needs no worker; the rest."""
        for done, reason in ((sifted.done, SkipReason.DONE), (sifted.trusted, SkipReason.TRUSTED)):
            if done:
                self.listener.skipped(done, reason)
                if several:
                    self._taken(done)
        for ending in sifted.ended:
            self.listener.ended(ending)
        return sifted.fresh

    async def _sift_batches(self, batches: list[Batch]) -> list[Sifted]:
        folders = [os.path.abspath(batch.folder) for batch in batches]  # noqa: ASYNC240  # string operations
        asked = [
            (folder, batch.names, batch.place, batch.results)
            for folder, batch in zip(folders, batches, strict=True)
        ]
        # Inputs that lie in the output folder may be results themselves.
        inside = await asyncio.to_thread(lambda: list(map(self._place_inside, folders)))
        within = [
            (folder, batch.names, place, batch.names)
            for folder, batch, place in zip(folders, batches, inside, strict=True)
            if place is not None
        ]
        known = await self.ledger.known([*asked, *within])
        results = iter(known[len(asked) :])
        made = [next(results)[1] if place is not None else {} for place in inside]
        return await asyncio.to_thread(lambda: list(map(self._divide, batches, folders, known, made)))

    def _place_inside(self, folder: str) -> str | None:
        """A folder's place in the output folder; None when it lies elsewhere, as nearly always."""
        if folder != self._looked_at[0]:
            real, out = os.path.realpath(folder), os.path.realpath(self.landing.out)
            inside = real == out or real.startswith(os.path.join(out, ""))
            place = os.path.relpath(real, out).replace(os.sep, "/") if inside else None
            self._looked_at = folder, "" if place == os.curdir else place
        return self._looked_at[1]

    def _divide(
        self,
        batch: Batch,
        absolute: str,
        known: tuple[dict[str, Known], dict[str, Stands]],
        made: dict[str, Stands],
    ) -> Sifted:
        (sources, places), sifted = known, Sifted()
        # Joined once: this loop runs for every image of a resumed run.
        folder = os.path.join(batch.folder, "")
        out = os.path.join(self.landing.path(batch.place), "")
        place = f"{batch.place}/" if batch.place else ""
        for name, result in zip(batch.names, batch.results, strict=True):
            ahead = self.foreseen.get(place + result) if self.foreseen else None
            seen, stands = sources.get(name), ahead or places.get(result)
            if name in made and _is_whole(folder + name, made[name]):
                sifted.ended.append(Ending(folder + name, None, Skipped(SkipReason.RESULT)))
            elif reason := self._is_done(folder + name, out + result, seen, stands, ahead):
                sifted.needs_nothing(reason).append((folder + name, place + result))
            elif name in batch.rivals:
                sifted.ended.append(self._collision(folder + name, place + result, batch.rivals[name]))
            elif outcome := self._by_what_is_there(folder + name, out + result, stands):
                sifted.ended.append(Ending(folder + name, out + result, outcome))
            else:
                there = ahead is not None or _is_whole(out + result, stands)
                found = Found(folder + name, place + name, os.path.join(absolute, name), known=seen)
                sifted.fresh.append(replace(found, stands=stands, there=there))
                if not there and os.path.exists(out + result):
                    sifted.occupied.add(found.absolute)
        return sifted

    def _by_what_is_there(self, path: str, result: str, stands: Stands | None) -> Outcome | None:
        """The outcome of an image that may not be bought, because of the file where its result would go."""
        there = identity(result)
        if there is None:
            return None
        if there == identity(path):
            return stands_on_itself(result)
        if os.path.isfile(result) and (reason := self._spared(stands)) is not None:
            return Skipped(reason)
        return None

    async def _off_inputs(self, found: list[Found], occupied: set[str]) -> list[Found]:
        """Leave out what would take the place of an input: of this run, or one that the ledger knows."""
        suspects = [item for item in found if item.absolute in occupied]
        places = [self.spec.result_place(item.place) for item in suspects]
        paths = [os.path.abspath(self.landing.path(place)) for place in places]  # noqa: ASYNC240  # string operations
        asked: list[Asked] = []
        for place, path in zip(places, paths, strict=True):
            (folder, name), (out_folder, _, out_name) = os.path.split(path), place.rpartition("/")
            asked.append((folder, [name], out_folder, [out_name]))
        known = await self.ledger.known(asked) if asked else []
        looked = await asyncio.to_thread(lambda: list(map(self._look, suspects, paths, known)))
        seen = {item.absolute: item for item in looked if isinstance(item, Found)}
        for ending in looked:
            if isinstance(ending, Ending):
                self.listener.ended(ending)
        return [
            seen.get(item.absolute, item)
            for item in found
            if item.absolute in seen or item.absolute not in occupied
        ]

    def _look(
        self, item: Found, path: str, known: tuple[dict[str, Known], dict[str, Stands]]
    ) -> Found | Ending:
        """`item` with what stands at `path`, where its result would go, or why nothing may come there. Blocking."""
        name = os.path.basename(path)
        ahead = self.foreseen.get(self.spec.result_place(item.place))
        stands = ahead or known[1].get(name)
        there = ahead is not None or _is_whole(path, stands)
        is_file = os.path.isfile(path) and not there
        if is_file and (name in known[0] or self.originals.holds(path, item.path)):
            return Ending(item.path, path, stands_on_another(path))
        if item.is_url and os.path.isfile(path) and (reason := self._spared(stands)) is not None:
            return Ending(item.path, path, Skipped(reason))
        return replace(item, stands=stands, there=there)

    def _is_done(
        self, path: str, result: str, known: Known | None, stands: Stands | None, ahead: Stands | None
    ) -> SkipReason | None:
        """Why an image needs no work: the ledger says that it is done, its input has not changed, and the file is
        there with its size; or the user says that the ledger is right although it is not.
        """
        if not known or not stands or self.rules.again or not is_same(stands, known[2], self.rules.fits):
            return None
        try:
            now = os.stat(path)
        except OSError:
            return None
        if now.st_size != known[0] or now.st_mtime_ns != known[1]:
            return None
        if ahead is not None or _is_whole(result, stands):
            return SkipReason.DONE
        return SkipReason.TRUSTED if self.rules.trust else None

    def _spared(self, stands: Stands | None) -> SkipReason | None:
        """Why a file at the place is left alone: it is somebody else's, or worth more than ours."""
        if stands is None:
            return None if self.spec.overwrite else SkipReason.EXISTS
        return SkipReason.BOUGHT if spares(stands[1], self.rules) else None

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


def _is_whole(path: str, stands: Stands | None) -> bool:
    """Whether a recorded result is there with its size."""
    if stands is None:
        return False
    try:
        there = os.stat(path)
    except OSError:
        return False
    return there.st_size == stands[2] and stat.S_ISREG(there.st_mode)
