"""Thumbnails: upright, small, with alpha; strange files have none, and say why."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from support.pictures import put
from support.reports import photo

from pixian_batch.review import thumbnails
from pixian_batch.review.thumbnails import PIXELS, ThumbnailTask, make, photo_name, result_name

if TYPE_CHECKING:
    from pathlib import Path


def rotated(size: tuple[int, int], orientation: int) -> bytes:
    image = Image.open(io.BytesIO(photo(1, size)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def cut(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste((200, 10, 10, 255), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    image.save(out, "PNG")
    return out.getvalue()


def task(
    folder: Path, photo_path: str | None, result: str | None, parameters: str = "output.format=png"
) -> ThumbnailTask:
    return ThumbnailTask("k", str(folder), photo_path, result, parameters, headers=None)


def test_upright_and_small_with_alpha(tmp_path: Path) -> None:
    source = put(tmp_path / "photo.jpg", rotated((1600, 1000), 6))
    result = put(tmp_path / "result.png", cut((1000, 1600)))
    _, seen = make(task(tmp_path, source, result))
    assert (seen.photo_size, seen.result_size) == ((1000, 1600), (1000, 1600))
    for name, size in ((photo_name("k"), seen.photo_bytes), (result_name("k"), seen.result_bytes)):
        assert os.path.getsize(tmp_path / name) == size
        with Image.open(tmp_path / name) as small:
            assert small.width * small.height <= PIXELS * 1.02
            assert small.height > small.width
    with Image.open(tmp_path / result_name("k")) as small:
        assert small.mode == "RGBA"
        assert small.getpixel((0, 0))[3] == 0  # type: ignore[index]  # RGBA
    assert seen.measures is not None
    assert thumbnails.is_whole("k", seen, str(tmp_path))
    os.truncate(tmp_path / photo_name("k"), 10)
    assert not thumbnails.is_whole("k", seen, str(tmp_path))


def test_other_kinds_of_photos(tmp_path: Path) -> None:
    image = Image.open(io.BytesIO(photo(3, (300, 200))))
    for kind, mode in (
        ("TIFF", "RGB"),
        ("GIF", "P"),
        ("WEBP", "RGB"),
        ("JPEG", "CMYK"),
        ("PNG", "LA"),
        ("BMP", "1"),
    ):
        image.convert(mode).save(tmp_path / "x", kind)
        _, seen = make(task(tmp_path, str(tmp_path / "x"), None))
        assert seen.photo_bytes, kind
        assert seen.measures is None


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", cut((64, 64))[:100]])
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes) -> None:
    result = put(tmp_path / "result.png", content)
    _, seen = make(task(tmp_path, put(tmp_path / "photo.jpg", content), result))
    assert (seen.photo_bytes, seen.result_bytes) == (None, None)
    assert seen.measures is not None
    assert seen.measures.problem


def test_a_tiny_and_a_thin_picture(tmp_path: Path) -> None:
    for size in ((1, 1), (1, 5000), (5000, 1)):
        result = put(tmp_path / "result.png", cut(size))
        _, seen = make(task(tmp_path, None, result))
        assert seen.result_size == size
        assert seen.result_bytes
