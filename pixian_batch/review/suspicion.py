"""How suspect a result is, and why, in words: the one table of weights. Pure.

docs/explanation/suspicion.md says what each reason means for a user, how good the order is, and how that was measured
(scripts/benchmarks/suspicion.py). No reason accuses: people who are cut at the waist touch the lower edge rightly. So
each is worth as much as it was right where the truth is known, and several together are worth more than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.look import EMPTY_BELOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pixian_batch.review.measures import MatteMeasures
    from pixian_batch.review.siblings import Siblings


class ReasonKind(StrEnum):
    """Why somebody should look at a result. The first three are those that a run itself names (`Suspicion`)."""

    EMPTY = "empty"
    HALF_TRANSPARENT = "half_transparent"
    FULL = "full"
    UNREADABLE = "unreadable"
    SIZE = "size"
    SMALL = "small"
    BORDER = "border"
    ISLANDS = "islands"
    HOLES = "holes"
    RAGGED = "ragged"
    SOFT = "soft"
    HALO = "halo"
    GROUND = "ground"
    AREA = "area"
    PLACE = "place"


WEIGHTS: Final[Mapping[ReasonKind, float]] = {
    ReasonKind.UNREADABLE: 1.0,
    ReasonKind.EMPTY: 0.98,
    ReasonKind.HALF_TRANSPARENT: 0.95,
    ReasonKind.FULL: 0.95,
    ReasonKind.SIZE: 0.9,
    ReasonKind.SMALL: 0.5,
    ReasonKind.SOFT: 0.5,
    ReasonKind.ISLANDS: 0.5,
    ReasonKind.HALO: 0.3,
    ReasonKind.AREA: 0.4,
    ReasonKind.RAGGED: 0.4,
    ReasonKind.HOLES: 0.3,
    ReasonKind.GROUND: 0.3,
    ReasonKind.BORDER: 0.2,
    ReasonKind.PLACE: 0.2,
}
"""How likely a result is bad for this reason alone, where the reason is at its strongest: 0..1."""


@dataclass(frozen=True, slots=True)
class SuspicionReason:
    """One reason. weight: how much it counts here, 0..1; text: for a photographer ("touches the left and lower edge")."""

    kind: ReasonKind
    weight: float
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """score: 0 (nothing to see) to 1; reasons: heaviest first."""

    score: float
    reasons: tuple[SuspicionReason, ...]


def assess(measures: MatteMeasures, siblings: Siblings | None = None) -> Assessment:
    """How suspect a result is by what was measured of it and, if they are given, of all results of its folder.

    The score is the chance that at least one of its reasons is right, as if they knew nothing of each other.
    """
    reasons = sorted(_reasons(measures, siblings), key=lambda reason: -reason.weight)
    score = 1 - math.prod(1 - reason.weight for reason in reasons)
    return Assessment(score, tuple(reasons))


def _reasons(measures: MatteMeasures, siblings: Siblings | None) -> Iterator[SuspicionReason]:
    if measures.problem:
        found = [_reason(ReasonKind.UNREADABLE, 1, f"cannot be looked at: {measures.problem}")]
    else:
        found = [*_by_look(measures), *_by_shape(measures), *_by_edges(measures)]
    if siblings is not None and not measures.problem:
        found += _by_siblings(measures, siblings)
    yield from (reason for reason in found if reason is not None)


def _by_look(measures: MatteMeasures) -> list[SuspicionReason | None]:
    """What the run itself names, in its own words; the size; and what is nearly as small as empty."""
    look, area, size, wanted = measures.look, measures.area, measures.size, measures.wanted
    suspicion = look.suspicion
    found = [_reason(ReasonKind(suspicion.value), 1, look.text)] if suspicion is not None else []
    if wanted is not None and size is not None:
        text = f"is {size.width} x {size.height}, not {wanted.width} x {wanted.height}"
        found.append(_reason(ReasonKind.SIZE, 1, text))
    if area is not None and (suspicion is None or suspicion.value != ReasonKind.EMPTY):
        strength = _ramp(area, 0.15, EMPTY_BELOW)
        found.append(_reason(ReasonKind.SMALL, strength, f"covers {_percent(area)} of the picture"))
    return found


def _by_shape(measures: MatteMeasures) -> list[SuspicionReason | None]:
    sides = [side.value for side in measures.sides]
    named = " and ".join(filter(None, [", ".join(sides[:-1]), *sides[-1:]]))
    return [
        _reason(ReasonKind.BORDER, _ramp(measures.frame, 0.1, 0.6), f"touches the {named} edge"),
        _reason(
            ReasonKind.ISLANDS,
            _ramp(measures.islands - 1, 0, 6) * _ramp(measures.stray, 0, 0.1),
            f"{measures.islands} islands",
        ),
        _reason(ReasonKind.HOLES, _ramp(measures.hollow, 0.005, 0.1), _counted(measures.holes, "hole")),
        _reason(ReasonKind.RAGGED, _ramp(measures.outline or 0, 3, 8), "ragged outline"),
    ]


def _by_edges(measures: MatteMeasures) -> list[SuspicionReason | None]:
    wide, mist, halo = measures.edge_width or 0, measures.mist or 0, measures.halo or 0
    soft = max(_ramp(wide, 0.006, 0.03), _ramp(mist, 0.0, 0.05))
    return [
        _reason(ReasonKind.SOFT, soft, "very soft edge" if not mist else f"{_percent(mist)} is undecided"),
        _reason(ReasonKind.HALO, _ramp(halo, 0.3, 0.8), f"halo: {_percent(halo)} of the edge is background"),
        _reason(
            ReasonKind.GROUND, _ramp(measures.sharp_ground or 0, 0.5, 1.5), "what was cut away is sharp, too"
        ),
    ]


def _by_siblings(measures: MatteMeasures, siblings: Siblings) -> list[SuspicionReason | None]:
    area, place = siblings.far_in_area(measures), siblings.far_in_place(measures)
    text = "covers {} than most of its folder".format(
        "less" if area < 0 else "more",
    )
    return [
        _reason(ReasonKind.AREA, _ramp(abs(area), 3, 8), text),
        _reason(ReasonKind.PLACE, _ramp(place, 3, 8), "stands elsewhere than most of its folder"),
    ]


def _reason(kind: ReasonKind, strength: float, text: str) -> SuspicionReason | None:
    return SuspicionReason(kind, WEIGHTS[kind] * strength, text) if strength > 0 else None


def _ramp(value: float, low: float, high: float) -> float:
    """0 at `low`, 1 at `high` (which may be the smaller one), and in between on a line."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
