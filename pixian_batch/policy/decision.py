"""What a run does with one image, from what is known before anything is done. Pure.

`plan` and `run` ask this one function, so what the one says is what the other does. Its facts are gathered in
one place, too (`pipeline/deciding.py`). Whether a bought result may be replaced is asked by whoever follows a
decision: a plan counts it, a run needs `--replace`.

The rules, in the order they are tried:

    its result can have no place                          Refused
    a bought result stands there, and this one is free    Spared
    it was received, and is kept from its place           Waits
    it stands at its place                                Stays
    the ledger says that it stood there (--trust-ledger)  Trusted
    the same was bought and stands somewhere              Made
    the ledger says that it was bought (--trust-ledger)   Trusted
    its full picture was bought and stands somewhere      Drawn, where that is asked for (--keep-master)
    it may have been charged without a result             Held, unless --in-doubt resend, or free
    else                                                  Bought
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pixian_batch.policy.record import State, is_free
from pixian_batch.policy.retry import DoubtPolicy

if TYPE_CHECKING:
    from pixian_batch.policy.record import Key, Standing, Stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the user asked for, as far as it decides. fits: the key params of results that are what was asked for;
    masters: those of full pictures from which they are drawn, empty where none is.

    free: this run's results cost nothing. trust: what the ledger knows as done is done. again: buy it once more.
    """

    fits: frozenset[str]
    masters: frozenset[str] = frozenset()
    free: bool = False
    doubt: DoubtPolicy = DoubtPolicy.HOLD
    trust: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class AtHand:
    """A whole result that is what was asked for, and its place."""

    key: Key
    place: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an image.

    refusal: why its result can have no place. state, standing: of the key under which it is bought. bought: whether a
    result of it was ever here. at_hand: where one is, the best source first; here: the one of these that is the file at
    its own place. masters: where its full picture is, the best source first. recorded: what the ledger says of its
    place, whatever is there; there: whether that is there, whole.
    """

    digest: bytes
    refusal: str | None = None
    state: State = State.OPEN
    standing: Standing | None = None
    bought: bool = False
    at_hand: tuple[AtHand, ...] = ()
    here: AtHand | None = None
    masters: tuple[AtHand, ...] = ()
    recorded: Stands | None = None
    there: bool = False

    def is_recorded(self, rules: Rules) -> bool:
        """Whether the ledger says that this very result stands at its place, or stood there."""
        return self.recorded is not None and is_same(self.recorded, self.digest, rules.fits)

    def over(self, rules: Rules) -> Stands | None:
        """The result of another image, or with other parameters, that stands where this one's would."""
        if self.recorded is None or not self.there:
            return None
        return None if self.is_recorded(rules) and not rules.again else self.recorded


@dataclass(frozen=True, slots=True)
class Refused:
    """Its result can have no place."""

    why: str


@dataclass(frozen=True, slots=True)
class Spared:
    """A bought result stands at its place, and a free one never takes it."""


@dataclass(frozen=True, slots=True)
class Waits:
    """It was bought, and is kept from its place still."""

    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Stays:
    """It stands at its place: nothing to do. here: as the ledger knows it, perhaps in another spelling."""

    here: AtHand


@dataclass(frozen=True, slots=True)
class Trusted:
    """The ledger says that it is done, the file is gone, and the user says that this is well."""


@dataclass(frozen=True, slots=True)
class Made:
    """It is made, for free, from a result that is here. over: what is replaced by it."""

    of: AtHand
    over: Stands | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """It is drawn, for free, from its full picture, which is here. over: what is replaced by it."""

    of: AtHand
    over: Stands | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """It may have been charged without a result: a person decides."""

    state: State
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Bought:
    """It is sent. over: what is replaced by its result; partial: (place, path) of what came of it before."""

    over: Stands | None = None
    partial: tuple[str, str] | None = None


Decision: TypeAlias = Refused | Spared | Waits | Stays | Trusted | Made | Drawn | Held | Bought


def decide(facts: Facts, rules: Rules) -> Decision:
    """What is done with an image; the rules are at the head of this file."""
    over = facts.over(rules)
    if facts.refusal is not None:
        return Refused(facts.refusal)
    if over is not None and spares(over[1], rules):
        return Spared()
    if facts.state is State.RECEIVED:
        return Waits(facts.standing)
    if not rules.again and (known := _without_buying(facts, rules, over)):
        return known
    if facts.state in {State.OPEN, State.DONE} or _may_resend(facts, rules):
        return Bought(over, _partial(facts.standing))
    return Held(facts.state, facts.standing)


def _without_buying(facts: Facts, rules: Rules, over: Stands | None) -> Decision | None:
    """What the ledger and the disk have of it already."""
    if facts.here is not None:
        return Stays(facts.here)
    if rules.trust and facts.is_recorded(rules):
        return Trusted()
    if facts.at_hand:
        return Made(facts.at_hand[0], over)
    if rules.trust and facts.bought:
        return Trusted()
    return Drawn(facts.masters[0], over) if facts.masters else None


def _partial(standing: Standing | None) -> tuple[str, str] | None:
    return None if standing is None or standing.kept is None else (standing.place, standing.kept)


def _may_resend(facts: Facts, rules: Rules) -> bool:
    was_free = facts.standing is not None and facts.standing.free
    return rules.free or was_free or rules.doubt is DoubtPolicy.RESEND


def spares(params: str, rules: Rules) -> bool:
    """Whether a result with such key params stays, whatever the options: a free one never replaces a bought one."""
    return rules.free and not is_free(params)


def is_same(stands: Stands, digest: bytes, fits: frozenset[str]) -> bool:
    """Whether what stands there is the result of these bytes that was asked for."""
    return stands[0] == digest and stands[1] in fits


def needs_permission(over: Stands | None, rules: Rules) -> bool:
    """Whether a result that was bought with other parameters would be replaced: never without `--replace`."""
    return over is not None and not rules.again and over[1] not in rules.fits and not is_free(over[1])


def worth_keeping(over: Stands | None, rules: Rules) -> bool:
    """Whether what is replaced has to be kept first: what was bought, and what this run itself may still ask for."""
    return over is not None and (not is_free(over[1]) or over[1] in rules.fits)
