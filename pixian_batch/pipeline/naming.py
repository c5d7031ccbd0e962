"""Photos -> the places of their results, where these follow from more than a photo's own place.

How a name stays the same from run to run, without a list of names being kept:
1. A photo's bytes are known from the ledger, and so are the places that these bytes were given. An unchanged photo
   keeps such a place when the template could have given it, whatever its counter, its date or the number that told
   it from its like. So nothing is renamed because photos came or went, and no photo is read again for its name.
2. What is recorded at a place stays the image's that it was recorded for. A new photo takes a place that nobody has;
   otherwise `--on-collision` says what becomes of it.
3. A new counter is above all that are recorded in its folder.

It asks the ledger for many names at once, and decides nothing about money: a name may change, the key of an image
does not, so whatever is named anew is made from what was bought.

Proved by tests/money/test_names.py.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from pixian_batch.adapters.ledger import names
from pixian_batch.adapters.reading import content_hash, date_of
from pixian_batch.policy.naming import OnCollision, all_folded, folded
from pixian_batch.policy.outcome import Failed, Outcome, Problem, Skipped, SkipReason
from pixian_batch.policy.template import NameFacts, facts_of, key_of, numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pixian_batch.adapters.ledger.base import Question
    from pixian_batch.adapters.ledger.names import Owner
    from pixian_batch.adapters.walking import Batch
    from pixian_batch.policy.record import Known
    from pixian_batch.policy.template import Naming, Template

_HINT: Final = "rename one of them, or add --on-collision suffix"


class AskedLedger(Protocol):
    """The one door to the ledger."""

    async def ask(self, question: Question[..., Any], *args: Any) -> Any:
        """Any question."""


@dataclass(frozen=True, slots=True)
class Part:
    """Files of one folder whose results go into one folder. losers: what became of those that get no place."""

    folder: str
    to: str
    names: list[str]
    results: list[str]
    losers: dict[str, Outcome] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Candidate:
    """One photo's candidate to a place. path: absolute, or a URL. held: places that it has had, the plainest first.

    rivals: the others that want the same, where that is known; wanted: the place it asks for; lost: why it has none.
    """

    name: str
    path: str
    facts: NameFacts
    digest: bytes | None = None
    known: Known | None = None
    rivals: Sequence[str] = ()
    wanted: str = ""
    place: str | None = None
    lost: Outcome | None = None

    def digests(self) -> list[bytes]:
        """What its bytes were when they were last read, and what they are, as far as is known."""
        now = [bytes.fromhex(self.facts.digest)] if self.facts.digest else []
        return now if self.digest is None else [self.digest, *now]


@dataclass(slots=True, kw_only=True)
class Namer:
    """The names of one run. `await namer.parts(batches, folders)`. several: a photo may be named twice."""

    naming: Naming
    ledger: AskedLedger
    several: bool = False
    _wanted: dict[int, int] = field(default_factory=dict)
    """Hashes in place of strings: a run may name millions."""
    _folders: set[int] = field(default_factory=set)
    _recorded: dict[str, set[int]] = field(default_factory=dict)
    """By the folder of results, once something new is to go there."""
    _numbers: dict[str, int] = field(default_factory=dict)
    """The latest counter of each folder, and the latest number behind each name."""
    _given: dict[int, str] = field(default_factory=dict)
    _waiting: dict[str, Owner] | None = None

    async def parts(self, batches: Sequence[Batch], folders: Sequence[str]) -> list[list[Part]]:
        """Of each batch, its files by the folder of their results. folders: the batches' absolute ones."""
        if self.naming.is_mirrored and not any(batch.rivals for batch in batches):
            return [[_whole(batch)] for batch in batches]
        candidates = [
            self._candidates(batch, folder) if not self.naming.is_mirrored or batch.rivals else []
            for batch, folder in zip(batches, folders, strict=True)
        ]
        await self._settle(candidates, batches, folders)
        return [
            _divided(batch, made) if made else [_whole(batch)]
            for batch, made in zip(batches, candidates, strict=True)
        ]

    async def url(self, url: str, place: str, digest: bytes) -> tuple[str, Outcome | None]:
        """The place of a URL's result, and why it may not have it. digest: what stands for its bytes."""
        template = self.naming.template
        if template is not None and template.uses("date"):
            problem = Problem("name", "a URL has no date to be named by", "leave {date} out of --name")
            return "", Failed(problem)
        facts = replace(facts_of(place), digest=digest.hex())
        candidate = _Candidate(name=url, path=url, facts=facts, digest=digest, wanted=self.naming.single)
        had = await self.ledger.ask(names.places_had, [digest])
        self._keep(candidate, _by_key(had.get(digest, ())))
        await self._give([candidate])
        return candidate.place or candidate.wanted, candidate.lost

    # --- who asks for what -------------------------------------------------------------------------------

    def _candidates(self, batch: Batch, folder: str) -> list[_Candidate]:
        """In the order of the walk. Where the tree is mirrored, only of those that have rivals."""
        prefix = f"{batch.place}/" if batch.place else ""
        mirrored = self.naming.is_mirrored
        wanted = dict(zip(batch.names, batch.results, strict=True)) if mirrored else {}
        return [
            _Candidate(
                name=name,
                path=os.path.join(folder, name),
                facts=facts_of(prefix + name),
                rivals=batch.rivals.get(name, ()),
                wanted=prefix + wanted[name] if mirrored else self.naming.single,
            )
            for name in (batch.rivals if mirrored else batch.names)
            if not mirrored or name in wanted
        ]

    async def _settle(
        self, candidates: list[list[_Candidate]], batches: Sequence[Batch], folders: Sequence[str]
    ) -> None:
        asked = [(folder, batch.names) for folder, batch in zip(folders, batches, strict=True)]
        histories = await self.ledger.ask(names.histories, asked)
        everyone = [candidate for made in candidates for candidate in made]
        for made, (known, _places) in zip(candidates, histories, strict=True):
            for candidate in made:
                candidate.known = known.get(candidate.name)
                candidate.digest = candidate.known[2] if candidate.known else None
        if self.naming.template is not None:
            await asyncio.to_thread(self._look, everyone)
            for made, (_known, places) in zip(candidates, histories, strict=True):
                had = {digest: _by_key(of_digest) for digest, of_digest in places.items()}
                for candidate in made:
                    self._keep(candidate, had.get(candidate.digest or b"", {}))
            left = [candidate for candidate in everyone if candidate.place is None]
            await asyncio.to_thread(_complete, left, self.naming.template)
        await self._give([candidate for candidate in everyone if candidate.place is None])

    def _look(self, candidates: Iterable[_Candidate]) -> None:
        """Whether the photos are as they were; of those that are not, all that a name may need. Blocking."""
        template = self.naming.template
        changed = []
        for candidate in candidates:
            if candidate.known is not None and _is_unchanged(candidate.path, candidate.known):
                candidate.facts = replace(candidate.facts, digest=candidate.known[2].hex())
            else:
                changed.append(candidate)
        if template is not None:
            _complete(changed, template)

    def _keep(self, candidate: _Candidate, had: Mapping[str, Sequence[str]]) -> None:
        """Give it the place that it has had, if the template could have given it, and nobody else of this run took it."""
        template = self.naming.template
        if template is None or not had:
            return
        try:
            shape = template.shape(candidate.facts)
        except ValueError:
            return
        for key in shape.key_pair():
            for place in had.get(key, ()):
                if shape.fits(place) and self._is_free(candidate, place):
                    self._take(candidate, place)
                    return

    # --- who gets what -----------------------------------------------------------------------------------

    async def _give(self, candidates: list[_Candidate]) -> None:
        """A place to each of those that have none yet, first come, first served."""
        template = self.naming.template
        counts = template is not None and template.uses("counter")
        for candidate in candidates:
            if template is not None:
                candidate.wanted = template.place(
                    replace(candidate.facts, counter=0) if counts else candidate.facts
                )
        await self._learn({candidate.wanted.rpartition("/")[0] for candidate in candidates})
        taken = [candidate.wanted for candidate in candidates if self._is_recorded(candidate.wanted)]
        owners = await self.ledger.ask(names.owners, taken) if taken else {}
        for candidate in candidates:
            self._give_one(candidate, owners)

    async def _learn(self, folders: set[str]) -> None:
        """What earlier runs have recorded in these folders of results."""
        if self._waiting is None:
            self._waiting = await self.ledger.ask(names.waiting)
        for folder in folders - self._recorded.keys():
            there = await self.ledger.ask(names.names_in, folder)
            parts = (place.rpartition("/") for place in self._waiting)
            there += [name for above, _, name in parts if above == folder]
            self._recorded[folder] = await asyncio.to_thread(_hashes, there)
            template = self.naming.template
            if template is not None and template.uses("counter"):
                found = map(template.counted().fullmatch, there)
                self._numbers[f"{folder}/"] = max((int(match[1]) for match in found if match), default=0)

    def _give_one(self, candidate: _Candidate, owners: Mapping[str, Owner]) -> None:
        given = self._given.get(hash(candidate.path))
        template = self.naming.template
        if given is not None:
            candidate.place = given
        elif template is not None and template.uses("counter"):
            self._count(candidate, template)
        elif self._may_take(candidate, candidate.wanted, owners):
            self._take(candidate, candidate.wanted)
        else:
            self._collide(candidate, owners)
        if self.several and candidate.place is not None:
            self._given[hash(candidate.path)] = candidate.place

    def _count(self, candidate: _Candidate, template: Template) -> None:
        """The next number of its folder."""
        folder = candidate.wanted.rpartition("/")[0] + "/"
        while candidate.place is None:
            self._numbers[folder] += 1
            place = template.place(replace(candidate.facts, counter=self._numbers[folder]))
            if self._may_take(candidate, place, {}):
                self._take(candidate, place)

    def _collide(self, candidate: _Candidate, owners: Mapping[str, Owner]) -> None:
        """What becomes of a photo whose place another one has."""
        template, on_collision = self.naming.template, self.naming.on_collision
        if (
            on_collision is OnCollision.SUFFIX
            and template is not None
            and not self._is_below(candidate.wanted)
        ):
            self._number(candidate, template.tail)
        elif on_collision is OnCollision.FIRST:
            candidate.lost = wanted_twice(candidate.wanted, on_collision)
        else:
            candidate.lost = self._failed(candidate, owners)

    def _number(self, candidate: _Candidate, tail: str) -> None:
        wanted = candidate.wanted
        number = self._numbers.get(wanted, 1)
        while candidate.place is None:
            number += 1
            place = numbered(wanted, number, tail)
            if self._may_take(candidate, place, {}):
                self._take(candidate, place)
        self._numbers[wanted] = number

    def _failed(self, candidate: _Candidate, owners: Mapping[str, Owner]) -> Outcome:
        owner = self._owner(candidate.wanted, owners)
        if candidate.rivals:
            text = f"{', '.join(candidate.rivals[:4])} would all become {candidate.wanted}"
        elif owner is not None and not owner.is_photo(candidate.path, candidate.digests()):
            text = f"{candidate.wanted} holds the result of another photo, {owner.input}"
        else:
            return wanted_twice(candidate.wanted, self.naming.on_collision)
        return Failed(Problem("collision", text, _HINT))

    # --- whose a place is --------------------------------------------------------------------------------

    def _may_take(self, candidate: _Candidate, place: str, owners: Mapping[str, Owner]) -> bool:
        """Whether nobody has it: no other photo of this run, and none of an earlier one."""
        owner = self._owner(place, owners)
        mine = owner is not None and owner.is_photo(candidate.path, candidate.digests())
        # Who names the one file that he wants means that file: replacing is decided elsewhere.
        if self._is_recorded(place) and not mine and not self.naming.single:
            return False
        needed_as_folder = any(rival.endswith("/") for rival in candidate.rivals)
        return (mine or not needed_as_folder) and self._is_free(candidate, place)

    def _is_recorded(self, place: str) -> bool:
        """Whether an earlier run has a result there, or one to come, in whatever spelling."""
        folder, _, name = place.rpartition("/")
        return hash(folded(name)) in self._recorded.get(folder, ())

    def _owner(self, place: str, owners: Mapping[str, Owner]) -> Owner | None:
        return owners.get(place) or (self._waiting or {}).get(place)

    def _is_free(self, candidate: _Candidate, place: str) -> bool:
        """Whether no other photo of this run wants it, or needs a folder there, or has a file where it needs one."""
        mine, key = self._identity(candidate), hash(folded(place))
        if self._wanted.get(key, mine) != mine or key in self._folders:
            return False
        return not self._is_below(place)

    def _identity(self, candidate: _Candidate) -> int:
        """What tells two candidates apart: the photos, or where results are named by their bytes, these."""
        template = self.naming.template
        by_bytes = template is not None and template.uses("hash")
        return hash(candidate.facts.digest if by_bytes else candidate.path)

    def _is_below(self, place: str) -> bool:
        """Whether a file of this run stands where it needs a folder."""
        return any(hash(folder) in self._wanted for folder in self._new_folders(place))

    def _new_folders(self, place: str) -> Iterator[str]:
        """The folders above a place, up to one that is known to be one."""
        folder = folded(place.rpartition("/")[0])
        while folder and hash(folder) not in self._folders:
            yield folder
            folder = folder.rpartition("/")[0]

    def _take(self, candidate: _Candidate, place: str) -> None:
        self._folders.update(map(hash, list(self._new_folders(place))))
        self._wanted[hash(folded(place))] = self._identity(candidate)
        candidate.place = candidate.wanted = place


def _hashes(names_there: list[str]) -> set[int]:
    """Of names, as a file system that ignores case and Unicode form takes them."""
    return set(map(hash, all_folded(names_there)))


def wanted_twice(place: str, on_collision: OnCollision) -> Outcome:
    """What becomes of a photo whose place another one of this run has."""
    if on_collision is OnCollision.FIRST:
        return Skipped(SkipReason.COLLISION)
    return Failed(Problem("collision", f"another input of this run becomes {place} too", _HINT))


def _whole(batch: Batch) -> Part:
    return Part(batch.folder, batch.place, batch.names, batch.results)


def _divided(batch: Batch, candidates: list[_Candidate]) -> list[Part]:
    """A batch by the folders of its results, the places of `candidates` in the stead of those that it came with."""
    prefix = f"{batch.place}/" if batch.place else ""
    by_name = {candidate.name: candidate for candidate in candidates}
    parts: dict[str, Part] = {}
    for index, name in enumerate(batch.names):
        candidate = by_name.get(name)
        place = prefix + batch.results[index] if candidate is None else candidate.place or candidate.wanted
        to, _, result = place.rpartition("/")
        part = parts.setdefault(to, Part(batch.folder, to, [], []))
        part.names.append(name)
        part.results.append(result)
        if candidate is not None and candidate.lost is not None:
            part.losers[name] = candidate.lost
    return list(parts.values())


def _by_key(places: Iterable[str]) -> dict[str, list[str]]:
    """Places by what those of one shape have alike, the plainest first."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for place in sorted(places, key=lambda place: (len(place), place)):
        found[key_of(place)].append(place)
    return found


def _is_unchanged(path: str, known: Known) -> bool:
    try:
        now = os.stat(path)
    except OSError:
        return False
    return now.st_size == known[0] and now.st_mtime_ns == known[1]


def _complete(candidates: Iterable[_Candidate], template: Template) -> None:
    """Read what the template names results by and nobody knows yet. Blocking.

    A photo that cannot be read is told of by whoever needs its pixels: here it gets some name.
    """
    dated, hashed = template.uses("date"), template.uses("hash")
    for candidate in candidates:
        if dated and candidate.facts.date is None:
            candidate.facts = replace(candidate.facts, date=date_of(candidate.path))
        if hashed and candidate.facts.digest is None:
            candidate.facts = replace(candidate.facts, digest=content_hash(candidate.path).hex())
