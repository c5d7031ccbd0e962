"""Results on disk: nothing half-written ever stands at a place, and what was paid for survives a full disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import picture, put

from pixian_batch.adapters.landing import Body, DiskError, Landing, Spool, read_body
from pixian_batch.adapters.landing.spool import BLOCK
from pixian_batch.contract.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PNG = picture("png", size=(300, 300))
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file systems")


async def spooled(path: str, content: bytes, *, chunk: int = 1000) -> Body:
    spool = await Spool.open(path)
    for start in range(0, len(content), chunk):
        await spool.write(content[start : start + chunk])
    return await spool.finish()


def content_of(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def size_of(path: str) -> int:
    return os.stat(path).st_size


# --- spools --------------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("chunk", [1, 7, 63, 64, 65, 100_000])
async def test_a_spool_holds_what_came_and_knows_head_and_end(tmp_path: Path, chunk: int) -> None:
    path = str(tmp_path / "deep" / "er" / ".pixian-1.part")
    content = PNG if chunk > 1 else picture()
    body = await spooled(path, content, chunk=chunk)
    assert body == Body(path, len(content), Kind.PNG, whole=True)
    assert content_of(path) == content
    assert read_body(path) == body


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("content", "kind", "whole"),
    [
        (b"", None, False),
        (b"<html>sorry</html>", None, False),
        (PNG[:-1], Kind.PNG, False),
        (PNG[:20], Kind.PNG, False),
        (PNG + b"\n", Kind.PNG, False),
        (picture("jpg"), Kind.JPEG, True),
        (picture("jpg")[:-1], Kind.JPEG, False),
        (picture("gif"), Kind.GIF, False),
    ],
)
async def test_what_came_is_judged_by_its_bytes(
    tmp_path: Path, content: bytes, kind: Kind | None, *, whole: bool
) -> None:
    body = await spooled(str(tmp_path / "x.part"), content)
    assert (body.kind, body.whole, body.size) == (kind, whole, len(content))
    assert read_body(body.path) == body


@pytest.mark.asyncio
async def test_small_pieces_are_written_in_large_blocks(tmp_path: Path) -> None:
    spool = await Spool.open(str(tmp_path / "x.part"))
    sizes = set()
    for _ in range(1000):
        await spool.write(b"x" * 1000)
        sizes.add(size_of(spool.path))
    assert min(sizes - {0}) >= BLOCK
    assert len(sizes) <= 1 + 1_000_000 // BLOCK
    assert (await spool.finish()).size == size_of(spool.path) == 1_000_000


@pytest.mark.asyncio
async def test_a_body_is_synced_before_it_is_called_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def watching(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watching)
    await spooled(str(tmp_path / "x.part"), PNG)
    assert synced == [len(PNG)]


@pytest.mark.asyncio
async def test_a_dropped_spool_leaves_nothing_and_a_kept_one_all_that_came(tmp_path: Path) -> None:
    spool = await Spool.open(str(tmp_path / "dropped.part"))
    await spool.write(b"x" * 10)
    await spool.drop()
    spool = await Spool.open(str(tmp_path / "empty.part"))
    assert await spool.keep() is None
    spool = await Spool.open(str(tmp_path / "kept.part"))
    await spool.write(b"x" * 10)
    assert await spool.keep() == str(tmp_path / "kept.part")
    assert os.listdir(tmp_path) == ["kept.part"]
    assert content_of(tmp_path / "kept.part") == b"x" * 10


@pytest.mark.asyncio
async def test_a_spool_that_cannot_be_made_costs_nothing(tmp_path: Path) -> None:
    put(tmp_path / "file")
    with pytest.raises(DiskError, match="file"):
        await Spool.open(str(tmp_path / "file" / "x.part"))


def test_an_absent_spool_is_none(tmp_path: Path) -> None:
    assert read_body(str(tmp_path / "gone.part")) is None


# --- a full disk ---------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[str]:
    """A folder with room for one megabyte."""
    folder = str(tmp_path / "small")
    os.makedirs(folder)
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", folder], check=False)
    if not made or made.returncode != 0:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    with contextlib.suppress(OSError):
        subprocess.run(["umount", folder], check=True)


@pytest.mark.asyncio
async def test_a_body_goes_on_elsewhere_when_the_disk_fills(
    small_disk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rescue = tmp_path / "rescue"
    rescue.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(rescue))
    content = os.urandom(3_000_000)
    body = await spooled(os.path.join(small_disk, ".pixian-1.part"), content, chunk=70_000)
    assert os.path.dirname(body.path) == str(rescue)
    assert content_of(body.path) == content
    assert os.listdir(small_disk) == [], "the full disk is not left fuller than it was"
    name = "n" * 251 + ".png"
    assert await Landing(str(tmp_path / "out")).put(body.path, f"a/{name}") == 3_000_000
    assert content_of(tmp_path / "out" / "a" / name) == content
    assert os.listdir(tmp_path / "out" / "a") == [name]
    assert os.listdir(rescue) == []


@pytest.mark.asyncio
async def test_when_nothing_takes_the_body_it_is_a_disk_error_and_the_start_is_kept(
    small_disk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", small_disk)
    spool = await Spool.open(os.path.join(small_disk, ".pixian-1.part"))

    async def overfill() -> None:
        for _ in range(30):
            await spool.write(b"x" * 100_000)

    with pytest.raises(DiskError):
        await overfill()
    kept = await spool.keep()
    assert kept is not None
    assert size_of(kept) >= BLOCK


@pytest.mark.asyncio
async def test_a_full_target_keeps_the_body(small_disk: str, tmp_path: Path) -> None:
    body = put(tmp_path / "body.part", b"x" * 2_000_000)
    old = put(os.path.join(small_disk, "a.png"), b"old")
    with pytest.raises(DiskError, match="a\\.png"):
        await Landing(small_disk).put(body, "a.png")
    assert content_of(body) == b"x" * 2_000_000
    assert content_of(old) == b"old"
    assert os.listdir(small_disk) == ["a.png"], "no half copy is left"


# --- places --------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("place", "said"),
    [("taken.png", "folder"), ("file/a.png", "file"), ("n" * 300 + ".png", "long"), ("fine/a.png", "")],
)
def test_places_that_cannot_be_are_known_before_anything_is_bought(
    tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "taken.png").mkdir()
    put(tmp_path / "file")
    refusal = Landing(str(tmp_path)).refusal(place)
    assert (refusal is None) == (not said)
    assert said in (refusal or "")


@pytest.mark.asyncio
@pytest.mark.parametrize("links", [True, False])
async def test_a_duplicate_is_linked_or_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    def never(*_: Any) -> None:
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(os, "link", never)
    put(tmp_path / "a.png", PNG)
    put(tmp_path / "deep" / "b.png", b"old")
    place = Landing(str(tmp_path))
    assert await place.link("a.png", "deep/b.png") == len(PNG)
    assert await place.link("a.png", "deep/b.png") == len(PNG)
    assert await place.link("a.png", "a.png") == len(PNG)
    assert content_of(tmp_path / "deep" / "b.png") == content_of(tmp_path / "a.png") == PNG
    assert os.listdir(tmp_path / "deep") == ["b.png"]


@posix
@pytest.mark.asyncio
async def test_a_long_name_can_be_linked_to(tmp_path: Path) -> None:
    put(tmp_path / "a.png", PNG)
    name = "\U0001f4f7" * 62 + ".png"
    assert await Landing(str(tmp_path)).link("a.png", name) == len(PNG)


@pytest.mark.asyncio
async def test_a_vanished_original_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError):
        await Landing(str(tmp_path)).link("gone.png", "b.png")


# --- the low-water mark --------------------------------------------------------------------------


def test_room_is_claimed_before_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 10_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
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
