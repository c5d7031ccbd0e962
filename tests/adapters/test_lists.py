"""List files: names in any encoding, streamed, and given up when nobody wants them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.pictures import put
from support.walks import posix

from pixian_batch.adapters.walking import ListError, read_list

if TYPE_CHECKING:
    from pathlib import Path


def test_list_files(tmp_path: Path, subtests: pytest.Subtests) -> None:
    cases: list[tuple[bytes, bool, list[str]]] = [
        (b"a\nb\n", False, ["a", "b"]),
        (b"a\nb", False, ["a", "b"]),
        (b"a\r\n\r\n\nb b \n", False, ["a", "b b "]),
        (b"a\nb\0c\r\0\0", True, ["a\nb", "c\r"]),
        (b"", False, []),
        (b"", True, []),
        (b"\n\n", False, []),
        (b"caf\xe9\n", False, [os.fsdecode(b"caf\xe9")]),
        (b"\xef\xbb\xbfa\r\n\xef\xbb\xbfb\r\n", False, ["a", "\ufeffb"]),
        (b"\xef\xbb\xbfa\0b", True, ["a", "b"]),
        (b"\xef\xbb\xbf", False, []),
        ("写真.jpg\r\n".encode(), False, ["写真.jpg"]),
        (b"a.jpg", True, ["a.jpg"]),
    ]
    for content, nul, expected in cases:
        with subtests.test(content=content, nul=nul, expected=expected):
            assert list(read_list(put(tmp_path / "list", content), nul=nul)) == expected


def test_what_is_no_such_list_is_named_before_any_name_of_it_is_given(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    many = [f"{'n' * 70}{number}.jpg" for number in range(5000)]
    lines = "a.jpg\r\nb.jpg\r\n"
    cases: list[tuple[bytes, bool, str, str]] = [
        (lines.encode("utf-16"), False, "UTF-16", "save it as UTF-8"),
        (lines.encode("utf-16-le"), False, "UTF-16", "save it as UTF-8"),
        (lines.encode("utf-16-be"), False, "UTF-16", "save it as UTF-8"),
        ("\r\n".join(many).encode("utf-16"), True, "UTF-16", "save it as UTF-8"),
        (b"a.jpg\0b.jpg\0", False, "separated by NUL", "-0"),
        ("\0".join(many).encode(), False, "separated by NUL", "-0"),
        (b"a.jpg\nb.jpg\n", True, "separated by line ends", "leave -0"),
        ("\n".join(many).encode(), True, "separated by line ends", "leave -0"),
        (b"x" * 200_000, False, "no list", "one name a line"),
        (b"x" * 200_000, True, "no list", "one name a line"),
    ]
    for content, nul, message, hint in cases:
        with subtests.test(content=content[:30], nul=nul):
            names = read_list(put(tmp_path / "list", content), nul=nul)
            with pytest.raises(ListError, match=message) as caught:
                next(names)
            assert hint in caught.value.hint


def test_a_long_list_is_streamed_across_blocks(tmp_path: Path) -> None:
    names = [f"{'n' * 70}{number}" for number in range(5000)]
    assert list(read_list(put(tmp_path / "list", "\n".join(names).encode()))) == names


def test_a_missing_list_file_raises() -> None:
    with pytest.raises(OSError, match="nowhere"):
        list(read_list("/nowhere/list"))


@posix
def test_a_list_that_nobody_writes_to_can_be_given_up() -> None:
    reader, writer = os.pipe()
    asked: list[int] = []
    try:
        os.write(writer, b"first\n")
        names = read_list(f"/dev/fd/{reader}", go_on=lambda: not asked)
        assert next(names) == "first"
        asked.append(1)
        assert list(names) == []
    finally:
        os.close(reader)
        os.close(writer)
