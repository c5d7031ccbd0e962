"""Places: nothing half-written ever stands there, and a full disk keeps what was there and what was to come."""

from __future__ import annotations

import os
import shutil
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from support.pictures import content_of, picture, put

from pixian_batch.adapters.landing import DiskError, Landing, Spool, Twin

if TYPE_CHECKING:
    from pathlib import Path

PNG = picture("png", size=(300, 300))
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file systems")


@pytest.mark.asyncio
async def test_a_body_replaces_what_stands_at_its_place_at_once(tmp_path: Path) -> None:
    old = put(tmp_path / "a.png", b"old")
    with open(old, "rb") as reader:  # a reader that had the old file open
        size = await Landing(str(tmp_path)).put(put(tmp_path / ".x.part", PNG), "a.png")
        assert reader.read() == b"old"
    assert (size, content_of(old)) == (len(PNG), PNG)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.asyncio
async def test_folders_of_places_are_made(tmp_path: Path) -> None:
    place = Landing(str(tmp_path / "not" / "yet"))
    await place.put(put(tmp_path / ".x.part", PNG), "a/b/c.png")
    assert content_of(tmp_path / "not" / "yet" / "a" / "b" / "c.png") == PNG
    assert place.size("a/b/c.png") == len(PNG)
    assert place.size("a/b/d.png") is None
    assert place.size("a/b") is None, "a folder is no result"


@pytest.mark.asyncio
async def test_a_folder_at_a_place_keeps_the_body(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    body = put(tmp_path / ".x.part", PNG)
    with pytest.raises(DiskError):
        await Landing(str(tmp_path)).put(body, "a.png")
    assert content_of(body) == PNG
    assert sorted(os.listdir(tmp_path)) == [".x.part", "a.png"]


def test_places_that_cannot_be_are_known_before_anything_is_bought(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, str]] = [
        ("taken.png", "folder"),
        ("file/a.png", "file"),
        ("n" * 300 + ".png", "long"),
        ("fine/a.png", ""),
    ]
    (tmp_path / "taken.png").mkdir()
    put(tmp_path / "file")
    for place, word in cases:
        with subtests.test(place=place, word=word):
            refusal = Landing(str(tmp_path)).refusal(place)
            assert (refusal is None) == (not word)
            assert word in (refusal or "")


@pytest.mark.skipif(sys.platform != "linux", reason="open files have a path in /proc")
@pytest.mark.asyncio
async def test_a_body_whose_folder_is_removed_while_it_comes_is_brought_back(tmp_path: Path) -> None:
    landing = Landing(str(tmp_path / "out"))
    spool = await Spool.open(landing.spool_path("sub/a.png", 1))
    await spool.write(PNG)
    shutil.rmtree(tmp_path / "out")
    body = await spool.finish()
    assert content_of(body.path) == PNG
    assert await landing.put(body.path, "sub/a.png") == len(PNG)
    assert os.listdir(tmp_path / "out" / "sub") == ["a.png"]


async def made(out: Path, place: str, *, of: str = "a.png", size: int = len(PNG)) -> Twin | DiskError | None:
    [one] = await Landing(str(out)).make_all([(place, [("gone.png", 1), (of, size)])], all_known=True)
    return one


@pytest.mark.asyncio
async def test_a_duplicate_is_made_from_a_result_that_stands(tmp_path: Path) -> None:
    put(tmp_path / "a.png", PNG)
    put(tmp_path / "deep" / "b.png", b"old")
    for place in ("deep/b.png", "deep/b.png", "new/c.png"):
        assert await made(tmp_path, place) == Twin("a.png", len(PNG), fresh=True)
        assert content_of(tmp_path / place) == content_of(tmp_path / "a.png") == PNG
    assert await made(tmp_path, "a.png") == Twin("a.png", len(PNG), fresh=False)
    assert os.listdir(tmp_path / "deep") == ["b.png"]


@pytest.mark.asyncio
async def test_where_something_stands_all_others_have_to_be_known(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        put(tmp_path / name, PNG)
    wanted = [("b.png", [("a.png", len(PNG))]), ("c.png", [("a.png", len(PNG))])]
    said = await Landing(str(tmp_path)).make_all(wanted, all_known=False)
    assert said == [None, Twin("a.png", len(PNG), fresh=True)]


@posix
@pytest.mark.asyncio
async def test_a_result_is_known_by_another_spelling_of_its_place(tmp_path: Path) -> None:
    """As on a disk that folds names; a link stands for that here."""
    put(tmp_path / "a.png", PNG)
    os.link(tmp_path / "a.png", tmp_path / "A.png")
    assert await made(tmp_path, "A.png") == Twin("a.png", len(PNG), fresh=False)


@posix
@pytest.mark.asyncio
async def test_a_duplicate_may_have_a_long_name(tmp_path: Path) -> None:
    put(tmp_path / "a.png", PNG)
    name = "\U0001f4f7" * 62 + ".png"
    assert await made(tmp_path, name) == Twin("a.png", len(PNG), fresh=True)


@pytest.mark.asyncio
async def test_what_stands_nowhere_with_its_size_is_no_source(tmp_path: Path) -> None:
    put(tmp_path / "a.png", PNG)
    assert await made(tmp_path, "b.png", of="c.png") is None
    assert await made(tmp_path, "b.png", size=len(PNG) + 1) is None
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.asyncio
async def test_a_full_target_keeps_the_body(small_disk: str, tmp_path: Path) -> None:
    body = put(tmp_path / "body.part", b"x" * 2_000_000)
    old = put(os.path.join(small_disk, "a.png"), b"old")
    with pytest.raises(DiskError, match="a\\.png"):
        await Landing(small_disk).put(body, "a.png")
    assert content_of(body) == b"x" * 2_000_000
    assert content_of(old) == b"old"
    assert os.listdir(small_disk) == ["a.png"], "no half copy is left"


# --- the low-water mark --------------------------------------------------------------------------


def test_room_is_claimed_before_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 10_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=free, free=free))
    place = Landing(str(tmp_path / "not" / "yet" / "made"), min_free=4_000_000)
    os.makedirs(tmp_path / "not" / "yet")
    first = place.claim_room(1_000_000)
    assert first >= 1_000_000
    second = place.claim_room(1_000_000)
    with pytest.raises(DiskError, match="free"):
        place.claim_room(1_000_000)
    place.free_room(second)
    assert place.claim_room(1_000_000) == second
    place.free_room(first, pixels=1_000_000, size=3_000_000)
    with pytest.raises(DiskError, match="free"):
        place.claim_room(1_000_000)  # it learned that a pixel takes three bytes


@posix
def test_an_output_that_takes_no_files_is_found_out(tmp_path: Path) -> None:
    Landing(str(tmp_path / "new" / "out")).check_writable()
    assert os.listdir(tmp_path / "new" / "out") == []
    put(tmp_path / "file")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(DiskError):
            Landing(str(out)).check_writable()


def test_a_relative_output_that_is_not_there_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for out in ("cut", "a/b/cut", ".", "./cut", str(tmp_path / "cut")):
        for place in ("x.png", "sub/x.png"):
            assert Landing(out).refusal(place) is None, (out, place)
