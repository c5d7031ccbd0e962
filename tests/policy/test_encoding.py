"""UTF-8 with and without its mark is read, UTF-16 is recognised, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from pixian_batch.policy.encoding import Utf16Error, is_utf16, text_of, without_mark


def test_a_mark_is_no_part_of_the_text() -> None:
    assert without_mark("\ufeffa".encode()) == b"a"
    assert text_of("\ufeffé\r\n".encode()) == "é\r\n"
    assert text_of(b"") == ""
    assert text_of(b"\xff", errors="replace") == "\ufffd"


def test_utf16_is_recognised(subtests: pytest.Subtests) -> None:
    for text in ("a.jpg\r\nb.jpg\r\n", "C:\\x\\y.jpg\n", "写真/日本.jpg\r\n"):
        for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
            with subtests.test(text=text, encoding=encoding):
                assert is_utf16(text.encode(encoding))
                with pytest.raises(Utf16Error, match="UTF-16"):
                    text_of(text.encode(encoding))


def test_other_texts_are_not_utf16(subtests: pytest.Subtests) -> None:
    for data in (
        b"",
        b"a\nb\n",
        b"a.jpg\0b.jpg\0",
        "写真.jpg\n".encode(),
        b"caf\xe9\n",
        b"\0" * 20,
        b"a\0b\0",
    ):
        with subtests.test(data=data):
            assert not is_utf16(data)
