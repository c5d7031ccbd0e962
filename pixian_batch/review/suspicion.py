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

from pixian_batch.policy.look import Suspicion
from pixian_batch.review.matte import Side

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
    MISSING = "missing"
    AREA = "area"
    PLACE = "place"


WEIGHTS: Final[Mapping[ReasonKind, float]] = {
    ReasonKind.UNREADABLE: 1.0,
    ReasonKind.EMPTY: 0.98,
    ReasonKind.HALF_TRANSPARENT: 0.95,
    ReasonKind.FULL: 0.95,
    ReasonKind.SIZE: 0.9,
    ReasonKind.SOFT: 0.6,
    ReasonKind.PLACE: 0.5,
    ReasonKind.BORDER: 0.3,
    ReasonKind.AREA: 0.3,
    ReasonKind.SMALL: 0.25,
    ReasonKind.GROUND: 0.25,
    ReasonKind.MISSING: 0.2,
    ReasonKind.RAGGED: 0.2,
    ReasonKind.ISLANDS: 0.15,
    ReasonKind.HOLES: 0.15,
    ReasonKind.HALO: 0.15,
}
"""How likely a result is bad for this reason alone, where the reason is at its strongest: 0..1."""
_MIST: Final = 0.002
"""Of the picture, undecided: from here on it is said rather than a soft edge."""
_SHARP: Final = "what was cut away is as sharp as what was kept"


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
        found = [*_by_look(measures), *_by_area(measures, siblings), *_by_shape(measures)]
        found += [*_by_edges(measures), *_by_photo(measures)]
    yield from (reason for reason in found if reason is not None)


def _by_look(measures: MatteMeasures) -> list[SuspicionReason | None]:
    """What the run itself names, in its own words; and the size."""
    suspicion, size, wanted = measures.look.suspicion, measures.size, measures.wanted
    found: list[SuspicionReason | None] = []
    if suspicion is not None:
        # A ladybird in a meadow fills 1 % of its photo: the nearer to nothing, the surer.
        sure = 1.0 if suspicion is not Suspicion.EMPTY else 0.6 + 0.4 * _ramp(measures.area or 0, 0.02, 0.002)
        found.append(_reason(ReasonKind(suspicion.value), sure, measures.look.text))
    if wanted is not None and size is not None:
        text = f"is {size.width} x {size.height}, not {wanted.width} x {wanted.height}"
        found.append(_reason(ReasonKind.SIZE, 1, text))
    return found


def _by_area(measures: MatteMeasures, siblings: Siblings | None) -> list[SuspicionReason | None]:
    """How much there is, and where: beside its folder where that is known. Of two reasons for one thing, the heavier."""
    small = _small(measures, siblings)
    if siblings is None:
        return [small]
    area, place = _by_siblings(measures, siblings)
    if small is not None and area is not None:
        return [max(small, area, key=lambda reason: reason.weight), place]
    return [small, area, place]


def _small(measures: MatteMeasures, siblings: Siblings | None) -> SuspicionReason | None:
    """Little is left of the photo; not where that is usual in its folder, nor where it is called empty."""
    area, usual = measures.area, siblings.usual_area if siblings is not None else None
    is_usual = area is None or (usual is not None and area > usual / 2)
    if is_usual or measures.look.suspicion is Suspicion.EMPTY:
        return None
    return _reason(
        ReasonKind.SMALL, _ramp(area or 0, 0.12, 0.04), f"covers {_percent(area or 0)} of the picture"
    )


def _by_shape(measures: MatteMeasures) -> list[SuspicionReason | None]:
    islands = max(_ramp(measures.islands, 1, 5), _ramp(measures.stray, 0.01, 0.1))
    return [
        _reason(ReasonKind.BORDER, _ramp(measures.frame, 0.02, 0.25), _touching(measures.sides)),
        _reason(ReasonKind.ISLANDS, islands, f"{measures.islands} islands"),
        _reason(ReasonKind.HOLES, _ramp(measures.hollow, 0.002, 0.05), _counted(measures.holes, "hole")),
        _reason(ReasonKind.RAGGED, _ramp(measures.outline or 0, 1.2, 3), "ragged outline"),
    ]


def _by_edges(measures: MatteMeasures) -> list[SuspicionReason | None]:
    wide, mist, halo = measures.edge_width or 0, measures.mist or 0, measures.halo or 0
    text = f"{_percent(mist)} of it is undecided" if mist >= _MIST else "very soft edge"
    pixels = wide * max(measures.size.width, measures.size.height) if measures.size is not None else 0
    # An edge of two pixels is the best that can be, and a hundredth of a picture of 200.
    soft = max(_ramp(wide, 0.003, 0.012) * _ramp(pixels, 2, 4), _ramp(mist, 0, 0.03))
    told = f"halo: {round(halo * 100)} % of the edge is old background"
    return [
        _reason(ReasonKind.SOFT, soft, text),
        _reason(ReasonKind.HALO, _ramp(halo, 0.2, 0.6), told),
    ]


def _by_photo(measures: MatteMeasures) -> list[SuspicionReason | None]:
    """What was cut away may have been the subject's."""
    left = measures.left_behind or 0
    # More than that is no part that is missing: it is a ground of two colours.
    missing = _ramp(left, 0.002, 0.02) * _ramp(left, 0.6, 0.3)
    return [
        _reason(ReasonKind.MISSING, missing, "something on the plain ground beside it was cut away"),
        _reason(ReasonKind.GROUND, _ramp(measures.sharp_ground or 0, 0.2, 1.2), _SHARP),
    ]


def _by_siblings(
    measures: MatteMeasures, siblings: Siblings
) -> tuple[SuspicionReason | None, SuspicionReason | None]:
    area, usual = measures.area or 0, siblings.usual_area or 0
    size = _reason(
        ReasonKind.AREA,
        _ramp(abs(siblings.far_in_area(measures)), 2, 8),
        f"covers {_percent(area)}, the others of its folder about {_percent(usual)}",
    )
    far = _ramp(siblings.far_in_place(measures), 2.5, 8)
    return size, _reason(ReasonKind.PLACE, far, "stands elsewhere than the others of its folder")


def _touching(sides: tuple[Side, ...]) -> str:
    """The sides in words."""
    if len(sides) == len(Side):
        return "touches all four edges"
    names = [side.value for side in sides]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"touches the {listed} edge"


def _reason(kind: ReasonKind, strength: float, text: str) -> SuspicionReason | None:
    return SuspicionReason(kind, WEIGHTS[kind] * strength, text) if strength > 0 else None


def _ramp(value: float, low: float, high: float) -> float:
    """0 at `low`, 1 at `high` (which may be the smaller one), and in between on a line."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
