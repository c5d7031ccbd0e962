"""What somebody should know of a run's images, by cause: decisions first, then failures, then results to be looked at.

A bounded number of examples of a bounded number of causes, whatever the number of images; all of them are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.look import Suspicion
from pixian_batch.policy.outcome import Done, Failed, InDoubt, Kept, Lost

if TYPE_CHECKING:
    from pixian_batch.policy.look import Look
    from pixian_batch.policy.outcome import Ending, Problem

EXAMPLES: Final = 25
"""Images of each cause that are named."""
_MOST_CAUSES: Final = 200
_OTHER: Final = "other reasons"


class ConcernKind(IntEnum):
    """What it is; the lower, the sooner it is told."""

    IN_DOUBT = 0
    LOST = 1
    KEPT = 2
    FAILED = 3
    SUSPECT = 4

    @property
    def word(self) -> str:
        """As it is told: `in doubt`."""
        return "look at" if self is ConcernKind.SUSPECT else self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Concern:
    """One image. message, hint: why; weight: the more, the worse among those of its cause, 0 to 1."""

    kind: ConcernKind
    input: str
    message: str
    hint: str = ""
    weight: float = 0.0


@dataclass(slots=True)
class Cause:
    """All images of one cause: how many, and the worst of them (of equals, the first)."""

    kind: ConcernKind
    key: str
    count: int = 0
    examples: list[Concern] = field(default_factory=list)

    def add(self, concern: Concern) -> None:
        """One more."""
        self.count += 1
        if len(self.examples) < EXAMPLES or concern.weight > self.examples[-1].weight:
            self.examples.append(concern)
            self.examples.sort(key=lambda example: -example.weight)  # stable
            del self.examples[EXAMPLES:]


class Concerns:
    """Takes every ending; gives the causes in the order in which they matter."""

    def __init__(self) -> None:
        self._causes: dict[tuple[ConcernKind, str], Cause] = {}

    def add(self, ending: Ending) -> None:
        """What there is to tell of an image, if anything."""
        match ending.outcome:
            case InDoubt(problem=problem):
                self._problem(ConcernKind.IN_DOUBT, ending.input, problem)
            case Lost(problem=problem):
                self._problem(ConcernKind.LOST, ending.input, problem)
            case Kept(problem=problem):
                self._problem(ConcernKind.KEPT, ending.input, problem)
            case Failed(problem=problem):
                self._problem(ConcernKind.FAILED, ending.input, problem)
            case Done(look=look) if look is not None and look.suspicion is not None:
                message = f"the result is {look.text}"
                concern = Concern(ConcernKind.SUSPECT, ending.input, message, weight=_weight(look))
                self._add(look.suspicion.value, concern)
            case _:
                pass

    def causes(self) -> list[Cause]:
        """Decisions first; of one kind, the most frequent first."""
        return sorted(self._causes.values(), key=lambda cause: (cause.kind, -cause.count))

    def _problem(self, kind: ConcernKind, name: str, problem: Problem) -> None:
        concern = Concern(kind, name, problem.message.strip(), problem.hint.strip())
        self._add(str(problem.code or problem.message), concern)

    def _add(self, key: str, concern: Concern) -> None:
        place = (concern.kind, key)
        if place not in self._causes and len(self._causes) >= _MOST_CAUSES:
            place = (concern.kind, _OTHER)
        cause = self._causes.setdefault(place, Cause(*place))
        cause.add(concern)


def _weight(look: Look) -> float:
    """How far a result is from what a result should be."""
    if look.shares is None:
        return 1.0
    match look.suspicion:
        case Suspicion.EMPTY:
            return 1.0 - look.shares.visible
        case Suspicion.HALF_TRANSPARENT:
            return look.shares.half
        case _:
            return look.shares.opaque
