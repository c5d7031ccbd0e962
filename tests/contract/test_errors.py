"""Any error body becomes one printable line, whatever it is made of."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.contract.errors import ApiError, hint, read_error, write_error

if TYPE_CHECKING:
    import pytest

STATUSES = st.integers(100, 599)


def test_the_error_object_of_the_api_page_is_read() -> None:
    body = b'{"error": {"status": 400, "code": 1006, "message": "Failed to read the supplied image. "}}'
    assert read_error(400, body) == ApiError(400, 1006, "Failed to read the supplied image.")


def test_the_http_status_counts_not_the_one_in_the_body() -> None:
    assert read_error(503, b'{"error": {"status": 400, "code": -3, "message": "m"}}') == ApiError(
        503, -3, "m"
    )


def test_any_body_is_survived(subtests: pytest.Subtests) -> None:
    cases: list[tuple[bytes, int | None, str | None]] = [
        (b"", None, "HTTP 502, no message"),
        (b"   \r\n ", None, "HTTP 502, no message"),
        (b"Bad Gateway", None, "Bad Gateway"),
        (
            b"<html><head><style>p{color:red}</style></head><body><h1>502</h1>Bad&nbsp;</body>",
            None,
            "502 Bad&nbsp;",
        ),
        (b"<script>alert(1)</script>Oops", None, "Oops"),
        (b"<html><script>never closed", None, "HTTP 502, no message"),
        (b"text <a href='cut", None, "text"),
        (b"\xff\xfe\x00bad", None, None),
        (b"null", None, "null"),
        (b"[]", None, "[]"),
        (b"3", None, "3"),
        (b'"error"', None, '"error"'),
        (b'{"error": "no such user"}', None, '{"error": "no such user"}'),
        (b'{"error": null}', None, '{"error": null}'),
        (b'{"error": []}', None, '{"error": []}'),
        (b'{"errors": {}}', None, '{"errors": {}}'),
        (b'{"error": {}}', None, "HTTP 502"),
        (b'{"error": {"message": null, "code": null}}', None, "HTTP 502"),
        (b'{"error": {"message": "m"}}', None, "m"),
        (b'{"error": {"code": 1015}}', 1015, "HTTP 502"),
        (b'{"error": {"code": "1015", "message": "m"}}', None, "m"),
        (b'{"error": {"code": true, "message": "m"}}', None, "m"),
        (b'{"error": {"code": 1.5, "message": "m"}}', None, "m"),
        (b'{"error": {"code": [], "message": 12}}', None, "12"),
        (b'{"error": {"code": 1006, "message": "cut of', None, '{"error": {"code": 1006, "message": "cut of'),
        (b'\xef\xbb\xbf{"error": {"code": 7, "message": "with a BOM"}}', 7, "with a BOM"),
        (b'{"error": {"code": NaN, "message": "m"}}', None, "m"),
    ]
    for body, code, message in cases:
        with subtests.test(body=body, code=code, message=message):
            error = read_error(502, body)
            assert (error.status, error.code) == (502, code)
            assert message is None or error.message == message


def test_a_comparison_in_a_message_is_no_tag() -> None:
    body = json.dumps({"error": {"code": 1019, "message": "max_pixels must be < 25000001 and > 99"}}).encode()
    assert read_error(400, body).message == "max_pixels must be < 25000001 and > 99"


def test_a_code_too_big_for_any_database_is_no_code(subtests: pytest.Subtests) -> None:
    for digits in [19, 25, 4000, 6000]:
        with subtests.test(digits=digits):
            # Python's integers have no limit, but SQLite's have 64 bits: recording the error must not fail.
            error = read_error(400, b'{"error": {"code": %s, "message": "m"}}' % (b"9" * digits))
            assert error.code is None
            assert read_error(400, b'{"error": {"code": -%s, "message": "m"}}' % (b"9" * digits)).code is None


def test_nesting_of_any_depth_is_survived() -> None:
    limit = sys.getrecursionlimit()
    for depth in {*range(limit - 250, limit + 250, 3), 10 * limit, 100 * limit}:
        read_error(500, b'{"error": {"message": %s1%s}}' % (b"[" * depth, b"]" * depth))
        read_error(500, b"[" * depth)
        read_error(500, b'{"a":' * depth)


def test_a_huge_message_is_cut_to_a_line() -> None:
    for body in (b"x" * 1_000_000, b'{"error": {"message": "%s"}}' % (b"y" * 1_000_000), b"<" * 1_000_000):
        assert len(read_error(500, body).message) <= 200
    long = read_error(500, b"z" * 201).message
    assert long == "z" * 199 + "…"
    assert read_error(500, b"z" * 200).message == "z" * 200


HOSTILE = "\x1b[31mred\x07\u202e\u2028two\nlines\ttab\x00\ud800"


def test_control_characters_do_not_reach_the_terminal() -> None:
    error = read_error(400, json.dumps({"error": {"message": HOSTILE}}).encode())
    assert error.message == "[31mred two lines tab"


@given(STATUSES, st.binary(max_size=300))
def test_any_bytes_give_one_printable_line(status: int, body: bytes) -> None:
    _check(read_error(status, body), status)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(STATUSES, st.fixed_dictionaries({"error": st.fixed_dictionaries({"code": _json, "message": _json})}))
def test_any_values_in_the_object_give_one_printable_line(status: int, value: object) -> None:
    _check(read_error(status, json.dumps(value).encode()), status)


def _check(error: ApiError, status: int) -> None:
    assert error.status == status
    assert error.message
    assert error.message.isprintable()
    assert len(error.message) <= 200
    assert error.hint
    assert error.code is None or type(error.code) is int


@given(
    STATUSES,
    st.none() | st.integers(-10, 2000),
    st.from_regex(r"[A-Za-z0-9]+( [A-Za-z0-9]+){0,5}", fullmatch=True),
)
def test_what_is_written_is_read_back(status: int, code: int | None, message: str) -> None:
    error = ApiError(status, code, message[:200].strip())
    written = write_error(error)
    assert json.loads(written) == {"error": {"status": status, "code": code, "message": error.message}}
    assert read_error(status, written) == error


def test_the_hint_says_what_to_do(subtests: pytest.Subtests) -> None:
    cases: list[tuple[int, int | None, str]] = [
        (401, None, "PIXIAN_API_SECRET"),
        (402, None, "credits"),
        (402, 1008, "credits"),
        (400, 1006, "viewer"),
        (413, 1013, "32 million"),
        (413, None, "smaller"),
        (413, 1012, "smaller"),
        (429, 1015, "--concurrency-max"),
        (418, None, "request has to change"),
        (400, None, "read the message"),
        (500, None, "again later"),
        (599, None, "again later"),
        (503, -3, "again later"),
        (302, None, "again later"),
    ]
    for status, code, word in cases:
        with subtests.test(status=status, code=code, word=word):
            assert word in hint(status, code)
            assert ApiError(status, code, "m").hint == hint(status, code)


def test_a_code_that_a_database_can_hold_is_kept() -> None:
    assert read_error(400, b'{"error": {"code": 9223372036854775807}}').code == 2**63 - 1
    assert read_error(400, b'{"error": {"code": -9223372036854775808}}').code is None
