"""List files: names in any encoding, streamed, and given up when nobody wants them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.pictures import put
from support.walks import posix

from pixian_batch.adapters.walking import read_list

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
    ]
    for content, nul, expected in cases:
        with subtests.test(content=content, nul=nul, expected=expected):
            assert list(read_list(put(tmp_path / "list", content), nul=nul)) == expected


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
