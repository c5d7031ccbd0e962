"""The facts of one image, gathered for `policy/decision.py`. Asks the ledger and the disk; writes nothing.

A run asks with nothing foreseen. A plan foresees what the run will have done by the time an image's turn comes:
what recovery finishes, and what earlier images of the same plan buy, make and replace.

Proved by tests/money/test_plan_is_run.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.adapters.landing import is_kept, kept_place
from pixian_batch.policy.decision import AtHand, Facts, decide
from pixian_batch.policy.naming import folded
from pixian_batch.policy.record import Key, State, converted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger.base import BaseLedger
    from pixian_batch.pipeline.job import Found
    from pixian_batch.pipeline.spec import Spec
    from pixian_batch.policy.decision import Decision, Rules
    from pixian_batch.policy.record import Standing, Stands


@dataclass(slots=True)
class Foreseen:
    """What will have become of images before another one's turn. Empty in a run, which sees for itself."""

    states: dict[Key, State] = field(default_factory=dict)
    stands: dict[str, Stands] = field(default_factory=dict)
    """What will stand at a place, whatever the ledger says of it today."""
    _places: dict[Key, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, place: str, key: Key, size: int, over: Stands | None = None) -> None:
        """A result of `key` will stand at `place`; what it replaces (`over`) will be kept."""
        self.vacate(place, over)
        self.states[key] = State.DONE
        self.stands[place] = (key.digest, key.params, size)
        self._places[key][place] = size

    def vacate(self, place: str, over: Stands | None) -> None:
        """What stands at `place` will be kept elsewhere."""
        if (before := self.stands.pop(place, None)) is not None:
            self._places[Key(*before[:2])].pop(place, None)
        if over is not None:
            kept = kept_place(Key(*over[:2]), place)
            self.stands[kept] = over
            self._places[Key(*over[:2])][kept] = over[2]

    def at(self, key: Key) -> dict[str, int]:
        """Where results of `key` will stand, with their sizes."""
        return self._places.get(key, {})


@dataclass(slots=True, kw_only=True)
class Deciding:
    """`await deciding.decide(...)`: what is done with one image, now."""

    spec: Spec
    ledger: BaseLedger
    landing: Landing
    foreseen: Foreseen = field(default_factory=Foreseen)
    rules: Rules = field(init=False)

    def __post_init__(self) -> None:
        self.rules = self.spec.rules()

    async def decide(self, key: Key, place: str, *, found: Found, refusal: str | None) -> Decision:
        """The decision about an image whose result belongs at `place`."""
        if refusal is not None:
            return decide(Facts(digest=key.digest, refusal=refusal), self.rules)
        state, standing = await self._state(key)
        states = {key: state}
        at_hand = await self._at_hand(self._keys(key, self.rules.fits), states)
        facts = Facts(
            digest=key.digest,
            state=state,
            standing=standing,
            bought=await self._was_bought(key, states),
            at_hand=tuple(at_hand),
            here=await asyncio.to_thread(self._here, at_hand, place) if at_hand else None,
            masters=tuple(await self._at_hand(self._keys(key, self.rules.masters), states)),
            recorded=found.stands,
            there=found.there,
        )
        return decide(facts, self.rules)

    def decide_unseen(self, found: Found, refusal: str | None) -> Decision:
        """The same for bytes that no ledger has met, and no other image of this plan has."""
        facts = Facts(digest=b"", refusal=refusal, recorded=found.stands, there=found.there)
        return decide(facts, self.rules)

    async def _state(self, key: Key) -> tuple[State, Standing | None]:
        standing = await self.ledger.standing(key)
        state = standing.state if standing is not None else State.OPEN
        return self.foreseen.states.get(key, state), standing

    def _keys(self, key: Key, params: Iterable[str]) -> list[Key]:
        """The keys of all results with such `params` that can be of the bytes of `key`: its own first."""
        # The same bytes are always sent as they are, or as the same other kind: those keys only can be theirs.
        mine = [Key(key.digest, one) for one in params if converted(one) == key.converted]
        return sorted(mine, key=lambda one: one != key)

    async def _is_done(self, key: Key, known: dict[Key, State]) -> bool:
        """known: states that were asked for already; what is found out is added."""
        if key not in known:
            known[key] = (await self._state(key))[0]
        return known[key] is State.DONE

    async def _was_bought(self, key: Key, known: dict[Key, State]) -> bool:
        """Whether the ledger knows a result that is what was asked for as done. Asked only where that decides."""
        fits = self._keys(key, self.rules.fits) if self.rules.trust else []
        return any([await self._is_done(one, known) for one in fits])

    async def _at_hand(self, keys: list[Key], known: dict[Key, State]) -> list[AtHand]:
        """Whole results of these keys; kept ones first: nothing takes the place of those.

        Only of images that are done: a file of one in doubt must not hide the doubt.
        """
        found: list[AtHand] = []
        for one in keys:
            if not await self._is_done(one, known):
                continue
            found += await asyncio.to_thread(self._whole, one, await self.ledger.places_of(one))
            found += [AtHand(one, place, size) for place, size in self.foreseen.at(one).items()]
        return sorted(found, key=lambda one: not is_kept(one.place))

    def _whole(self, key: Key, places: list[tuple[str, int]]) -> list[AtHand]:
        """Those that are there with their size, and will be. Blocking."""
        return [
            AtHand(key, place, size)
            for place, size in places
            if place not in self.foreseen.stands and self.landing.size(place) == size
        ]

    def _here(self, at_hand: list[AtHand], place: str) -> AtHand | None:
        """The one that is the file at `place`, perhaps in another spelling on a disk that folds names. Blocking."""
        for one in at_hand:
            if one.place == place:
                return one
        # Nobody else writes at another spelling of this place. At any other one, the file may be a link to this one that
        # another image has put there just now, while the ledger still knows it as what it was.
        spellings = [one for one in at_hand if folded(one.place) == folded(place)]
        return next((one for one in spellings if self.landing.is_same(one.place, place)), None)
