"""Copies: each a file of its own, whole and durable before it has its name, for as few syncs as can be."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import content_of, put

from pixian_batch.adapters.landing import DiskError, copying
from pixian_batch.adapters.landing.copying import copy_all, copy_one
from pixian_batch.adapters.landing.filesystems import can_sync_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = b"paid for" * 1000
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone syncs a file system as a whole")


def copies(folder: Path, count: int, *, folders: int = 1) -> list[tuple[str, str]]:
    source = put(folder / "a.png", CONTENT)
    return [(source, str(folder / f"out{number % folders}" / f"{number}.png")) for number in range(count)]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to the disk, in order: file, folder and whole syncs, and renames."""
    seen: list[str] = []

    def around(owner: Any, name: str, called: Callable[..., str]) -> None:
        inner = getattr(owner, name)

        def wrapped(*arguments: Any) -> Any:
            seen.append(called(*arguments))
            return inner(*arguments)

        monkeypatch.setattr(owner, name, wrapped)

    def synced(descriptor: int) -> str:
        return "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"

    around(os, "fsync", synced)
    around(os, "replace", lambda *_: "rename")
    around(copying, "sync_whole", lambda _: "whole")
    return seen


def test_each_copy_is_a_file_of_its_own(tmp_path: Path) -> None:
    """An editor that writes in place changes the one file that it has opened, not its thousand twins."""
    wanted = copies(tmp_path, 20)
    assert copy_all(wanted, set()) == [len(CONTENT)] * 20
    (source, first), *_rest = wanted
    with open(first, "r+b") as stream:
        stream.write(b"EDITED")
        stream.truncate(6)
    assert content_of(first) == b"EDITED"
    assert {content_of(target) for _source, target in wanted[1:]} == {content_of(source)} == {CONTENT}
    assert sorted(os.listdir(tmp_path / "out0")) == sorted(f"{number}.png" for number in range(20))


@pytest.mark.parametrize("count", [3, 100])
def test_what_is_renamed_is_durable_and_syncs_are_shared(
    tmp_path: Path, events: list[str], count: int
) -> None:
    copy_all(copies(tmp_path, count, folders=2), set())
    seen = Counter(events)
    assert seen["rename"] == count
    assert seen["folder"] == (0 if sys.platform == "win32" else 2)
    first = events.index("rename")
    if count > 3 and can_sync_whole(str(tmp_path)):
        assert (seen["whole"], seen["file"]) == (1, 0)
        assert events[0] == "whole"
    else:
        assert seen["file"] == count
        assert "file" not in events[first:], "all are durable before the first has its name"


def test_where_the_whole_cannot_be_synced_each_file_is(
    tmp_path: Path, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(errno.EIO, "it tells that something was not written")

    monkeypatch.setattr(copying, "can_sync_whole", lambda _folder: True)
    monkeypatch.setattr(copying, "sync_whole", fails)
    assert copy_all(copies(tmp_path, 20), set()) == [len(CONTENT)] * 20
    assert Counter(events)["file"] == 20


@linux
def test_file_systems_that_are_not_known_to_keep_the_promise_are_not_trusted() -> None:
    assert not can_sync_whole("/proc")
    assert not can_sync_whole("/there/is/no/such/folder")


def test_a_copy_that_cannot_be_made_does_not_hold_the_others_up(tmp_path: Path) -> None:
    wanted = copies(tmp_path, 12)
    (tmp_path / "out0" / "3.png").mkdir(parents=True)
    wanted[5] = str(tmp_path / "gone.png"), wanted[5][1]
    said = copy_all(wanted, set())
    assert isinstance(said[3], DiskError)
    assert said[5] is None
    assert [size for number, size in enumerate(said) if number not in {3, 5}] == [len(CONTENT)] * 10
    names = os.listdir(tmp_path / "out0")
    assert sorted(names) == sorted(f"{number}.png" for number in range(12) if number != 5)


def test_the_low_water_mark_holds_for_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = copies(tmp_path, 3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=10**9, free=10**6))
    said = copy_all(wanted, set(), spare=10**6)
    assert all(isinstance(one, DiskError) and "--min-free" in str(one) for one in said)
    assert os.listdir(tmp_path / "out0") == []
    assert copy_all(wanted, set(), spare=10**5) == [len(CONTENT)] * 3


def test_a_full_disk_leaves_no_half_copy(small_disk: str, tmp_path: Path) -> None:
    source = put(tmp_path / "a.png", b"x" * 2_000_000)
    [said] = copy_all([(source, os.path.join(small_disk, "a.png"))], set())
    assert isinstance(said, DiskError)
    assert os.listdir(small_disk) == []


def test_what_is_there_is_never_written_into(tmp_path: Path) -> None:
    """It may be another name of a result."""
    one = put(tmp_path / "one.png", b"one")
    other = put(tmp_path / "other.png", b"other")
    os.link(other, tmp_path / "target.png")
    copy_one(str(one), str(tmp_path / "target.png"))
    assert content_of(other) == b"other"
    assert content_of(tmp_path / "target.png") == b"one"
