"""How suspect a result is, and why, in words: the one table of weights. Pure.

See docs/explanation/suspicion.md for what each reason means for a user, and how good the order is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pixian_batch.review.measures import MatteMeasures


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


@dataclass(frozen=True, slots=True)
class SuspicionReason:
    """One reason. weight: how much it counts, 0..1; text: for a photographer ("touches the left and lower edge")."""

    kind: ReasonKind
    weight: float
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """score: 0 (nothing to see) to 1; reasons: heaviest first."""

    score: float
    reasons: tuple[SuspicionReason, ...]


class Siblings:
    """What the results of one folder have in common: area and place. Its memory does not grow with them."""

    def __init__(self, all_measures: Iterable[MatteMeasures] = ()) -> None:
        for measures in all_measures:
            self.add(measures)

    def add(self, measures: MatteMeasures) -> None:
        """Count one more result of the folder."""
        raise NotImplementedError


def assess(measures: MatteMeasures, siblings: Siblings | None = None) -> Assessment:
    """How suspect a result is by what was measured of it and, if they are given, of all results of its folder."""
    raise NotImplementedError
