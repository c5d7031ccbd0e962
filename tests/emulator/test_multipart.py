from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.emulator.multipart import (
    MAX_HEADER_BYTES,
    MultipartError,
    MultipartParser,
    PartBegin,
    PartData,
    PartEnd,
    boundary_of,
    disposition,
)

BOUNDARY = b"B0und"


def parse(body: bytes, cuts: list[int] | None = None) -> list[tuple[dict[str, str], bytes]]:
    parser = MultipartParser(BOUNDARY)
    edges = sorted({min(cut, len(body)) for cut in cuts or []} | {0, len(body)})
    parts: list[tuple[dict[str, str], bytes]] = []
    open_part = False
    for start, end in pairwise(edges):
        for event in parser.feed(body[start:end]):
            match event:
                case PartBegin(headers):
                    assert not open_part
                    open_part = True
                    parts.append((headers, b""))
                case PartData(data):
                    assert data
                    assert open_part
                    parts[-1] = (parts[-1][0], parts[-1][1] + data)
                case PartEnd():
                    open_part = False
    parser.close()
    assert not open_part
    return parts


def written(parts: list[bytes], preamble: bytes = b"", epilogue: bytes = b"") -> bytes:
    body = b"".join(b"--" + BOUNDARY + b"\r\nX-Name: v\r\n\r\n" + part + b"\r\n" for part in parts)
    return preamble + body + b"--" + BOUNDARY + b"--\r\n" + epilogue


# Line ends, dashes and pieces of the boundary are what a careless parser stumbles over.
nasty = st.lists(st.sampled_from([b"\r", b"\n", b"--", b"B0un", b"B0und", b"x", b"\r\n--B0un", b"\r\n"])).map(
    b"".join
)


@given(
    st.lists(
        nasty.filter(lambda part: b"\r\n--B0und" not in b"\r\n" + part + b"\r\n"), min_size=1, max_size=4
    ),
    st.lists(st.integers(0, 300), max_size=30),
)
def test_parts_come_back_however_the_body_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    body = written(parts, epilogue=b"the end")
    assert parse(body, cuts) == [({"x-name": "v"}, part) for part in parts]
    assert parse(body, list(range(len(body)))) == [({"x-name": "v"}, part) for part in parts]


def test_a_preamble_is_skipped() -> None:
    assert parse(written([b"data"], preamble=b"hello\r\n"), list(range(80))) == [({"x-name": "v"}, b"data")]


def test_a_part_may_have_no_headers_at_all() -> None:
    assert parse(b"--B0und\r\n\r\ndata\r\n--B0und--") == [({}, b"data")]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_give_parts_or_a_multipart_error(body: bytes, cuts: list[int]) -> None:
    with suppress(MultipartError):
        parse(b"--B0und\r\n" + body, cuts)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not in the body"),
        (b"nothing of the kind", "not in the body"),
        (b"--B0und\r\nA: b\r\n\r\nda", "before its last boundary"),
        (b"--B0und\r\nA: b\r\n\r\nda\r\n--B0und", "before its last boundary"),
        (b"--B0und\r\nno colon\r\n\r\nda\r\n--B0und--", "colon"),
        (b"--B0undary\r\nA: b\r\n\r\nda\r\n--B0und--", "line end"),
        (b"--B0und\r\nA: " + b"b" * MAX_HEADER_BYTES + b"\r\n\r\n", "bytes of headers"),
        (b"--B0und\r\nA: " + b"b" * (MAX_HEADER_BYTES + 10), "bytes of headers"),
    ],
)
def test_a_malformed_body_says_what_is_wrong(body: bytes, reason: str) -> None:
    with pytest.raises(MultipartError, match=reason):
        parse(body)


def test_memory_stays_bounded_while_a_boundary_never_comes() -> None:
    parser = MultipartParser(BOUNDARY)
    for _ in range(50):
        list(parser.feed(b"z" * 100_000))
    assert len(parser._buffer) < 100


def test_the_boundary_is_read_from_the_content_type() -> None:
    assert boundary_of("multipart/form-data; boundary=abc") == b"abc"
    assert boundary_of('multipart/form-data; charset=x; BOUNDARY="a b;c"') == b"a b;c"
    for wrong in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"m/f; boundary={'x' * 71}",
        "m/f; boundary=é",
    ):
        with pytest.raises(MultipartError):
            boundary_of(wrong)


def test_names_and_file_names_are_read() -> None:
    assert disposition({"content-disposition": 'form-data; name="a\\"b"; filename="c;d.png"'}) == (
        'a"b',
        "c;d.png",
    )
    assert disposition({"content-disposition": "form-data; name=plain"}) == ("plain", None)
    assert disposition({"content-disposition": "attachment; name=x"}) == (None, None)
    assert disposition({}) == (None, None)
