"""Metadata goes from file to file without a pixel being touched, whatever is broken in it."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.pictures import KINDS, picture

from pixian_batch.imaging.errors import UnreadableImageError
from pixian_batch.imaging.exif import Exif, Value, date_taken, read_exif, write_exif
from pixian_batch.imaging.metadata import Metadata, pieces_with, read_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixian_batch.imaging.metadata import Piece

FULL = Metadata(
    Exif(">", {33432: Value(2, 8, b"(c) Ann\0")}, {36867: Value(2, 20, b"2024:05:01 10:11:12\0")}),
    b"<x:xmpmeta>one</x:xmpmeta>",
    (11811.0, 11811.0),
)


def joined(old: bytes, pieces: Sequence[Piece]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else old[slice(*piece)] for piece in pieces)


def described(old: bytes, metadata: Metadata = FULL) -> bytes:
    return joined(old, pieces_with(io.BytesIO(old), metadata, len(old)))


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_what_is_written_is_read_again_and_twice_is_once(kind: str) -> None:
    old = picture(kind)
    new = described(old)
    found = read_metadata(io.BytesIO(new))
    assert (found.exif, found.xmp) == (FULL.exif, FULL.xmp)
    assert found.density == pytest.approx(FULL.density, rel=0.01)
    assert described(new) == new
    with Image.open(io.BytesIO(old)) as before, Image.open(io.BytesIO(new)) as after:
        assert before.tobytes() == after.tobytes()
    assert described(old, Metadata()) == old


def test_a_jpeg_without_a_density_of_its_own_gets_one() -> None:
    old = picture("jpg")
    bare = old[:2] + old[20:]  # without its JFIF header
    with Image.open(io.BytesIO(described(bare))) as image:
        assert image.info["dpi"] == (300, 300)


def test_what_is_too_large_for_a_segment_is_left_out_of_a_jpeg() -> None:
    huge = Metadata(FULL.exif, b"x" * 70_000)
    found = read_metadata(io.BytesIO(described(picture("jpg"), huge)))
    assert (found.exif, found.xmp) == (FULL.exif, b"")
    assert read_metadata(io.BytesIO(described(picture("png"), huge))).xmp == huge.xmp


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_photo_that_says_nothing(kind: str) -> None:
    found = read_metadata(io.BytesIO(picture(kind)))
    assert (found.exif is None or not found.exif.sub, found.xmp) == (True, b"")


def test_a_result_of_another_kind_is_refused() -> None:
    with pytest.raises(UnreadableImageError):
        described(picture("gif"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_block_is_laid_out_as_others_read_it(order: str) -> None:
    fields = {270: Value(2, 3, b"ab\0"), 315: Value(2, 7, b"longer\0")}
    block = write_exif(Exif(order, fields, {36867: Value(2, 20, b"2024:05:01 10:11:12\0")}))
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + block)
    assert (exif[270], exif[315], exif.get_ifd(0x8769)[36867]) == ("ab", "longer", "2024:05:01 10:11:12")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024:05:01 10:11:12", (2024, 5, 1, 10, 11, 12)),
        ("0000:00:00 00:00:00", None),
        ("2024:13:01 10:11:12", None),
        ("    :  :     :  :  ", None),
        ("2024-05-01 10:11:12", None),
        ("", None),
    ],
)
def test_a_date_that_makes_no_sense_is_none(text: str, date: tuple[int, ...] | None) -> None:
    exif, out = Image.Exif(), io.BytesIO()
    exif.get_ifd(0x8769)[36867] = text
    Image.new("RGB", (4, 4)).save(out, "JPEG", exif=exif)
    assert date_taken(out) == date


@given(
    st.sampled_from(["png", "jpg", "tif"]),
    st.lists(st.tuples(st.integers(0), st.binary(max_size=6)), max_size=5),
)
def test_hostile_bytes_are_refused_or_read_and_nothing_else(
    kind: str, patches: list[tuple[int, bytes]]
) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[33432] = "somebody"
    Image.new("RGB", (4, 4)).save(out, KINDS[kind], exif=exif, dpi=(300, 300))
    data = bytearray(out.getvalue())
    for at, new in patches:
        place = at % len(data)
        data[place : place + len(new)] = new
    with contextlib.suppress(UnreadableImageError):
        found = read_metadata(io.BytesIO(bytes(data)))
        for result in ("png", "jpg"):
            with Image.open(io.BytesIO(described(picture(result), found))) as image:
                image.load()
    date_taken(io.BytesIO(bytes(data)))
    read_exif(io.BytesIO(picture("gif")))
