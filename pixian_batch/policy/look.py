"""What a look at a result's alpha says: all is well, or it is one to be looked at by a person. Pure.

A service that finds nothing to keep, or nothing to take away, answers 200 all the same and is paid. Such results are
no failures: they are done, and named. The rules, in the order in which they are tried (`judged`):

| suspicion | when |
|---|---|
| empty | less than 2 % of the picture is visible |
| half transparent | more than half of what is visible is between a tenth and nine tenths opaque |
| full | at least 99.5 % of it is opaque, and the foreground is at least 99 % of the photo |

The picture is what was asked for without the empty room around it: margins and a target's spare room do not count. After
a crop to the foreground that is the foreground itself, so a small object that was cropped to is none too empty, and a
rectangular one none too full. A result that has no alpha (JPEG, a background colour) tells nothing but what the answer's
headers say of it: the foreground's box. That may be told to be empty, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixian_batch.contract.headers import ResultHeaders

EMPTY_BELOW: Final = 0.02
"""Of the picture, visible: the sum of its alpha."""
MIST_ABOVE: Final = 0.5
"""Of what is visible, half transparent."""
FULL_FROM: Final = 0.995
"""Of the picture, opaque."""
_ALL_OF_IT: Final = 0.99
"""Of the photo, in the foreground's box: what a full result must have."""
_HALF: Final = range(26, 230)
"""Alpha from a tenth to nine tenths."""


class Suspicion(StrEnum):
    """Why somebody should look at a result."""

    EMPTY = "empty"
    HALF_TRANSPARENT = "half_transparent"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Shares:
    """Of a picture's pixels, from 0 to 1. visible: the mean alpha; half: between .1 and .9; opaque: above that."""

    visible: float
    half: float
    opaque: float

    @classmethod
    def of(cls, histogram: Sequence[int]) -> Shares | None:
        """From how many pixels there are of each alpha, 0 to 255; None where there are none."""
        total = sum(histogram)
        if not total:
            return None
        visible = sum(alpha * number for alpha, number in enumerate(histogram)) / 255
        half = sum(histogram[_HALF.start : _HALF.stop])
        return cls(visible / total, half / total, sum(histogram[_HALF.stop :]) / total)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. shares: of the whole result, None where it has no alpha; text: why it is suspect, in a few words."""

    shares: Shares | None = None
    suspicion: Suspicion | None = None
    text: str = ""


def judged(whole: Shares, inside: Shares | None, headers: ResultHeaders, *, cropped: bool) -> Look:
    """Look at a result with alpha. inside: within the foreground's box, where the headers tell one that lies in it."""
    visible = visible_part(whole, headers, cropped=cropped)
    if visible < EMPTY_BELOW:
        return Look(whole, Suspicion.EMPTY, f"nearly empty: {_percent(visible)} of it is visible")
    seen = whole.half + whole.opaque
    if whole.half > MIST_ABOVE * seen:
        part = _percent(whole.half / seen)
        return Look(whole, Suspicion.HALF_TRANSPARENT, f"mostly half transparent: {part} of what is visible")
    if (inside or whole).opaque >= FULL_FROM and _is_all_foreground(headers, cropped=cropped):
        part = _percent((inside or whole).opaque)
        return Look(whole, Suspicion.FULL, f"uncut: {part} of it is opaque")
    return Look(whole)


def visible_part(whole: Shares, headers: ResultHeaders, *, cropped: bool) -> float:
    """How much of the picture is visible, 0..1: the empty room around it does not count."""
    return min(1.0, whole.visible * _room_factor(headers, cropped=cropped))


def judged_by_headers(headers: ResultHeaders, *, cropped: bool) -> Look:
    """Look at a result without alpha: only that it is empty may be known."""
    part = foreground_part(headers)
    # Who asks for a crop expects a small foreground.
    if part is None or part >= EMPTY_BELOW or (cropped and part > 0):
        return Look()
    return Look(None, Suspicion.EMPTY, f"nearly empty: {_percent(part)} of the photo is foreground")


def _room_factor(headers: ResultHeaders, *, cropped: bool) -> float:
    """How many times larger the result is than the picture in it: by margins, or a target's spare room."""
    box, result = headers.result_foreground, headers.result_size
    if box is None or result is None or not box.width * box.height:
        return 1.0
    part = 1.0 if cropped else foreground_part(headers)
    picture = box.width * box.height / part if part else result.pixels
    return max(1.0, result.pixels / picture)


def _is_all_foreground(headers: ResultHeaders, *, cropped: bool) -> bool:
    part = foreground_part(headers)
    return not cropped if part is None else part >= _ALL_OF_IT


def foreground_part(headers: ResultHeaders) -> float | None:
    """The part of the photo that its foreground's box takes; None where that is not told."""
    box, size = headers.input_foreground, headers.input_size
    return None if box is None or size is None else box.width * box.height / size.pixels


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
