"""Spools: what came is synced before it counts, and goes on elsewhere when the disk is full."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING

import pytest
from support.pictures import content_of, picture, put

from pixian_batch.adapters.landing import DiskError, Landing, Spool, read_body
from pixian_batch.adapters.landing.spool import BLOCK

if TYPE_CHECKING:
    from pathlib import Path

    from pixian_batch.policy.reply import Body

PNG = picture("png", size=(300, 300))


async def spooled(path: str, content: bytes, *, chunk: int = 1000) -> Body:
    spool = await Spool.open(path)
    for start in range(0, len(content), chunk):
        await spool.write(content[start : start + chunk])
    return await spool.finish()


def size_of(path: str) -> int:
    return os.stat(path).st_size


@pytest.mark.asyncio
async def test_a_later_run_reads_of_a_spool_what_was_said_when_it_was_finished(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"<html>sorry</html>", PNG, PNG[:-1], PNG[:20], PNG + b"\n")):
        path = str(tmp_path / "deep" / "er" / f".pixian-{number}.part")
        body = await spooled(path, content)
        assert body.path == path
        assert content_of(path) == content
        assert read_body(path) == body, (number, content[:12])


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
async def test_a_spool_that_cannot_be_made_costs_nothing(tmp_path: Path) -> None:
    put(tmp_path / "file")
    with pytest.raises(DiskError, match="file"):
        await Spool.open(str(tmp_path / "file" / "x.part"))


def test_an_absent_spool_is_none(tmp_path: Path) -> None:
    assert read_body(str(tmp_path / "gone.part")) is None


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


def test_without_a_folder_for_temporary_files_a_spool_is_read_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    path = str(tmp_path / "a.part")
    assert read_body(path) is None
    put(path, picture("png"))
    body = read_body(path)
    assert body is not None
    assert body.size == len(picture("png"))
