"""Every parameter's grammar, its way over the wire and back, and what makes two requests the same work."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.contract.params import (
    BY_ATTRIBUTE,
    BY_WIRE,
    FIELDS,
    Color,
    Field,
    Length,
    Margin,
    OutputFormat,
    ParamError,
    Params,
    Size,
    VerticalAlignment,
    canonical,
    contradictions,
    params_from_text,
    params_to_wire,
)


def _px(value: str) -> Length:
    return Length(Decimal(value), "px")


def _pc(value: str) -> Length:
    return Length(Decimal(value), "%")


# The wire names and defaults as literal facts of the API page.
WIRE_NAMES = {
    "test",
    "max_pixels",
    "background.color",
    "result.crop_to_foreground",
    "result.margin",
    "result.target_size",
    "result.vertical_alignment",
    "output.format",
    "output.jpeg_quality",
}

GOOD: list[tuple[str, str, object]] = [
    ("test", "true", True),
    ("test", "False", False),
    ("test", "false", False),
    ("max_pixels", "100", 100),
    ("max_pixels", "25000000", 25_000_000),
    ("max_pixels", "0004096", 4096),
    ("background.color", "#000000", Color(0, 0, 0)),
    ("background.color", "#ffFFfF", Color(255, 255, 255)),
    ("background.color", "#0a1B2c", Color(10, 27, 44)),
    ("result.crop_to_foreground", "true", True),
    ("result.crop_to_foreground", "false", False),
    ("result.margin", "0px", Margin()),
    ("result.margin", "10px", Margin(_px("10"), _px("10"), _px("10"), _px("10"))),
    ("result.margin", "1px 2%", Margin(_px("1"), _pc("2"), _px("1"), _pc("2"))),
    ("result.margin", "1px 2px 3px", Margin(_px("1"), _px("2"), _px("3"), _px("2"))),
    ("result.margin", "1px 2px 3px 4%", Margin(_px("1"), _px("2"), _px("3"), _pc("4"))),
    ("result.margin", "12.5%", Margin(_pc("12.5"), _pc("12.5"), _pc("12.5"), _pc("12.5"))),
    ("result.margin", "0.25px  3px", Margin(_px("0.25"), _px("3"), _px("0.25"), _px("3"))),
    ("result.target_size", "1200 800", Size(1200, 800)),
    ("result.target_size", "1 1", Size(1, 1)),
    ("result.vertical_alignment", "top", VerticalAlignment.TOP),
    ("result.vertical_alignment", "middle", VerticalAlignment.MIDDLE),
    ("result.vertical_alignment", "bottom", VerticalAlignment.BOTTOM),
    ("output.format", "auto", OutputFormat.AUTO),
    ("output.format", "png", OutputFormat.PNG),
    ("output.format", "jpeg", OutputFormat.JPEG),
    ("output.format", "delta_png", OutputFormat.DELTA_PNG),
    ("output.jpeg_quality", "1", 1),
    ("output.jpeg_quality", "100", 100),
]

BAD: list[tuple[str, str, str]] = [  # wire name, text, what the message has to show beside the value
    ("test", "yes", "true"),
    ("test", "1", "true"),
    ("test", "yes", "true"),
    ("test", "", "true"),
    ("max_pixels", "99", "100..25000000"),
    ("max_pixels", "25000001", "100..25000000"),
    ("max_pixels", "0", "100..25000000"),
    ("max_pixels", "-100", "whole number"),
    ("max_pixels", "1e6", "whole number"),
    ("max_pixels", "4000.0", "whole number"),
    ("max_pixels", "4_000", "whole number"),
    ("max_pixels", "1" * 5000, "whole number"),
    ("max_pixels", "\u0661\u0660\u0660\u0660", "whole number"),  # Arabic digits: int() would take them
    ("max_pixels", "1000\n", "whole number"),
    ("background.color", "FFFFFF", "#"),
    ("background.color", "#FFF", "#RRGGBB"),
    ("background.color", "#FFFFFFFF", "#RRGGBB"),
    ("background.color", "#GGGGGG", "#RRGGBB"),
    ("background.color", "white", "#RRGGBB"),
    ("background.color", "#FFFFF\uff21", "#RRGGBB"),
    ("background.color", "#FFFFFF\n", "#RRGGBB"),
    ("background.color", "rgb(1,2,3)", "#RRGGBB"),
    ("result.margin", "10", "unit"),
    ("result.margin", "10px 5", "'5'"),
    ("result.margin", "10em", "'10em'"),
    ("result.margin", "-1px", "'-1px'"),
    ("result.margin", "10 px", "'10'"),
    ("result.margin", "10px,5px", "'10px,5px'"),
    ("result.margin", "1px 2px 3px 4px 5px", "5 values"),
    ("result.margin", "", "0 values"),
    ("result.margin", "1.px", "'1.px'"),
    ("result.margin", ".5px", "'.5px'"),
    ("result.margin", "1e2px", "'1e2px'"),
    ("result.margin", "1.2.3px", "'1.2.3px'"),
    ("result.margin", "nanpx", "'nanpx'"),
    ("result.margin", "10PX", "'10PX'"),
    ("result.target_size", "1200", "width and a height"),
    ("result.target_size", "1200 800 1", "width and a height"),
    ("result.target_size", "1200,800", "width and a height"),
    ("result.target_size", "1200px 800px", "width and a height"),
    ("result.target_size", "-1 800", "width and a height"),
    ("result.target_size", "0 800", "side"),
    ("result.target_size", "800 0", "side"),
    ("result.target_size", "32001 1", "side"),
    ("result.target_size", "32000 32000", "pixels"),
    ("result.vertical_alignment", "center", "top, middle, bottom"),
    ("result.vertical_alignment", "Top", "top, middle, bottom"),
    ("output.format", "jpg", "auto, png, jpeg, delta_png"),
    ("output.format", "PNG", "auto, png, jpeg, delta_png"),
    ("output.format", "webp", "auto, png, jpeg, delta_png"),
    ("output.jpeg_quality", "0", "1..100"),
    ("output.jpeg_quality", "101", "1..100"),
    ("output.jpeg_quality", "85%", "whole number"),
]


def test_the_fields_are_those_of_the_api_page() -> None:
    assert set(BY_WIRE) == WIRE_NAMES
    assert len(FIELDS) == len(WIRE_NAMES) == len(BY_ATTRIBUTE)
    assert set(BY_ATTRIBUTE) == {field.name for field in fields(Params)}


def test_the_defaults_are_those_of_the_api_page() -> None:
    assert Params() == Params(
        test=False,
        max_pixels=25_000_000,
        background_color=None,
        crop_to_foreground=False,
        margin=Margin(_px("0"), _px("0"), _px("0"), _px("0")),
        target_size=None,
        vertical_alignment=VerticalAlignment.MIDDLE,
        output_format=OutputFormat.AUTO,
        jpeg_quality=75,
    )


def test_good_text_is_read(subtests: pytest.Subtests) -> None:
    for wire, text, value in GOOD:
        with subtests.test(wire=wire, text=text, value=value):
            read = BY_WIRE[wire].read(text)
            assert read == value
            assert type(read) is type(value)


def test_bad_text_is_refused_and_explained(subtests: pytest.Subtests) -> None:
    for wire, text, shown in BAD:
        with subtests.test(wire=wire, text=text, shown=shown):
            with pytest.raises(ParamError) as caught:
                BY_WIRE[wire].read(text)
            error = caught.value
            assert (error.name, error.value) == (wire, text)
            message = str(error)
            assert message.startswith(f"{wire}: ")
            assert shown in message
            assert repr(text)[:40] in message
            assert "for example" in message
            assert message.isprintable()
            BY_WIRE[wire].read(error.example.split(" or ")[0])  # the advice is right


def test_every_example_is_right(subtests: pytest.Subtests) -> None:
    for field in FIELDS:
        with subtests.test(field=field):
            for example in field.example.split(" or "):
                field.read(example)


def test_an_option_error_names_the_option() -> None:
    with pytest.raises(ParamError, match=r"^--background-color: 'FFFFFF' lacks its #"):
        params_from_text([("background_color", "FFFFFF")], by_option=True)
    with pytest.raises(ParamError, match=r"^background\.color: 'FFFFFF' lacks its #"):
        params_from_text([("background_color", "FFFFFF")])


def test_options_are_the_outside_contract() -> None:
    assert {field.option for field in FIELDS} == {
        "--test",
        "--max-pixels",
        "--background-color",
        "--crop-to-foreground",
        "--margin",
        "--target-size",
        "--vertical-alignment",
        "--output-format",
        "--jpeg-quality",
    }


def test_text_is_read_into_params_with_outer_space_forgiven() -> None:
    assert params_from_text([("max_pixels", " 4096 "), ("test", "true")]) == Params(
        test=True, max_pixels=4096
    )
    assert params_from_text([]) == Params()


@given(st.sampled_from(FIELDS), st.text())
def test_any_text_is_read_or_refused_never_anything_else(field: Field, text: str) -> None:
    message = ""
    try:
        field.read(text)
    except ParamError as refused:
        message = str(refused)
    assert message.isprintable()


# --- the wire ------------------------------------------------------------------------------------

lengths = st.builds(
    Length,
    st.decimals(min_value=0, max_value=99999, places=6).map(abs),  # abs: no negative zero
    st.sampled_from(["px", "%"]),
)
margins = st.builds(Margin, lengths, lengths, lengths, lengths) | lengths.map(
    lambda every: Margin(every, every, every, every)
)
colors = st.builds(Color, *[st.integers(0, 255)] * 3)
params = st.builds(
    Params,
    test=st.booleans(),
    max_pixels=st.integers(100, 25_000_000) | st.just(25_000_000),
    background_color=st.none() | colors,
    crop_to_foreground=st.booleans(),
    margin=st.just(Margin()) | margins,
    target_size=st.none() | st.builds(Size, st.integers(1, 5000), st.integers(1, 5000)),
    vertical_alignment=st.sampled_from(VerticalAlignment),
    output_format=st.sampled_from(OutputFormat),
    jpeg_quality=st.just(75) | st.integers(1, 100),
)


@given(params)
def test_params_survive_the_wire(sent: Params) -> None:
    pairs = params_to_wire(sent)
    assert params_from_text([(BY_WIRE[wire].attribute, text) for wire, text in pairs]) == sent
    assert len(dict(pairs)) == len(pairs)
    assert all(text.isascii() and text.isprintable() for _, text in pairs)


@given(params)
def test_only_what_differs_from_the_default_is_sent(sent: Params) -> None:
    changed = {
        "test": sent.test,
        "max_pixels": sent.max_pixels != 25_000_000,
        "background.color": sent.background_color is not None,
        "result.crop_to_foreground": sent.crop_to_foreground,
        "result.margin": any(
            side != _px("0")
            for side in (sent.margin.top, sent.margin.right, sent.margin.bottom, sent.margin.left)
        ),
        "result.target_size": sent.target_size is not None,
        "result.vertical_alignment": sent.vertical_alignment.value != "middle",
        "output.format": sent.output_format.value != "auto",
        "output.jpeg_quality": sent.jpeg_quality != 75,
    }
    assert {wire for wire, _ in params_to_wire(sent)} == {wire for wire, is_so in changed.items() if is_so}


def test_the_default_sends_nothing() -> None:
    assert params_to_wire(Params()) == []


def test_what_is_sent_is_spelled_as_the_api_page_spells_it() -> None:
    full = Params(
        test=True,
        max_pixels=4_000_000,
        background_color=Color(255, 0, 171),
        crop_to_foreground=True,
        margin=Margin(_px("10"), _pc("5"), _px("0.50"), _pc("5.0")),
        target_size=Size(1200, 800),
        vertical_alignment=VerticalAlignment.BOTTOM,
        output_format=OutputFormat.JPEG,
        jpeg_quality=90,
    )
    assert dict(params_to_wire(full)) == {
        "test": "true",
        "max_pixels": "4000000",
        "background.color": "#FF00AB",
        "result.crop_to_foreground": "true",
        "result.margin": "10px 5% 0.5px",
        "result.target_size": "1200 800",
        "result.vertical_alignment": "bottom",
        "output.format": "jpeg",
        "output.jpeg_quality": "90",
    }


def test_a_margin_is_written_as_short_as_css_allows(subtests: pytest.Subtests) -> None:
    cases: list[tuple[tuple[str, str, str, str], str]] = [
        (("1", "1", "1", "1"), "1px"),
        (("1", "2", "1", "2"), "1px 2px"),
        (("1", "2", "3", "2"), "1px 2px 3px"),
        (("1", "2", "3", "4"), "1px 2px 3px 4px"),
        (("1", "1", "1", "4"), "1px 1px 1px 4px"),
        (("1", "1", "3", "1"), "1px 1px 3px"),
        (("1", "2", "1", "4"), "1px 2px 1px 4px"),
        (("100", "100", "100", "100"), "100px"),
        (("0.000001", "1000", "0.10", "1000"), "0.000001px 1000px 0.1px"),
    ]
    for sides, text in cases:
        with subtests.test(sides=sides, text=text):
            assert str(Margin(*map(_px, sides))) == text


def test_a_length_in_pixels() -> None:
    assert _px("12.5").in_pixels(1000) == 12.5
    assert _pc("12.5").in_pixels(1000) == 125.0


def test_auto_is_decided_by_the_background(subtests: pytest.Subtests) -> None:
    cases: list[tuple[OutputFormat, Color | None, OutputFormat]] = [
        (OutputFormat.AUTO, None, OutputFormat.PNG),
        (OutputFormat.AUTO, Color(0, 0, 0), OutputFormat.JPEG),
        (OutputFormat.PNG, None, OutputFormat.PNG),
        (OutputFormat.PNG, Color(0, 0, 0), OutputFormat.PNG),
        (OutputFormat.JPEG, None, OutputFormat.JPEG),
        (OutputFormat.JPEG, Color(0, 0, 0), OutputFormat.JPEG),
        (OutputFormat.DELTA_PNG, None, OutputFormat.DELTA_PNG),
        (OutputFormat.DELTA_PNG, Color(0, 0, 0), OutputFormat.DELTA_PNG),
    ]
    for output, color, result in cases:
        with subtests.test(output=output, color=color, result=result):
            assert Params(output_format=output, background_color=color).result_format is result


# --- the same work -------------------------------------------------------------------------------

_RED, _TOP, _DELTA = Color(255, 0, 0), VerticalAlignment.TOP, OutputFormat.DELTA_PNG
_TEN = Margin(_px("10"), _px("10"), _px("10"), _px("10"))
_BOX = Size(100, 50)

SAME_WORK: list[list[Params]] = [
    [
        Params(),
        Params(output_format=OutputFormat.PNG),
        Params(jpeg_quality=10),
        Params(output_format=OutputFormat.PNG, jpeg_quality=99),
        Params(vertical_alignment=_TOP),
        Params(margin=Margin(_px("0.00"), _px("0"), _px("0"), _px("0"))),
        Params(margin=Margin(_pc("0"), _px("0"), _pc("0.0"), _px("0"))),
    ],
    [
        Params(background_color=_RED),
        Params(background_color=_RED, output_format=OutputFormat.JPEG),
        Params(background_color=_RED, vertical_alignment=_TOP),
    ],
    [Params(background_color=_RED, jpeg_quality=80)],
    [
        Params(background_color=_RED, output_format=OutputFormat.PNG),
        Params(background_color=_RED, output_format=OutputFormat.PNG, jpeg_quality=80),
    ],
    [Params(output_format=OutputFormat.JPEG)],
    [Params(output_format=OutputFormat.JPEG, jpeg_quality=76)],
    [Params(test=True), Params(test=True, output_format=OutputFormat.PNG)],
    [Params(max_pixels=4_000_000)],
    [Params(crop_to_foreground=True)],
    [Params(margin=_TEN), Params(margin=Margin(*[_px("10.000")] * 4))],
    [Params(margin=Margin(*[_pc("10")] * 4))],
    [Params(margin=Margin(_px("10")))],
    [Params(margin=Margin(left=_px("10")))],
    [Params(target_size=_BOX)],
    [Params(target_size=Size(50, 100))],
    [Params(target_size=_BOX, vertical_alignment=_TOP)],
    [Params(target_size=_BOX, vertical_alignment=VerticalAlignment.BOTTOM)],
    [Params(target_size=_BOX, margin=_TEN)],
    [
        Params(output_format=_DELTA),
        Params(output_format=_DELTA, background_color=_RED),
        Params(output_format=_DELTA, crop_to_foreground=True),
        Params(output_format=_DELTA, margin=_TEN),
        Params(output_format=_DELTA, target_size=_BOX),
        Params(output_format=_DELTA, target_size=_BOX, vertical_alignment=_TOP),
        Params(output_format=_DELTA, jpeg_quality=5),
    ],
    [Params(output_format=_DELTA, test=True)],
]


def test_other_words_for_the_same_result_are_the_same_work(subtests: pytest.Subtests) -> None:
    for group in SAME_WORK:
        with subtests.test(group=group):
            assert len({canonical(params) for params in group}) == 1


def test_different_results_are_different_work() -> None:
    for one, other in combinations(SAME_WORK, 2):
        assert canonical(one[0]) != canonical(other[0])


@given(params)
def test_the_canonical_form_keeps_what_matters(given_params: Params) -> None:
    # Reading the canonical form back gives parameters that ask for the same work: nothing was lost.
    pairs = [part.split("=", 1) for part in canonical(given_params).split(";") if part]
    back = params_from_text([(BY_WIRE[wire].attribute, text) for wire, text in pairs])
    assert canonical(back) == canonical(given_params)
    assert back.result_format is given_params.result_format
    assert (back.test, back.max_pixels) == (given_params.test, given_params.max_pixels)
    if back.result_format is not _DELTA:
        assert back.background_color == given_params.background_color
        assert back.crop_to_foreground == given_params.crop_to_foreground
        assert back.target_size == given_params.target_size


# --- contradictions ------------------------------------------------------------------------------

CONTRADICTORY: list[tuple[Params, list[str]]] = [  # parameters, the options that must be named
    (Params(output_format=_DELTA, background_color=_RED), ["--background-color"]),
    (Params(output_format=_DELTA, crop_to_foreground=True), ["--crop-to-foreground"]),
    (Params(output_format=_DELTA, margin=_TEN), ["--margin"]),
    (Params(output_format=_DELTA, target_size=_BOX), ["--target-size"]),
    (
        Params(output_format=_DELTA, target_size=_BOX, vertical_alignment=_TOP),
        ["--target-size", "--vertical-alignment"],
    ),
    (Params(output_format=_DELTA, vertical_alignment=_TOP), ["--vertical-alignment"]),
    (Params(output_format=_DELTA, jpeg_quality=80), ["--jpeg-quality"]),
    (
        Params(output_format=_DELTA, background_color=_RED, crop_to_foreground=True, margin=_TEN),
        ["--background-color", "--crop-to-foreground", "--margin"],
    ),
    (Params(vertical_alignment=_TOP), ["--vertical-alignment"]),
    (Params(vertical_alignment=VerticalAlignment.BOTTOM, margin=_TEN), ["--vertical-alignment"]),
    (Params(jpeg_quality=80), ["--jpeg-quality"]),
    (Params(jpeg_quality=80, output_format=OutputFormat.PNG), ["--jpeg-quality"]),
    (Params(jpeg_quality=80, output_format=OutputFormat.PNG, background_color=_RED), ["--jpeg-quality"]),
]


def test_each_contradiction_is_one_sentence_that_names_the_option(subtests: pytest.Subtests) -> None:
    for wrong, named in CONTRADICTORY:
        with subtests.test(wrong=wrong, named=named):
            problems = contradictions(wrong)
            assert len(problems) == len(named)
            for option in named:
                assert sum(option in sentence for sentence in problems) == 1


SENSIBLE = [
    Params(),
    Params(test=True, max_pixels=1000),
    Params(output_format=_DELTA),
    Params(output_format=_DELTA, test=True, max_pixels=1000),
    Params(background_color=_RED, jpeg_quality=80),
    Params(output_format=OutputFormat.JPEG, jpeg_quality=80),
    Params(output_format=OutputFormat.PNG, background_color=_RED),
    Params(target_size=_BOX, vertical_alignment=_TOP, margin=_TEN, crop_to_foreground=True),
]


def test_sensible_combinations_are_not_blamed(subtests: pytest.Subtests) -> None:
    for fine in SENSIBLE:
        with subtests.test(fine=fine):
            assert contradictions(fine) == []


def test_advice_does_not_lead_into_the_next_contradiction() -> None:
    # A delta ignores every result.* parameter: it would be wrong to ask for one more of them.
    problems = contradictions(Params(output_format=_DELTA, vertical_alignment=_TOP))
    assert not any("needs --target-size" in sentence for sentence in problems)
