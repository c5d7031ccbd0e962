"""Every rule that a profile can have, one table: how its value is written, what it demands, how a picture is judged by it. Pure.

A rule's name is its key in a profile's file. What is told of a picture is always the measured number and the demanded one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.review import judging
from pixian_batch.review import rule_values as values
from pixian_batch.review.advice import FORM, MATTE, PHOTO, Advice
from pixian_batch.review.facts import ColorSpace, ImageFacts
from pixian_batch.review.judging import Measured

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.contract.params import Color


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. example: a right value, as TOML; read raises `RuleValueError`; demanded: the value in words."""

    example: str
    about: str
    read: Callable[[Any], Any]
    demanded: Callable[[Any], str]
    judge: Callable[[Any, ImageFacts, Color | None], Measured]
    advice: Advice


# --- the table -------------------------------------------------------------------------------------------


def _pixel_rule(about: str, measure: Callable[[ImageFacts], int], *, least: bool, example: str) -> Rule:
    judge = judging.side(measure, least=least)
    demanded = (values.at_least if least else values.at_most)(values.pixels)
    advice = FORM if not least else PHOTO
    return Rule(
        example=example, about=about, read=values.read_number, demanded=demanded, judge=judge, advice=advice
    )


RULES: Final[dict[str, Rule]] = {
    "formats": Rule(
        example='["jpeg", "png"]',
        about="the file's format, by its bytes",
        read=values.one_of(values.FORMATS),
        demanded=values.listed,
        judge=judging.judge_format,
        advice=FORM,
    ),
    "suffix_fits": Rule(
        example="true",
        about="the name's extension is one of the format's",
        read=values.read_true,
        demanded=lambda _value: "the extension of its format",
        judge=judging.judge_suffix,
        advice=Advice("rename it"),
    ),
    "still": Rule(
        example="true",
        about="one picture: no animation, no further pages",
        read=values.read_true,
        demanded=lambda _value: "one picture",
        judge=judging.judge_still,
        advice=FORM,
    ),
    "opaque": Rule(
        example="true",
        about="nothing is transparent",
        read=values.read_true,
        demanded=lambda _value: "nothing transparent",
        judge=judging.judge_opaque,
        advice=Advice("lay it on a ground: run with --background-color", recipe=True),
    ),
    "colors": Rule(
        example='["srgb"]',
        about="the colour space: srgb (also without a profile), grey, cmyk, other",
        read=values.one_of(tuple(ColorSpace)),
        demanded=values.listed,
        judge=judging.judge_colors,
        advice=Advice("convert it to sRGB", recipe=True),
    ),
    "min_bytes": Rule(
        example='"30KB"',
        about="the file is at least so large",
        read=values.read_bytes,
        demanded=values.at_least(values.megabytes),
        judge=lambda value, facts, _ground: judging.file_size(value, facts, least=True),
        advice=Advice("save it in a higher quality"),
    ),
    "max_bytes": Rule(
        example='"10MB"',
        about="the file is at most so large",
        read=values.read_bytes,
        demanded=values.at_most(values.megabytes),
        judge=lambda value, facts, _ground: judging.file_size(value, facts, least=False),
        advice=Advice("save it as JPEG, or in a lower quality", recipe=True),
    ),
    "min_longer_side": _pixel_rule(
        "the longer side", lambda facts: max(facts.size.width, facts.size.height), least=True, example="1000"
    ),
    "max_longer_side": _pixel_rule(
        "the longer side",
        lambda facts: max(facts.size.width, facts.size.height),
        least=False,
        example="10000",
    ),
    "min_shorter_side": _pixel_rule(
        "the shorter side", lambda facts: min(facts.size.width, facts.size.height), least=True, example="2000"
    ),
    "min_width": _pixel_rule("the width", lambda facts: facts.size.width, least=True, example="762"),
    "min_height": _pixel_rule("the height", lambda facts: facts.size.height, least=True, example="1100"),
    "max_pixels": Rule(
        example="25000000",
        about="width times height",
        read=values.read_number,
        demanded=lambda value: f"at most {value / 1e6:g} megapixels",
        judge=lambda value, facts, _ground: Measured(
            facts.size.pixels <= value, f"{facts.size.pixels / 1e6:.4g} megapixels", facts.size.pixels
        ),
        advice=FORM,
    ),
    "aspect": Rule(
        example='"1:1"',
        about="width to height",
        read=values.read_aspect,
        demanded=values.colon,
        judge=lambda value, facts, _ground: judging.shape(facts, value, value),
        advice=FORM,
    ),
    "min_aspect": Rule(
        example='"3:4"',
        about="width to height, the narrowest",
        read=values.read_aspect,
        demanded=values.at_least(values.colon),
        judge=lambda value, facts, _ground: judging.shape(facts, least=value),
        advice=FORM,
    ),
    "max_aspect": Rule(
        example='"4:3"',
        about="width to height, the widest",
        read=values.read_aspect,
        demanded=values.at_most(values.colon),
        judge=lambda value, facts, _ground: judging.shape(facts, most=value),
        advice=FORM,
    ),
    "background": Rule(
        example='"#FFFFFF", or { color = "#FFFFFF", off = "0.1%" }',
        about="the ground's colour, exactly, and how much of it may be off",
        read=values.read_background,
        demanded=lambda value: (
            f"{value.color}, at most {values.percent(value.off)} off and by {judging.VISIBLE}"
        ),
        judge=judging.judge_background,
        advice=MATTE,
    ),
    "min_fill": Rule(
        example='"85%"',
        about="how much of the frame's side, of the one that it fills most, the subject fills",
        read=values.read_percent,
        demanded=values.at_least(values.percent),
        judge=lambda value, facts, ground: judging.judge_fill(value, facts, ground, least=True),
        advice=Advice("run with --crop-to-foreground and a small --margin", recipe=True),
    ),
    "max_fill": Rule(
        example='"90%"',
        about="the same, at most",
        read=values.read_percent,
        demanded=values.at_most(values.percent),
        judge=lambda value, facts, ground: judging.judge_fill(value, facts, ground, least=False),
        advice=Advice("run with a larger --margin", recipe=True),
    ),
    "min_subject": Rule(
        example="500",
        about="the subject's own longer side, without the ground around it",
        read=values.read_number,
        demanded=values.at_least(values.pixels),
        judge=judging.judge_subject,
        advice=PHOTO,
    ),
    "max_islands": Rule(
        example="0",
        about="pieces beside the subject, each smaller than a twentieth of it",
        read=values.read_number,
        demanded=lambda value: f"at most {value}" if value else "none",
        judge=judging.judge_islands,
        advice=MATTE,
    ),
    "max_shadow": Rule(
        example='"0.2%"',
        about="what is left of a shadow, of the picture",
        read=values.read_percent,
        demanded=values.at_most(values.percent),
        judge=judging.judge_shadow,
        advice=MATTE,
    ),
    "max_straight": Rule(
        example='"20%"',
        about="how much of a side of the subject is one straight, hard edge: the photo's own frame cuts it off, or it is a box",
        read=values.read_percent,
        demanded=lambda value: f"at most {values.percent(value)} of a side",
        judge=judging.judge_straight,
        advice=Advice("if the photo itself cuts it off, take another photo"),
    ),
    "max_touching": Rule(
        example='"2%"',
        about="how much of a side of the frame the subject covers: more, and the frame cuts it off",
        read=values.read_percent,
        demanded=lambda value: f"at most {values.percent(value)} of a side",
        judge=judging.judge_touching,
        advice=Advice("crop with a --margin; if the photo itself cuts it off, take another photo"),
    ),
}
