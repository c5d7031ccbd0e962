"""How many photos are decoded at the same time: few pixels, in the order in which they came, none after a stop."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from support.foreign_samples import foreign
from support.labs import JOB
from support.pictures import put

from pixian_batch.adapters.landing import Landing
from pixian_batch.adapters.reading import SMALL, read_fingerprint
from pixian_batch.adapters.wire.source import BytesSource, FileSource, HeldSource
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.contract.kinds import ForeignKind, Kind, sniff
from pixian_batch.pipeline.converting import Converter
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.policy.record import Key
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from pathlib import Path

    from pixian_batch.pipeline.job import Job

MEGA = 1_000_000


def converter(out: Path, at_once: int = 100) -> Converter:
    return Converter(
        landing=Landing(str(out)), stop=StopSign(), notify=lambda _message: None, _at_once=at_once
    )


def job(path: str) -> Job:
    seen = read_fingerprint(path, convert=True)
    assert seen.foreign is not None
    stamp = (seen.stamp.size, seen.stamp.mtime_ns)
    source = FileSource(path, seen.foreign.kind, stamp)
    return replace(JOB, source=source, key=Key(seen.digest, ""), conversion=seen.foreign)


async def most_at_once(home: Converter, sizes: list[int]) -> tuple[int, int, list[int]]:
    """The most pixels and the most photos that were decoded together, and the order in which they began."""
    now, began, most = list[int](), list[int](), (0, 0)

    async def decode(pixels: int) -> None:
        nonlocal most
        async with home._turn(pixels):
            now.append(pixels)
            began.append(pixels)
            most = max(most[0], sum(now)), max(most[1], len(now))
            for _ in range(5):
                await asyncio.sleep(0)
            now.remove(pixels)

    await asyncio.gather(*map(decode, sizes))
    return *most, began


@pytest.mark.asyncio
async def test_few_pixels_are_decoded_at_the_same_time(tmp_path: Path) -> None:
    assert await most_at_once(converter(tmp_path), [12 * MEGA] * 40) == (24 * MEGA, 2, [12 * MEGA] * 40)
    assert (await most_at_once(converter(tmp_path), [MEGA] * 100))[:2] == (32 * MEGA, 32)
    assert (await most_at_once(converter(tmp_path, at_once=2), [MEGA] * 20))[:2] == (2 * MEGA, 2)


@pytest.mark.asyncio
async def test_a_large_one_is_decoded_alone_and_not_passed_by(tmp_path: Path) -> None:
    sizes = [MEGA, 48 * MEGA, *[MEGA] * 9]
    pixels, _photos, began = await most_at_once(converter(tmp_path), sizes)
    assert (pixels, began) == (48 * MEGA, sizes)


@pytest.mark.asyncio
async def test_a_small_result_waits_in_memory_and_a_large_one_in_a_file_without_a_name(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    home = converter(out)
    small = job(put(tmp_path / "a.webp", foreign(ForeignKind.WEBP)))
    async with home.ready(small) as ready:
        assert ready is not None
        assert isinstance(ready.source, BytesSource)
        assert sniff(ready.source.content) is ready.source.kind is Kind.JPEG
    noise = foreign(ForeignKind.WEBP, Image.effect_noise((900, 700), 90).convert("RGB"))
    async with home.ready(job(put(tmp_path / "b.webp", noise))) as ready:
        assert ready is not None
        assert isinstance(ready.source, HeldSource)
        held = ready.source
        assert held.size > SMALL
        assert os.listdir(out) == []
        held.file.seek(0)
        content = held.file.read()
        assert (len(content), sniff(content)) == (held.size, Kind.JPEG)
    assert held.file.closed


@pytest.mark.asyncio
async def test_what_is_not_to_be_converted_goes_through_as_it_is(tmp_path: Path) -> None:
    async with converter(tmp_path).ready(JOB) as ready:
        assert ready is JOB


@pytest.mark.asyncio
async def test_nothing_is_decoded_after_a_stop(tmp_path: Path) -> None:
    home = converter(tmp_path / "not there")
    home.stop.raise_(Stop(Exit.SIGINT, "stopped"))
    async with home.ready(job(put(tmp_path / "a.webp", foreign(ForeignKind.WEBP)))) as ready:
        assert ready is None


@pytest.mark.asyncio
async def test_a_photo_that_changed_since_it_was_hashed_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    changed = job(put(path, foreign(ForeignKind.WEBP)))
    put(path, foreign(ForeignKind.WEBP, quality=20))
    with pytest.raises(SourceChangedError):
        async with converter(tmp_path).ready(changed):
            pytest.fail("it was made")
