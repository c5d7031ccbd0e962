from __future__ import annotations

import io
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps
from support.image_samples import ANNOUNCING, decoded, photo, saved, srgb_profile, turned

from pixian_batch.imaging.delta import encode_delta, rebuild
from pixian_batch.imaging.errors import DeltaMismatchError, TooManyPixelsError, UnreadableImageError

Pixels = NDArray[np.uint8]


def subject(rgb: Pixels) -> Pixels:
    """A result: a solid disc of the input's colours, soft edges, nothing around."""
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows - height / 2) / height, (columns - width / 2) / width)
    alpha = np.clip((0.45 - distance) * 1500, 0, 255).astype(np.uint8)
    result = np.dstack([rgb, alpha])
    result[alpha == 0] = 0
    return result


def upright_rgb(stream: io.BytesIO) -> Pixels:
    with Image.open(stream) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def delta_of(result: Pixels) -> io.BytesIO:
    return saved(Image.fromarray(result), "PNG")


def test_the_three_classes_are_what_the_format_says() -> None:
    rgb = np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [255, 255, 255]]], np.uint8)
    result = np.array(
        [[[9, 9, 9, 0], [4, 5, 6, 255], [70, 80, 90, 128], [99, 11, 12, 255], [255, 255, 255, 0]]], np.uint8
    )
    assert decoded(encode_delta(rgb, result)).tolist() == [
        [[0, 0, 0, 0], [255, 255, 255, 0], [70, 80, 90, 128], [99, 11, 12, 255], [0, 0, 0, 0]]
    ]


def test_a_foreign_delta_is_decoded_as_the_format_says() -> None:
    original = np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]], np.uint8)
    delta = np.array([[[0, 0, 0, 0], [255, 0, 77, 0], [200, 100, 50, 1], [254, 255, 255, 0]]], np.uint8)
    rebuilt = decoded(rebuild(saved(Image.fromarray(original), "PNG"), delta_of(delta)))
    assert rebuilt.tolist() == [[[0, 0, 0, 0], [4, 5, 6, 255], [200, 100, 50, 1], [254, 255, 255, 0]]]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_encoding_and_rebuilding_is_exact_for_every_visible_pixel(width: int, height: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    rgb = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
    alpha = chance.choice([0, 0, 1, 128, 254, 255, 255], (height, width, 1))
    touched = chance.random((height, width, 1)) < 0.3
    colours = np.where(touched, chance.integers(0, 256, rgb.shape), rgb)
    result = np.concatenate([colours, alpha], axis=-1).astype(np.uint8)
    rebuilt = decoded(rebuild(saved(Image.fromarray(rgb), "PNG"), io.BytesIO(encode_delta(rgb, result))))
    assert (rebuilt == np.where(alpha == 0, 0, result)).all()


def test_every_orientation_is_rebuilt_exactly(subtests: pytest.Subtests) -> None:
    for kind, orientation, reported in product(["JPEG", "PNG", "TIFF"], range(1, 9), [True, False]):
        with subtests.test(kind=kind, orientation=orientation, reported=reported):
            original = turned(kind, orientation)
            rgb = upright_rgb(original)
            result = subject(rgb)
            delta = io.BytesIO(encode_delta(rgb, result))
            rebuilt = decoded(rebuild(original, delta, orientation=orientation if reported else None))
            assert (rebuilt == result).all()


def test_the_reported_orientation_stands_above_the_files_own(subtests: pytest.Subtests) -> None:
    for kind, own, reported in product(["JPEG", "TIFF"], [1, 3, 6, 7], [1, 2, 6, 8]):
        with subtests.test(kind=kind, own=own, reported=reported):
            stored = upright_rgb(turned(kind, 1))
            exif = Image.Exif()
            exif[274] = reported
            wanted = np.asarray(
                ImageOps.exif_transpose(Image.open(saved(Image.fromarray(stored), "PNG", exif=exif)))
            )
            result = subject(wanted)
            delta = io.BytesIO(encode_delta(wanted, result))
            assert (decoded(rebuild(turned(kind, own), delta, orientation=reported)) == result).all()


def test_every_mode_is_rebuilt_exactly(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("P", "GIF"),
        ("P", "PNG"),
        ("L", "JPEG"),
        ("L", "PNG"),
        ("1", "BMP"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
    ]
    for mode, kind in cases:
        with subtests.test(mode=mode, kind=kind):
            original = saved(Image.fromarray(photo()).convert(mode), kind)
            rgb = upright_rgb(original)
            delta = io.BytesIO(encode_delta(rgb, subject(rgb)))
            assert (decoded(rebuild(original, delta, unproven=mode == "CMYK")) == subject(rgb)).all()


def test_sixteen_bit_grey_gives_its_high_byte() -> None:
    deep = np.random.default_rng(2).integers(0, 65536, (20, 30), dtype=np.uint16)
    rgb = np.repeat((deep >> 8).astype(np.uint8)[..., np.newaxis], 3, axis=-1)
    rebuilt = decoded(rebuild(saved(Image.fromarray(deep), "PNG"), delta_of_solid(rgb), unproven=True))
    assert (rebuilt[..., :3] == rgb).all()


def delta_of_solid(rgb: Pixels) -> io.BytesIO:
    return delta_of(np.full((*rgb.shape[:2], 4), (255, 255, 255, 0), np.uint8))


def test_a_solid_pixel_of_a_transparent_original_is_opaque() -> None:
    pixels = np.dstack([photo(), photo(seed=4)[..., 0]])
    rebuilt = decoded(rebuild(saved(Image.fromarray(pixels), "PNG"), delta_of_solid(photo())))
    assert (rebuilt[..., 3] == 255).all()
    assert (rebuilt[..., :3] == photo()).all()


def test_the_originals_rgb_profile_is_kept() -> None:
    profile = srgb_profile()
    original = saved(Image.fromarray(photo()), "JPEG", icc_profile=profile)
    with Image.open(io.BytesIO(rebuild(original, delta_of_solid(photo())))) as image:
        assert image.info["icc_profile"] == profile


def test_sizes_that_differ_are_named() -> None:
    with pytest.raises(DeltaMismatchError, match=r"original is 37 x 23 .* Delta PNG 23 x 37") as caught:
        rebuild(turned("JPEG", 1), delta_of_solid(photo(23, 37)))
    assert (caught.value.original.width, caught.value.delta.width) == (37, 23)


def test_an_orientation_that_disagrees_is_a_mismatch() -> None:
    with pytest.raises(DeltaMismatchError, match="23 x 37"):
        rebuild(turned("JPEG", 1), delta_of_solid(photo()), orientation=6)


def test_what_is_no_delta_is_refused() -> None:
    original = turned("JPEG", 1)
    with pytest.raises(UnreadableImageError, match="JPEG"):
        rebuild(original, turned("JPEG", 1))
    with pytest.raises(UnreadableImageError, match="no transparency"):
        rebuild(original, saved(Image.fromarray(photo()), "PNG"))
    cut = delta_of(subject(photo())).getvalue()[:300]
    with pytest.raises(UnreadableImageError):
        rebuild(original, io.BytesIO(cut))
    with pytest.raises(UnreadableImageError, match="empty"):
        rebuild(io.BytesIO(), delta_of(subject(photo())))


def test_a_bomb_is_refused_from_its_header() -> None:
    with pytest.raises(TooManyPixelsError):
        rebuild(ANNOUNCING["png"](60000, 60000), ANNOUNCING["png"](60000, 60000))


def test_sizes_that_differ_are_refused_when_encoding() -> None:
    with pytest.raises(ValueError, match="input is"):
        encode_delta(photo(5, 5), subject(photo(5, 6)))


def test_a_delta_is_much_smaller_than_the_full_picture() -> None:
    rgb = photo(300, 200)
    result = subject(rgb)
    solid = np.where(
        result[..., 3:] > 127, np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]), 0
    ).astype(np.uint8)
    assert len(encode_delta(rgb, solid)) * 10 < len(delta_of(solid).getvalue())
