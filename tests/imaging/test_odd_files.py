"""What a header does not need is not looked at: no good photo is refused for its profile, texts or odd tags."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from imaging import odd
from PIL import Image
from support.image_samples import photo, png_chunk, srgb_profile

from pixian_batch.contract.params import Size
from pixian_batch.imaging.errors import UnreadableImageError
from pixian_batch.imaging.pixels import open_picture
from pixian_batch.imaging.probe import Probe, check_complete, probe


def looked_at(data: bytes) -> Probe:
    stream = io.BytesIO(data)
    header = probe(stream)
    check_complete(stream, header.kind)
    return header


def test_good_pixels_in_odd_files_are_taken_and_the_emulator_decodes_them(subtests: pytest.Subtests) -> None:
    exact = {"PNG": photo(), "JPEG": np.asarray(Image.open(io.BytesIO(odd.jpeg())).convert("RGB"))}
    for kind, files in (
        ("PNG", odd.pngs()), ("JPEG", odd.jpegs()), ("BMP", odd.bmps()), ("GIF", odd.gifs()), ("TIFF", odd.tiffs())
    ):  # fmt: skip
        for name, data in files.items():
            with subtests.test(kind=kind, name=name):
                header = looked_at(data)
                assert (header.kind.name, header.size, header.orientation) == (kind, Size(37, 23), 1)
                picture = open_picture(io.BytesIO(data))
                assert picture.size == Size(37, 23)
                if kind in exact and name != "progressive":
                    assert (picture.rgb == exact[kind]).all()


def test_what_only_the_service_can_tell_is_left_to_it(subtests: pytest.Subtests) -> None:
    for name, data in odd.undecodable().items():
        with subtests.test(name=name):
            assert looked_at(data).size == Size(37, 23)
            with pytest.raises(UnreadableImageError):
                open_picture(io.BytesIO(data))


def test_cut_files_of_all_these_are_cut(subtests: pytest.Subtests) -> None:
    whole = {**odd.pngs(), **odd.jpegs(), **odd.bmps(), **odd.gifs(), **odd.tiffs()}
    for name in (
        "profile of 3 MB", "short pHYs", "20 MB of APP2", "broken EXIF", "OS/2", "OS/2, 64 bytes", "top down",
        "version 5", "junk", "big endian", "planar", "16 bits", "BigTIFF",
    ):  # fmt: skip
        for part in (0.5, 0.9, 0.97):
            with subtests.test(name=name, part=part), pytest.raises(UnreadableImageError):
                looked_at(whole[name][: int(len(whole[name]) * part)])


def test_bombs_are_not_unpacked() -> None:
    for name, data in odd.pngs().items():
        if "bomb" in name:
            tracemalloc.start()
            try:
                looked_at(data)
                assert tracemalloc.get_traced_memory()[1] < 1_000_000, name
            finally:
                tracemalloc.stop()


def test_a_damaged_header_is_refused() -> None:
    data = bytearray(odd.with_chunks())
    data[19] ^= 1
    with pytest.raises(UnreadableImageError, match="damaged"):
        looked_at(bytes(data))


def test_previews_of_raw_files_are_not_bought(subtests: pytest.Subtests) -> None:
    pixels, reduced = photo().tobytes(), (254, 4, 1, b"\1\0\0\0")
    for name, data in {
        "DNG": odd.tiff(pixels, extra=((50706, 1, 4, b"\1\4\0\0"),)),
        "CR2": b"II*\0\x10\0\0\0CR\2\0\0\0\0\0" + odd.tiff(pixels)[8:],
        "NEF": odd.tiff(pixels, extra=(reduced, (330, 4, 1, struct.pack("<I", 8)))),
        "ARW": odd.tiff(pixels, extra=(reduced,), following=8),
    }.items():
        with subtests.test(name=name), pytest.raises(UnreadableImageError, match="raw file"):
            looked_at(data)


def test_orientations_are_read_from_exif_of_either_byte_order_beside_odd_tags() -> None:
    entry, data = struct.pack(">HHIHH", 274, 3, 1, 6, 0), odd.jpeg()
    odd_tag = struct.pack(">HHI4s", 271, 77, 9, b"\xff" * 4)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + odd_tag + entry
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    assert looked_at(data[:2] + segment + data[2:]).orientation == 6
    for order in "<>":
        turned = odd.tiff(
            photo().tobytes(), order=order, extra=((274, 3, 1, struct.pack(f"{order}HH", 8, 0)),)
        )
        assert looked_at(turned).orientation == 8


def test_a_large_profile_is_kept_and_a_bomb_is_not() -> None:
    profile = srgb_profile() + bytes(2 << 20)
    chunk = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))
    assert open_picture(io.BytesIO(odd.with_chunks(chunk))).icc == profile
    assert open_picture(io.BytesIO(odd.pngs()["profile that is a bomb"])).icc is None
