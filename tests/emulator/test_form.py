"""A multipart body, taken apart while it arrives: whole however it is cut, strict, and small in memory."""

from __future__ import annotations

import sys
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.emulator.form import MultipartReader
from pixian_batch.emulator.refusals import KNOWN_FIELDS, Refusal
from pixian_batch.emulator.settings import EmulatorSettings

BOUNDARY = b"B0und"
CONTENT_TYPE = "multipart/form-data; boundary=B0und"
SETTINGS = EmulatorSettings(max_upload_bytes=10_000_000)


def parse(body: bytes, cuts: list[int] | None = None) -> dict[str, bytes]:
    """The fields of a body that comes in pieces, the image among them."""
    reader = MultipartReader(CONTENT_TYPE, SETTINGS)
    edges = sorted({min(cut, len(body)) for cut in cuts or []} | {0, len(body)})
    try:
        for start, end in pairwise(edges):
            reader.feed(body[start:end])
        reader.feed(b"")
        fields = {name: text.encode() for name, text in reader.form.texts.items()}
        if reader.form.upload is not None:
            fields["image"] = reader.form.upload.open().read()
        return fields
    finally:
        reader.form.close()


def head(name: str, *more: str) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{name}"', *more]
    return b"--" + BOUNDARY + b"\r\n" + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def written(fields: dict[str, bytes], preamble: bytes = b"", epilogue: bytes = b"") -> bytes:
    body = b"".join(head(name) + value + b"\r\n" for name, value in fields.items())
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
    fields = dict(zip(KNOWN_FIELDS, parts, strict=False))
    body = written(fields, epilogue=b"the end")
    assert parse(body, cuts) == fields
    assert parse(body, list(range(len(body)))) == fields


def test_a_preamble_is_skipped() -> None:
    assert parse(written({"image": b"data"}, preamble=b"hello\r\n"), list(range(99))) == {"image": b"data"}


def test_a_file_name_may_be_in_any_encoding() -> None:
    disposition = b'Content-Disposition: form-data; name="image"; filename="'
    for name in ("ü.png".encode(), "ü.png".encode("latin-1"), b'a\\"b; name=test.png', b"\xff\xfe"):
        body = b"--B0und\r\n" + disposition + name + b'"\r\n\r\ndata\r\n--B0und--'
        assert parse(body) == {"image": b"data"}, name


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_give_fields_or_a_refusal(body: bytes, cuts: list[int]) -> None:
    for start in (b"--B0und\r\n", head("image"), head("test", "X: y")):
        with suppress(Refusal):
            parse(start + body, cuts)


def test_a_malformed_body_says_what_is_wrong() -> None:
    image = head("image")
    for body, reason in (
        (b"", "not in the body"),
        (b"nothing of the kind", "not in the body"),
        (image + b"da", "before its last boundary"),
        (image + b"da\r\n--B0und", "before its last boundary"),
        (b"--B0und\r\nno colon\r\n\r\nda\r\n--B0und--", "header"),
        (b"--B0und\r\n\r\nda\r\n--B0und--", "Content-Disposition"),
        (b"--B0und\r\nContent-Disposition: attachment; name=test\r\n\r\nda\r\n--B0und--", "type"),
        (b"--B0und\r\nContent-Disposition: form-data\r\n\r\nda\r\n--B0und--", "no name"),
        (b"--B0undary\r\nA: b\r\n\r\nda\r\n--B0und--", "after first boundary"),
        (image + b"da\r\n--B0undary\r\n", "after boundary"),
        (written({"image": b"da"}).replace(b"\r\n", b"\n"), "line break"),
        (b"--B0und\r\nA: " + b"b" * 5000 + b"\r\n\r\n", "header length"),
        (b"--B0und\r\nA: " + b"b" * 5000, "header length"),
        (b"--B0und\r\n" + b"A: b\r\n" * 9, "header count"),
        (head("image", "Content-Length: 3") + b"data\r\n--B0und--", "Content-Length"),
    ):
        with pytest.raises(Refusal) as refused:
            parse(body)
        assert (refused.value.error.status, refused.value.error.code) == (400, 1019), body
        assert reason in refused.value.error.message, body


def test_a_form_has_no_end_of_parts_and_fields_no_end_of_text() -> None:
    for field, reason in ((b"x" * 4097, "longer than"), (b"\xff", "UTF-8")):
        with pytest.raises(Refusal, match=reason):
            parse(written({"test": field}))
    reader = MultipartReader(CONTENT_TYPE, SETTINGS)
    with pytest.raises(Refusal, match="more than once"):
        reader.feed((head("test") + b"true\r\n") * 65)


def test_memory_stays_bounded_while_a_boundary_never_comes() -> None:
    for start in (b"", head("image")):
        reader = MultipartReader(CONTENT_TYPE, SETTINGS)
        for block in (start, *[b"z" * 100_000] * 50):
            if block:
                reader.feed(block)
        held = [value for value in vars(reader._parser).values() if isinstance(value, bytes | bytearray)]
        assert sum(map(sys.getsizeof, held)) < 1000
        reader.form.close()


def test_the_boundary_is_read_from_the_content_type() -> None:
    for right, boundary in (
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=x; BOUNDARY="a b;c"', b"a b;c"),
    ):
        reader = MultipartReader(right, SETTINGS)
        reader.feed(b"--" + boundary + b"--")
        reader.feed(b"")
    for wrong in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 71}",
        "multipart/form-data; boundary=é",
        'multipart/form-data; boundary="\udcff"',
    ):
        with pytest.raises(Refusal, match="boundary"):
            MultipartReader(wrong, SETTINGS)


def test_names_are_read_as_clients_write_them() -> None:
    for name in ("name=test", 'name="test"', 'filename="c;d.png"; name="test"', "NAME=test"):
        body = f"--B0und\r\nContent-Disposition: form-data; {name}\r\n\r\ntrue\r\n--B0und--".encode()
        assert parse(body) == {"test": b"true"}, name
    for wrong, shown in (('a\\"b', """'a"b'"""), ("größe", "'größe'")):
        with pytest.raises(Refusal) as refused:
            parse(head(wrong))
        assert shown in refused.value.error.message
