"""What is made of WebP, AVIF and HEIC photos: upright, of the same colours, with the same profile, and nothing lost."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from support.foreign_samples import LOSSY, ORIENTATION, damaged, deep, foreign, opened, scene, turned
from support.image_samples import srgb_profile

from pixian_batch.contract.kinds import ForeignKind, sniff
from pixian_batch.contract.params import DEFAULT_MAX_PIXELS
from pixian_batch.imaging.converting import convert
from pixian_batch.imaging.errors import ImagingError, UnreadableImageError
from pixian_batch.imaging.foreign import foreign_header
from pixian_batch.imaging.pixels import open_picture

NEAR = 12
"""How far a colour may be from the true one after two lossy codecs."""


def made(photo: bytes) -> bytes:
    header = foreign_header(io.BytesIO(photo))
    assert header is not None
    content = convert(io.BytesIO(photo), header)
    assert sniff(content) is header.target
    return content


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours of its four quarters."""
    across, down = image.width // 4, image.height // 4
    places = [(across, down), (3 * across, down), (across, 3 * down), (3 * across, 3 * down)]
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return [tuple(pixels[y, x]) for x, y in places]


def assert_near(image: Image.Image, expected: Image.Image) -> None:
    assert image.size == expected.size
    assert np.abs(np.array(corners(image)) - np.array(corners(expected))).max() <= NEAR


@pytest.mark.parametrize("kind", LOSSY)
def test_it_is_turned_exactly_once(kind: ForeignKind, subtests: pytest.Subtests) -> None:
    """Here, and not again by whoever reads it: the emulator's own reading is the judge."""
    for orientation in range(1, 9):
        with subtests.test(orientation=orientation):
            original = scene()
            original.getexif()[ORIENTATION] = orientation
            upright = ImageOps.exif_transpose(original)
            content = made(turned(kind, orientation))
            assert_near(opened(content), upright)
            assert ORIENTATION not in opened(content).getexif()
            as_read = open_picture(io.BytesIO(content))
            assert as_read.orientation == 1
            assert_near(Image.fromarray(as_read.rgb), upright)


@pytest.mark.parametrize("kind", LOSSY)
def test_its_profile_goes_with_it(kind: ForeignKind) -> None:
    profile = srgb_profile()
    for image in (scene(), scene().convert("RGBA")):
        if image.mode == "RGBA":
            image.putpixel((0, 0), (0, 0, 0, 0))
        assert opened(made(foreign(kind, image, icc_profile=profile))).info["icc_profile"] == profile
    assert "icc_profile" not in opened(made(foreign(kind))).info


@pytest.mark.parametrize("kind", LOSSY)
def test_what_the_photo_tells_of_its_owner_stays_here(kind: ForeignKind) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x8298] = "a camera", "somebody"
    content = made(foreign(kind, exif=exif.tobytes(), xmp=b"<x:xmpmeta/>"))
    assert not dict(opened(content).getexif())
    assert b"a camera" not in content
    assert b"xmpmeta" not in content


@pytest.mark.parametrize("kind", LOSSY)
def test_its_transparency_goes_with_it(kind: ForeignKind) -> None:
    image = scene().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    content = opened(made(foreign(kind, image)))
    assert content.mode == "RGBA"
    alpha, before = np.asarray(content)[..., 3].astype(int), np.asarray(image)[..., 3].astype(int)
    assert np.abs(alpha - before).max() <= NEAR


def test_a_lossless_photo_loses_nothing() -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (31, 47, 3), dtype=np.uint8)
    content = made(foreign(ForeignKind.WEBP, Image.fromarray(rgb), lossless=True))
    np.testing.assert_array_equal(np.asarray(opened(content)), rgb)


def test_a_jpeg_shares_no_colour_between_pixels_and_is_close() -> None:
    """4:4:4, of a quality at which it takes less than the photo's own codec took."""
    rng = np.random.default_rng(7)
    image = Image.fromarray(rng.integers(0, 256, (9, 16, 3), dtype=np.uint8)).resize(
        (160, 90), Image.Resampling.BICUBIC
    )
    photo = foreign(ForeignKind.WEBP, image, quality=80)
    content, seen = made(photo), np.asarray(opened(photo)).astype(int)
    assert b"\x01\x11\x00\x02\x11\x01\x03\x11\x01" in content, "three components, each of 1 x 1"
    own = ((seen - np.asarray(image)) ** 2).mean()
    assert ((np.asarray(opened(content)).astype(int) - seen) ** 2).mean() < own


def test_ten_bits_become_sixteen_and_white_stays_white() -> None:
    ramp = np.linspace(0, 65_535, 128).astype(np.uint16) & 0xFFC0
    pixels = np.repeat(np.repeat(ramp[None, :, None], 64, axis=0), 3, axis=2)
    content = made(deep(pixels))
    assert content[24] == 16, "bits of a sample, as the PNG's head says"
    rows = np.asarray(opened(made(deep(np.ascontiguousarray(pixels[..., 0])))))
    assert rows.dtype == np.uint16
    assert len(np.unique(rows[10])) > 100
    assert (int(rows[10, 0]), int(rows[10, -1])) == (0, 65_535)
    assert np.abs(open_picture(io.BytesIO(content)).rgb[10, :, 0].astype(int) - (ramp >> 8)).max() <= 2


def test_grey_stays_grey() -> None:
    for kind in (ForeignKind.AVIF, ForeignKind.HEIC):
        assert opened(made(foreign(kind, scene().convert("L")))).mode == "L"


def test_of_several_pictures_it_is_the_first() -> None:
    others = [scene().transpose(Image.Transpose.ROTATE_180)]
    for kind in (ForeignKind.WEBP, ForeignKind.AVIF):
        content = made(foreign(kind, append_images=others, save_all=True, duration=50))
        assert_near(opened(content), scene())


def test_a_photo_above_the_limit_is_made_smaller_and_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    large = scene(6600, 5000)
    content = made(foreign(ForeignKind.WEBP, large, quality=50, method=0, exif=exif.tobytes()))
    image = opened(content)
    assert image.width * image.height <= DEFAULT_MAX_PIXELS
    assert abs(image.height / image.width - 1.32) < 0.001
    assert_near(image.resize((50, 66)), large.transpose(Image.Transpose.ROTATE_270).resize((50, 66)))


@pytest.mark.parametrize("kind", LOSSY)
def test_damaged_pixels_are_said_in_our_words(kind: ForeignKind) -> None:
    with pytest.raises(UnreadableImageError, match=r"^its pixels cannot be decoded: the file is damaged$"):
        made(damaged(kind))


SAMPLES = [foreign(kind, quality=60) for kind in LOSSY]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 1 << 30))
def test_no_bytes_raise_anything_else(photo: bytes, seed: int) -> None:
    chance, broken = random.Random(seed), bytearray(photo)  # noqa: S311  # no secret
    for _ in range(chance.randrange(1, 8)):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    try:
        header = foreign_header(io.BytesIO(bytes(broken)))
        if header is not None and header.size.pixels < 1_000_000:
            assert sniff(convert(io.BytesIO(bytes(broken)), header)) is header.target
    except ImagingError:
        return
