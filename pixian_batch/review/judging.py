"""Whether a picture keeps a rule, and the number that was measured for it: a function a rule. Pure.

Each takes the rule's value, the facts, and the colour of the ground that the profile demands, if it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pixian_batch.review.advice import CUT_OUT, EMPTY, GROUND, Advice
from pixian_batch.review.facts import ColorSpace, ImageFacts
from pixian_batch.review.rule_values import Background, megabytes, percent, pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.contract.params import Color

_SAME_ASPECT: Final = 0.005
VISIBLE: Final = 8
"""Of 255: what is off by more is seen, however little it is."""
_MOSTLY: Final = 0.2
"""Of the ground: from here on it is another ground, and no residue."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured for a rule. keeps: whether the picture keeps it; None: it cannot be told.

    measured: the number, in words; value: for programs; at: where, x and y; advice: where it is another than the rule's.
    """

    keeps: bool | None
    measured: str
    value: float | str | bool | None = None
    at: tuple[int, int] | None = None
    advice: Advice | None = None


# --- judging: the file and its form --------------------------------------------------------------------


def side(measure: Callable[[ImageFacts], int], *, least: bool) -> Callable[..., Measured]:
    """Reads off a side of the picture."""

    def judge(value: int, facts: ImageFacts, _ground: Color | None) -> Measured:
        number = measure(facts)
        return Measured(number >= value if least else number <= value, pixels(number), number)

    return judge


def file_size(value: int, facts: ImageFacts, *, least: bool) -> Measured:
    """The bytes of the file."""
    keeps = facts.bytes >= value if least else facts.bytes <= value
    return Measured(keeps, megabytes(facts.bytes), facts.bytes)


def shape(
    facts: ImageFacts, least: tuple[int, int] | None = None, most: tuple[int, int] | None = None
) -> Measured:
    """By the ratio of the sides; one pixel more or less breaks nothing."""
    width, height = facts.size.width, facts.size.height
    slack = max(_SAME_ASPECT, 1 / min(width, height))
    ratio = width / height
    keeps = (least is None or ratio >= least[0] / least[1] * (1 - slack)) and (
        most is None or ratio <= most[0] / most[1] * (1 + slack)
    )
    return Measured(keeps, f"{width} x {height} px, 1:{height / width:.3g}", round(ratio, 4))


def judge_format(value: tuple[str, ...], facts: ImageFacts, _ground: Color | None) -> Measured:
    """The format by its bytes."""
    return Measured(facts.format in value, facts.format, facts.format)


def judge_suffix(_value: object, facts: ImageFacts, _ground: Color | None) -> Measured:
    """The name's extension."""
    name = facts.suffix or "no extension"
    return Measured(facts.suffix_fits, f"{name} for {facts.format}", facts.suffix)


def judge_still(_value: object, facts: ImageFacts, _ground: Color | None) -> Measured:
    """How many pictures."""
    many = "several pictures" if facts.format in {"webp", "avif", "heic"} else f"{facts.pictures} pictures"
    return Measured(facts.pictures == 1, many if facts.pictures != 1 else "1 picture", facts.pictures)


def judge_opaque(_value: object, facts: ImageFacts, _ground: Color | None) -> Measured:
    """What is transparent."""
    share = facts.transparent
    return Measured(share == 0, f"{percent(share)} of it is transparent", round(share, 6))


def judge_colors(value: tuple[str, ...], facts: ImageFacts, _ground: Color | None) -> Measured:
    """The colour space."""
    name = f" ({facts.color_name})" if facts.color_name else ""
    words = {
        ColorSpace.SRGB: "sRGB",
        ColorSpace.GREY: "grey",
        ColorSpace.CMYK: "CMYK",
        ColorSpace.OTHER: "another colour space",
    }
    return Measured(facts.colors in value, f"{words[facts.colors]}{name}", facts.colors.value)


# --- judging: the ground and what stands on it -----------------------------------------------------------

_NOT_PLAIN: Final = Measured(None, "the ground is not plain, so the subject cannot be told from it")


def judge_background(value: Background, facts: ImageFacts, _ground: Color | None) -> Measured:
    """The ground's colour."""
    measures = facts.ground(value.color)
    off = measures.off
    if off.worst == 0:
        return Measured(True, f"all of it is {value.color}", 0.0)
    of = "the ground" if measures.is_plain else "the picture's border"
    measured = f"{percent(off.share)} of {of} is off, at worst {off.color} ({off.worst} of 255)"
    advice = None if off.share < _MOSTLY else GROUND if measures.is_plain else CUT_OUT
    keeps = off.share <= value.off and off.worst <= VISIBLE
    return Measured(keeps, measured, round(off.share, 6), off.at, advice=advice)


def _fill(facts: ImageFacts, ground: Color | None) -> float | None:
    """Of the side of the frame that it fills most; None where it cannot be told."""
    measures = facts.ground(ground)
    if not measures.is_plain:
        return None
    box = measures.subject
    return 0.0 if box is None else max(box.width / facts.size.width, box.height / facts.size.height)


def judge_fill(value: float, facts: ImageFacts, ground: Color | None, *, least: bool) -> Measured:
    """How much of the frame the subject fills."""
    share = _fill(facts, ground)
    if share is None:
        return _NOT_PLAIN
    if share == 0:
        return Measured(not least, "nothing stands on the ground", 0.0, advice=EMPTY)
    # Half a percent is what an edge's softness and a JPEG's noise leave open.
    keeps = share >= value - 0.005 if least else share <= value + 0.005
    return Measured(keeps, f"it fills {percent(share)}", round(share, 4))


def judge_subject(value: int, facts: ImageFacts, ground: Color | None) -> Measured:
    """The subject's own longer side."""
    measures = facts.ground(ground)
    if not measures.is_plain:
        return _NOT_PLAIN
    box = measures.subject
    side = 0 if box is None else max(box.width, box.height)
    return Measured(side >= value, pixels(side) if side else "nothing stands on the ground", side)


def judge_islands(value: int, facts: ImageFacts, ground: Color | None) -> Measured:
    """Pieces beside the subject."""
    measures = facts.ground(ground)
    if not measures.is_plain:
        return _NOT_PLAIN
    count = measures.islands.count
    words = f"{count} piece{'' if count == 1 else 's'} beside the subject" if count else "none"
    return Measured(count <= value, words, count, measures.islands.at if count else None)


def judge_shadow(value: float, facts: ImageFacts, ground: Color | None) -> Measured:
    """What is left of a shadow."""
    measures = facts.ground(ground)
    if not measures.is_plain:
        return _NOT_PLAIN
    share = measures.shadow.share
    words = f"{percent(share)} of the picture is a shadow" if share else "none"
    return Measured(share <= value, words, round(share, 6), measures.shadow.at if share else None)


def judge_straight(value: float, facts: ImageFacts, ground: Color | None) -> Measured:
    """What the photo's own frame has cut off."""
    measures = facts.ground(ground)
    if not measures.is_plain:
        return _NOT_PLAIN
    share = measures.straight
    words = (
        f"{percent(share)} of a side of the subject is a straight, hard edge"
        if share > value
        else percent(share)
    )
    return Measured(share <= value, words, round(share, 4))


def judge_touching(value: float, facts: ImageFacts, ground: Color | None) -> Measured:
    """What the frame cuts off."""
    measures = facts.ground(ground)
    if not measures.is_plain:
        return _NOT_PLAIN
    sides = measures.touching
    shares = {"upper": sides.top, "right": sides.right, "lower": sides.bottom, "left": sides.left}
    cut = [f"{percent(share)} of the {name} side" for name, share in shares.items() if share > value]
    most = max(shares.values())
    words = f"it covers {' and '.join(cut)}" if cut else "it stands free" if most == 0 else percent(most)
    return Measured(not cut, words, round(most, 4))
