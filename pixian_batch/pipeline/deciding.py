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
        at_hand = await self._at_hand(key, state)
        facts = Facts(
            digest=key.digest,
            state=state,
            standing=standing,
            bought=await self._was_bought(key, state),
            at_hand=tuple(at_hand),
            here=await asyncio.to_thread(self._here, at_hand, place) if at_hand else None,
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

    def _keys(self, key: Key) -> list[Key]:
        """The keys of all results that are what was asked for: its own, and the same bought in another way."""
        # The same bytes are always sent as they are, or as the same other kind: those keys only can be theirs.
        mine = [fits for fits in self.rules.fits if converted(fits) == key.converted]
        return [key, *(Key(key.digest, fits) for fits in mine if fits != key.params)]

    async def _was_bought(self, key: Key, state: State) -> bool:
        if not self.rules.trust or state is State.DONE:
            return state is State.DONE
        return any([(await self._state(other))[0] is State.DONE for other in self._keys(key)[1:]])

    async def _at_hand(self, key: Key, state: State) -> list[AtHand]:
        """Whole results that are what was asked for; kept ones first: nothing takes the place of those.

        Only of images that are done: a file of one in doubt must not hide the doubt.
        """
        found: list[AtHand] = []
        for one in self._keys(key):
            if (state if one == key else (await self._state(one))[0]) is not State.DONE:
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
