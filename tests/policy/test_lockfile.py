"""The lock as text: the same lines give the same bytes, every name is one line, and what is no lock is told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.policy.lockfile import (
    FindingKind,
    LockError,
    LockLine,
    SeenFile,
    judge,
    locked_twice,
    merged,
    read_lock,
    write_lock,
)

LINE = LockLine(
    input="photos/a.jpg",
    input_hash="0" * 64,
    parameters="output.format=png",
    output="cut/a.png",
    output_hash="f" * 64,
    credits="0.250",
)
names = st.binary(min_size=1).map(lambda name: name.decode("utf-8", "surrogateescape"))


def named(*inputs: str) -> list[LockLine]:
    return [replace(LINE, input=name, output=f"cut/{name}") for name in inputs]


@given(st.lists(names, unique=True))
def test_whatever_files_are_called_each_is_one_line_and_comes_back(inputs: list[str]) -> None:
    lines = named(*inputs)
    content = write_lock(lines)
    assert content.count(b"\n") == len(lines) + 1
    assert {line.files: line for line in read_lock(content)} == {line.files: line for line in lines}
    assert write_lock(reversed(read_lock(content))) == content
    assert write_lock(read_lock(content.replace(b"\n", b"\r\n"))) == content  # checked out on Windows
    assert content.splitlines()[1:] == sorted(content.splitlines()[1:])


def test_the_file_reads_as_it_is_documented() -> None:
    head, line = write_lock([replace(LINE, input="Fotos/Müller 100 %\n.jpg")]).decode().splitlines()
    assert head == "# pixian-lock v1: input, BLAKE3, parameters, output, BLAKE3, credits"
    fields = ["Fotos/Müller 100 %25%0A.jpg", "0" * 64, "output.format=png", "cut/a.png", "f" * 64, "0.250"]
    assert line.split("\t") == fields


def test_what_is_no_lock_is_said_with_what_to_do() -> None:
    whole = write_lock([LINE])
    cases = {
        b"": "first line",
        b"\xff\xd8\xff": "UTF-8",
        whole.replace(b"v1", b"v2"): "format 2",
        whole + b"a\tb\n": "line 3 has 2 fields",
        whole.replace(b"f" * 64, b"f" * 63): "BLAKE3",
        whole.replace(b"0.250", b"much"): "damaged",
        whole + b"<<<<<<< HEAD\n": "line 3: git could not merge",
        b"<<<<<<< HEAD\n" + whole: "line 1: git could not merge",
    }
    for content, words in cases.items():
        with pytest.raises(LockError, match=words) as caught:
            read_lock(content)
        assert caught.value.hint
    # a photo may be called like a mark of git
    assert read_lock(write_lock(named("<<<<<<< HEAD", "=======")))


def test_a_run_over_a_part_keeps_the_rest_but_what_is_gone_altogether() -> None:
    old = named("a", "b", "c", "d")
    fresh = [replace(old[0], output_hash="1" * 64)]
    kept = merged(old, fresh, {"b", "cut/b", "cut/c"}.__contains__)
    assert [(line.input, line.output_hash[0]) for line in kept] == [("a", "1"), ("b", "f"), ("c", "f")]


def test_each_difference_is_judged_by_itself() -> None:
    good = SeenFile("0" * 64), SeenFile("f" * 64)
    assert list(judge(LINE, *good)) == []
    other, gone, blocked = SeenFile("1" * 64), SeenFile(None), SeenFile(None, "no access", "chmod")
    pointer = SeenFile("1" * 64, is_pointer=True)
    for seen, kinds in {
        other: (FindingKind.INPUT_CHANGED, FindingKind.OUTPUT_ALTERED),
        gone: (FindingKind.INPUT_MISSING, FindingKind.OUTPUT_MISSING),
        blocked: (FindingKind.UNREADABLE, FindingKind.UNREADABLE),
        pointer: (FindingKind.POINTER, FindingKind.POINTER),
    }.items():
        found = list(judge(LINE, seen, seen))
        assert tuple(finding.kind for finding in found) == kinds
        assert [finding.file for finding in found] == ["photos/a.jpg", "cut/a.png"]
        assert all(finding.message and finding.hint for finding in found)


def test_two_truths_about_one_result_are_found() -> None:
    other = replace(LINE, input_hash="1" * 64)
    assert [finding.file for finding in locked_twice([LINE, other, *named("b")])] == ["cut/a.png"]
    assert list(locked_twice([LINE, LINE])) == []
