"""What is made of a photo before it is sent: where it waits, and that nothing is made after a stop."""

from __future__ import annotations

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


def converter(out: Path) -> Converter:
    return Converter(landing=Landing(str(out)), stop=StopSign(), notify=lambda _message: None)


def job(path: str) -> Job:
    seen = read_fingerprint(path, convert=True)
    assert seen.foreign is not None
    stamp = (seen.stamp.size, seen.stamp.mtime_ns)
    source = FileSource(path, seen.foreign.kind, stamp)
    return replace(JOB, source=source, key=Key(seen.digest, ""), conversion=seen.foreign)


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
