"""Room for decoded pictures (`memory.py`, `rendering.py`), and for results on their way out (`result.py`)."""

from __future__ import annotations

import asyncio
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile

import pytest
from PIL import Image
from support.image_samples import photo, saved

from pixian_batch.contract.params import DEFAULT_MAX_PIXELS, Params
from pixian_batch.emulator.form import Upload
from pixian_batch.emulator.memory import PixelMemory
from pixian_batch.emulator.rendering import Renderer
from pixian_batch.emulator.result import spooled
from pixian_batch.emulator.settings import EmulatorSettings, EngineName


def test_there_is_never_more_inside_than_there_is_room_for() -> None:
    room, lock = PixelMemory(100), threading.Lock()
    inside: list[int] = []
    most = []

    def visit(pixels: int) -> None:
        with room.taken(pixels):
            with lock:
                inside.append(pixels)
                most.append((sum(inside), len(inside)))
            threading.Event().wait(0.001)
            with lock:
                inside.remove(pixels)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, [30, 60, 10, 50, 40, 90, 5, 100] * 12))
    assert not inside
    assert len(most) == 96
    assert max(pixels for pixels, _ in most) <= 100
    assert max(count for _, count in most) > 1


def test_what_is_larger_than_the_room_goes_in_alone() -> None:
    room, entered = PixelMemory(100), threading.Event()

    def small() -> None:
        with room.taken(1):
            entered.set()

    thread = threading.Thread(target=small)
    with room.taken(1000):
        thread.start()
        assert not entered.wait(0.05)
    thread.join(5)
    assert entered.is_set()


def test_small_ones_do_not_overtake_a_large_one_that_waits() -> None:
    room, order = PixelMemory(100), list[str]()

    def visit(name: str, pixels: int) -> None:
        with room.taken(pixels):
            order.append(name)

    large = threading.Thread(target=visit, args=("large", 100))
    small = threading.Thread(target=visit, args=("small", 1))
    with room.taken(1):
        large.start()
        while not room._door.locked():
            threading.Event().wait(0.001)
        small.start()
        small.join(0.05)
        assert order == []
    large.join(5)
    small.join(5)
    assert order == ["large", "small"]


def test_room_is_given_back_when_the_work_fails() -> None:
    room = PixelMemory(10)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), room.taken(10):
            raise ValueError("broken")
    assert room._free == 10


@pytest.mark.asyncio
async def test_a_picture_waits_outside_until_there_is_room_for_it() -> None:
    settings = EmulatorSettings(engine=EngineName.PLAIN)
    renderer, upload = Renderer(settings), Upload(spool_bytes=1 << 20, max_bytes=1 << 20)
    upload.write(saved(Image.fromarray(photo(60, 50)), "PNG").getvalue())
    await renderer.start()
    with renderer._memory.taken(10**9):
        making = asyncio.create_task(renderer.make(upload, Params()))
        done, _ = await asyncio.wait([making], timeout=0.1)
        assert not done
    (await making).close()
    await renderer.close()
    assert renderer._memory._free == 2 * DEFAULT_MAX_PIXELS
    upload.close()


@pytest.mark.parametrize("size", [10, 11, 5000])
def test_a_large_body_goes_to_disk_without_passing_through_the_memory(size: int) -> None:
    with spooled(bytes(size), spool_bytes=10) as body:
        assert isinstance(body, SpooledTemporaryFile)
        assert isinstance(body._file, io.BytesIO) == (size <= 10)
        body.seek(0)
        assert body.read() == bytes(size)
