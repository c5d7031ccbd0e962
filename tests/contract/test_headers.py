"""The result headers: exact names, exact amounts, and nothing in them that could lose a paid image."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pixian_batch.contract.headers import (
    Box,
    ResultHeaders,
    read_result_headers,
    read_retry_after,
    write_result_headers,
)
from pixian_batch.contract.params import Size

# As the vendor's page spells them: facts, not the module's constants.
FULL = {
    "X-Credits-Charged": "0.25",
    "X-Credits-Calculated": "0.3",
    "X-Input-Orientation": "6",
    "X-Input-Size": "4000 3000",
    "X-Result-Size": "1200 800",
    "X-Input-Foreground": "10 20 300 400",
    "X-Result-Foreground": "0 1 299 399",
}
TYPED = ResultHeaders(
    credits_charged=Decimal("0.25"),
    credits_calculated=Decimal("0.3"),
    input_orientation=6,
    input_size=Size(width=4000, height=3000),
    result_size=Size(width=1200, height=800),
    input_foreground=Box(top=10, left=20, width=300, height=400),
    result_foreground=Box(top=0, left=1, width=299, height=399),
)


def test_all_seven_headers_are_read() -> None:
    assert read_result_headers(FULL, test=True) == TYPED


def test_all_seven_headers_are_written() -> None:
    assert write_result_headers(TYPED) == FULL
    assert write_result_headers(ResultHeaders()) == {}


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_names_are_read_in_any_case(change: object) -> None:
    headers = {change(name): f" {value} " for name, value in FULL.items()}  # type: ignore[operator]
    assert read_result_headers(headers, test=True) == TYPED


def test_missing_headers_are_warned_about_by_name() -> None:
    result = read_result_headers({})
    assert result.credits_charged is None
    assert len(result.warnings) == 6  # a price is calculated only for tests
    assert not any("X-Credits-Calculated" in warning for warning in result.warnings)
    assert any("X-Credits-Charged" in warning for warning in result.warnings)
    assert len(read_result_headers({}, test=True).warnings) == 7


def test_a_calculated_price_nobody_asked_for_is_still_read() -> None:
    assert read_result_headers(FULL).credits_calculated == Decimal("0.3")


def test_credits_are_exact_decimals(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("0", "0"),
        ("1", "1"),
        ("0.1", "0.1"),
        ("0.10", "0.10"),
        ("000.5", "0.5"),
        ("123456789012.123456789012", "123456789012.123456789012"),
        # What a service that keeps doubles prints for 0.1 + 0.2: it must not become "unknown".
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.012345678901234568", "0.012345678901234568"),
    ]
    for text, amount in cases:
        with subtests.test(text=text, amount=amount):
            result = read_result_headers({**FULL, "X-Credits-Charged": text})
            assert result.credits_charged == Decimal(amount)
            assert str(result.credits_charged).lstrip("0") == text.lstrip("0") or text == "0"
            assert result.warnings == ()


BROKEN = [
    (
        "X-Credits-Charged",
        ["", "-1", "+1", "1e3", "NaN", "Infinity", "1,5", "0x1", "one", "1 2", "\u0661", "1" * 99],
    ),
    ("X-Credits-Calculated", ["", "-0.1", "sNaN", "1.", ".5", "1.2.3"]),
    ("X-Input-Orientation", ["", "0", "9", "-1", "1.0", "1 2", "six", "\u0663", "9" * 5000]),
    (
        "X-Input-Size",
        ["", "1", "1 2 3", "0 5", "5 0", "4000x3000", "-1 5", "1.5 2", "9" * 5000 + " 1", "1\t2"],
    ),
    ("X-Result-Size", ["", "1", "0 0", "a b", "1,2"]),
    ("X-Input-Foreground", ["", "1 2 3", "1 2 3 4 5", "-1 0 5 5", "1 2 3 x", "1.0 2 3 4"]),
    ("X-Result-Foreground", ["null", "1 2 3", "{}", "1;2;3;4"]),
]


def test_a_broken_header_costs_only_itself(subtests: pytest.Subtests) -> None:
    for name, text in [(name, text) for name, texts in BROKEN for text in texts]:
        with subtests.test(name=name, text=text):
            result = read_result_headers({**FULL, name: text}, test=True)
            written = write_result_headers(result)
            assert written == {other: value for other, value in FULL.items() if other != name}
            (warning,) = result.warnings
            assert name in warning
            assert warning.isprintable()
            assert len(warning) < 250


def test_a_header_that_is_repeated_is_a_warning_and_the_higher_price_counts(
    subtests: pytest.Subtests,
) -> None:
    cases = [
        (["0.1", "0.3"], "0.3"),
        (["0.3", "0.1"], "0.3"),
        (["0.2", "0.2"], "0.2"),
        (["0.2, 0.4"], "0.4"),
        (["0.2", "nonsense"], "0.2"),
    ]
    for texts, amount in cases:
        with subtests.test(texts=texts):
            rest = [(name, text) for name, text in FULL.items() if name != "X-Credits-Charged"]
            headers = CIMultiDict([*rest, *(("x-credits-charged", text) for text in texts)])
            result = read_result_headers(headers)
            assert result.credits_charged == Decimal(amount)
            [warning] = result.warnings
            assert "2 X-Credits-Charged headers" in warning
            assert all(text in warning for text in texts)


def test_what_retry_after_asks_for_has_a_bound(subtests: pytest.Subtests) -> None:
    for text, seconds in [("7", 7.0), ("3600", 3600.0), ("3601", 3600.0), ("9" * 20, 3600.0), ("-1", None)]:
        with subtests.test(text=text):
            assert read_retry_after({"retry-after": text}) == seconds


@given(
    st.dictionaries(
        st.sampled_from([*FULL, *map(str.lower, FULL), "Retry-After", "Content-Type"]) | st.text(), st.text()
    ),
    st.booleans(),
)
def test_no_header_can_raise(headers: dict[str, str], test: bool) -> None:  # noqa: FBT001  # hypothesis gives it
    result = read_result_headers(headers, test=test)
    assert all(warning.isprintable() for warning in result.warnings)
    read_retry_after(headers)
    charged = result.credits_charged
    assert charged is None or (charged.is_finite() and charged >= 0)


_amounts = st.none() | st.decimals(min_value=0, max_value=10**9, places=6).map(abs)
_sizes = st.none() | st.builds(Size, st.integers(1, 99_999), st.integers(1, 99_999))
_boxes = st.none() | st.builds(Box, *[st.integers(0, 99_999)] * 4)


@given(
    st.builds(
        ResultHeaders,
        credits_charged=_amounts,
        credits_calculated=_amounts,
        input_orientation=st.none() | st.integers(1, 8),
        input_size=_sizes,
        result_size=_sizes,
        input_foreground=_boxes,
        result_foreground=_boxes,
    )
)
def test_what_is_written_is_read_back(sent: ResultHeaders) -> None:
    written = write_result_headers(sent)
    assert set(written) <= set(FULL)
    back = read_result_headers(written, test=True)
    assert write_result_headers(back) == written
    for name in ResultHeaders.__dataclass_fields__:
        if name != "warnings":
            assert getattr(back, name) == getattr(sent, name)
    assert len(back.warnings) == 7 - len(written)


def test_amounts_are_written_without_an_exponent() -> None:
    amounts = ResultHeaders(credits_charged=Decimal("1E+3"), credits_calculated=Decimal("1E-7"))
    assert write_result_headers(amounts) == {
        "X-Credits-Charged": "1000",
        "X-Credits-Calculated": "0.0000001",
    }


def test_retry_after_is_whole_seconds_or_nothing(subtests: pytest.Subtests) -> None:
    cases: list[tuple[dict[str, str], float | None]] = [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": " 120 "}, 120.0),
        ({"RETRY-AFTER": "0"}, 0.0),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": "\u0663"}, None),
        ({"X-Retry-After": "7"}, None),
    ]
    for headers, seconds in cases:
        with subtests.test(headers=headers, seconds=seconds):
            assert read_retry_after(headers) == seconds
