"""A delta and its original, from paths or from memory: one function, one error, and nothing is touched."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support.pictures import picture, put

from pixian_batch.adapters.landing import RebuildError, rebuild_files
from pixian_batch.imaging.delta import encode_delta
from pixian_batch.imaging.errors import DeltaMismatchError, UnreadableImageError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO


@pytest.fixture
def original(tmp_path: Path) -> str:
    return put(tmp_path / "photo.png", picture("png", size=(8, 6)))


@pytest.fixture
def result(original: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The photo, half of it cut away."""
    rgba = np.asarray(Image.open(original).convert("RGBA")).copy()
    rgba[:, 4:] = 0
    return rgba


@pytest.fixture
def delta(original: str, result: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], tmp_path: Path) -> str:
    rgb = np.asarray(Image.open(original).convert("RGB"))
    return put(tmp_path / "photo.part", encode_delta(rgb, result))


def test_two_files_give_the_picture_exactly(
    original: str, delta: str, result: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> None:
    rebuilt = np.asarray(Image.open(io.BytesIO(rebuild_files(original, delta))))
    np.testing.assert_array_equal(rebuilt, result)


def test_what_is_in_memory_gives_the_same_and_is_closed(original: str, delta: str) -> None:
    opened: list[BinaryIO] = []

    def opener() -> BinaryIO:
        with open(delta, "rb") as stream:
            opened.append(io.BytesIO(stream.read()))
        return opened[-1]

    assert rebuild_files(original, opener) == rebuild_files(original, delta)
    assert opened[0].closed


def test_the_reported_orientation_is_handed_on(original: str, delta: str) -> None:
    with pytest.raises(RebuildError, match="do not belong together") as caught:
        rebuild_files(original, delta, orientation=6)
    assert isinstance(caught.value.__cause__, DeltaMismatchError)


def test_all_that_can_be_wrong_is_one_error_with_its_cause(original: str, delta: str, tmp_path: Path) -> None:
    gone, broken = str(tmp_path / "gone.png"), put(tmp_path / "broken.png", b"hello")
    cases = [
        (gone, delta, FileNotFoundError),
        (original, gone, FileNotFoundError),
        (broken, delta, UnreadableImageError),
        (original, broken, UnreadableImageError),
    ]
    before = sorted(os.listdir(tmp_path))
    for photo, changes, cause in cases:
        with pytest.raises(RebuildError) as caught:
            rebuild_files(photo, changes)
        assert type(caught.value.__cause__) is cause, (photo, changes)
        why = caught.value.__cause__
        assert str(caught.value) == (why.strerror if isinstance(why, OSError) else str(why)), (photo, changes)
    assert sorted(os.listdir(tmp_path)) == before


def test_what_an_opener_refuses_is_told_as_it_is(delta: str) -> None:
    def changed() -> BinaryIO:
        raise OSError("the original changed after it was sent")

    with pytest.raises(RebuildError, match=r"^the original changed after it was sent$"):
        rebuild_files(changed, delta)
