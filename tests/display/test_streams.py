"""What is told of a stream, and what stands in for what it cannot encode; `tests/cli/test_streams.py` has the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.display.streams import ESCAPES, is_plain_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", b"a-b|c... \\xe9\\u2713..."),
        ("cp1252", b"a\x97b\xb7c\x85 \xe9\\u2713\x85"),
        ("utf-8", "a—b·c… é✓…".encode()),
    ],
)
def test_stand_ins_come_before_escapes(encoding: str, shown: bytes) -> None:
    assert "a—b·c… é✓…".encode(encoding, ESCAPES) == shown


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "Cs"))))
def test_any_text_can_be_written_anywhere(text: str) -> None:
    for encoding in ("ascii", "cp1252", "utf-8"):
        assert text.encode(encoding, ESCAPES).decode(encoding)[:1] in {text[:1], "\\", "-", "|", "."}


@pytest.mark.parametrize("option", ["-u", "-X utf8"])
def test_what_is_said_is_seen_at_once(option: str) -> None:
    code = "import sys; from pixian_batch.display import streams; streams.prepare(); sys.stderr.write('now\\n'); input()"
    with subprocess.Popen(
        [sys.executable, *option.split(), "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().strip() == b"now"
        process.communicate(b"\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and devices")
def test_only_plain_files_may_be_replaced(tmp_path: Path) -> None:
    pipe, file, link = (str(tmp_path / name) for name in ("pipe", "file", "link"))
    os.mkfifo(pipe)
    os.symlink(file, link)
    expected = {
        pipe: False,
        file: True,
        link: True,
        os.devnull: False,
        "/dev/stdout": False,
        "/dev/fd/1": False,
        os.path.join("/dev", "shm", "new.prom"): True,
        "/development/new.prom": True,
    }
    assert {path: is_plain_file(path) for path in expected} == expected
