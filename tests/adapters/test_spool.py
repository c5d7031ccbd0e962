"""Spools: what came is synced before it counts, and goes on elsewhere when the disk is full."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.pictures import content_of, picture, put

from pixian_batch.adapters.landing import DiskError, Landing, Spool, cut_head, read_body, read_head
from pixian_batch.adapters.landing.head import ROOM
from pixian_batch.adapters.landing.spool import BLOCK, rescue_path
from pixian_batch.contract.headers import Box, ResultHeaders
from pixian_batch.contract.params import Size
from pixian_batch.policy.record import Answered

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
    sizes = {size_of(spool.path)}  # room for what the head of the answer says
    assert sizes == {ROOM}
    for _ in range(1000):
        await spool.write(b"x" * 1000)
        sizes.add(size_of(spool.path))
    assert min(sizes - {ROOM}) >= BLOCK
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


# --- the head of an answer, before its body --------------------------------------------------------------

HEAD = Answered(
    200,
    ResultHeaders(
        credits_charged=Decimal("123456789012.123456789012345678901234"),
        credits_calculated=Decimal("0.10"),
        input_orientation=8,
        input_size=Size(999_999_999, 999_999_999),
        result_size=Size(999_999_999, 999_999_999),
        input_foreground=Box(*[999_999_999] * 4),
        result_foreground=Box(*[999_999_999] * 4),
    ),
    10**15,
)
NOTHING = Answered(299, ResultHeaders(), None)


async def headed(path: str, head: Answered, content: bytes) -> Spool:
    spool = await Spool.open(path)
    await spool.write_head(head)
    for start in range(0, len(content), 1000):
        await spool.write(content[start : start + 1000])
    return spool


@pytest.mark.asyncio
@pytest.mark.parametrize("head", [HEAD, NOTHING])
@pytest.mark.parametrize("content", [b"", b"tiny", PNG, PNG * 20])
async def test_a_head_is_read_again_and_cut_off(tmp_path: Path, head: Answered, content: bytes) -> None:
    path = str(tmp_path / "x.part")
    body = await (await headed(path, head, content)).finish()
    assert (body.path, body.size) == (path, len(content))
    assert read_head(path) == (path, head)
    for _ in range(2):  # cut off twice would be a body cut off
        if read_head(path):
            cut_head(path)
    assert content_of(path) == content
    assert read_body(path) == body
    assert os.listdir(tmp_path) == ["x.part"]


@pytest.mark.asyncio
async def test_a_head_is_durable_before_its_body_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    path = str(tmp_path / "x.part")
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append(content_of(path)))
    spool = await headed(path, HEAD, b"")
    assert [len(content) for content in synced] == [ROOM]
    assert await spool.keep() is None  # nothing came; what the head says is kept all the same
    assert read_head(path) == (path, HEAD)


@pytest.mark.asyncio
async def test_room_for_a_head_is_no_body(tmp_path: Path) -> None:
    path = str(tmp_path / "x.part")
    spool = await Spool.open(path)
    assert size_of(path) == ROOM
    body = read_body(path)
    assert body is not None
    assert (body.size, body.whole, read_head(path)) == (0, False, None)
    assert await spool.keep() is None
    assert not os.path.exists(path)


@pytest.mark.asyncio
async def test_a_head_goes_with_its_body_when_the_disk_takes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full stands in for a disk that takes nothing: the head itself, or only the body after it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for number, before in enumerate((False, True)):
        path = str(tmp_path / f"{number}.part")
        spool = await Spool.open(path)
        if before:
            await spool.write_head(HEAD)
        with open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), spool._raw.fileno())
        if not before:
            await spool.write_head(HEAD)
        await spool.write(PNG)
        body = await spool.finish()
        assert spool.rescued
        assert not os.path.exists(path)
        assert read_head(path) == (rescue_path(path), HEAD)
        cut_head(body.path)
        assert read_body(path) == body
        assert content_of(body.path) == PNG


@pytest.mark.asyncio
async def test_half_a_head_is_none(tmp_path: Path) -> None:
    path = str(tmp_path / "x.part")
    await (await headed(path, HEAD, PNG)).finish()
    whole = content_of(path)
    for broken in (whole[: ROOM // 2], whole[:100] + b"!" + whole[101:], PNG, b"", bytes(ROOM)):
        put(path, broken)
        assert read_head(path) is None


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


@pytest.mark.asyncio
async def test_a_share_that_counts_no_links_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some say of every open file that no name leads to it. Only one whose path is empty was really removed."""
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda number: os.stat_result((*real(number)[:3], 0, *real(number)[4:])))
    for removed in {False, sys.platform == "linux"}:  # elsewhere an open file cannot be reached again
        spool = await Spool.open(str(tmp_path / "x.part"))
        await spool.write(PNG)
        if removed:
            os.unlink(tmp_path / "x.part")
        body = await spool.finish()
        assert content_of(body.path) == PNG, removed
