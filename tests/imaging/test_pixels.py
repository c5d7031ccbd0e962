from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps
from support.image_samples import ANNOUNCING, photo, png_chunk, saved, srgb_profile, turned, whole_files

from pixian_batch.contract.params import Size
from pixian_batch.imaging.errors import TooManyPixelsError, UnreadableImageError
from pixian_batch.imaging.layout import limited
from pixian_batch.imaging.pixels import Picture, open_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray


def opened(image: Image.Image, kind: str = "PNG", **options: Any) -> Picture:
    return open_picture(saved(image, kind, **options))


def test_pictures_are_made_upright(subtests: pytest.Subtests) -> None:
    for kind, orientation in product(["JPEG", "PNG", "TIFF"], range(1, 9)):
        with subtests.test(kind=kind, orientation=orientation):
            stream = turned(kind, orientation)
            picture = open_picture(stream)
            with Image.open(stream) as image:
                wanted = np.asarray(ImageOps.exif_transpose(image))
            assert (picture.rgb == wanted).all()
            assert picture.orientation == orientation
            assert picture.original_size == picture.size == Size(wanted.shape[1], wanted.shape[0])
            assert picture.rgb.flags.c_contiguous


@pytest.mark.parametrize("kind", ["BMP", "PNG", "TIFF"])
def test_rgb_is_exact(kind: str) -> None:
    picture = opened(Image.fromarray(photo()), kind)
    assert (picture.rgb == photo()).all()
    assert picture.alpha is None


def test_palettes_become_colours(subtests: pytest.Subtests) -> None:
    for kind in ["BMP", "GIF", "PNG", "TIFF"]:
        with subtests.test(kind=kind):
            image = Image.fromarray(photo()).quantize(32)
            assert (opened(image, kind).rgb == np.asarray(image.convert("RGB"))).all()


def test_grey_and_one_bit_become_rgb(subtests: pytest.Subtests) -> None:
    for mode, kind in product(["L", "1"], ["BMP", "PNG", "TIFF"]):
        with subtests.test(mode=mode, kind=kind):
            image = Image.fromarray(photo()).convert(mode)
            assert (opened(image, kind).rgb == np.asarray(image.convert("RGB"))).all()


def test_alpha_is_kept_beside_the_colours(subtests: pytest.Subtests) -> None:
    for mode, kind in product(["LA", "RGBA"], ["PNG", "TIFF"]):
        with subtests.test(mode=mode, kind=kind):
            image = Image.fromarray(photo()).convert(mode)
            alpha = photo(seed=5)[..., 0]
            image.putalpha(Image.fromarray(alpha))
            picture = opened(image, kind)
            assert picture.alpha is not None
            assert (picture.alpha == alpha).all()
            assert (picture.rgb == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_transparent_palette_entry_becomes_alpha(kind: str) -> None:
    indexes = (np.arange(24 * 24) % 7).astype(np.uint8).reshape(24, 24)
    image = Image.fromarray(indexes).convert("P")
    image.putpalette([value for entry in range(7) for value in (entry * 30, 10, 200 - entry)])
    picture = opened(image, kind, transparency=3)
    assert picture.alpha is not None
    assert ((picture.alpha == 0) == (indexes == 3)).all()


def test_a_transparent_colour_becomes_alpha() -> None:
    pixels = photo()
    pixels[4:9, 4:9] = (1, 2, 3)
    picture = opened(Image.fromarray(pixels), transparency=(1, 2, 3))
    assert picture.alpha is not None
    assert ((picture.alpha == 0) == (pixels == (1, 2, 3)).all(axis=-1)).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_gives_its_high_byte(kind: str) -> None:
    deep = np.random.default_rng(7).integers(0, 65536, (23, 37), dtype=np.uint16)
    picture = opened(Image.fromarray(deep), kind)
    assert (picture.rgb == (deep >> 8)[..., np.newaxis]).all()


def test_sixteen_bit_big_endian_tiff_gives_its_high_byte() -> None:
    deep = np.random.default_rng(8).integers(0, 65536, (5, 6), dtype=np.uint16)
    little = saved(Image.fromarray(deep), "TIFF").getvalue()
    image = Image.frombytes("I;16B", (6, 5), deep.astype(">u2").tobytes())
    big = saved(image, "TIFF").getvalue()
    assert big[:2] == b"MM" != little[:2]
    assert (open_picture(io.BytesIO(big)).rgb[..., 0] == deep >> 8).all()


def test_a_transparent_sixteen_bit_grey_is_matched_in_full() -> None:
    deep = np.array([[0x1200, 0x1234, 0x12FF]], np.uint16)
    data = saved(Image.fromarray(deep), "PNG").getvalue()
    at = data.index(b"IDAT") - 4
    marked = data[:at] + png_chunk(b"tRNS", b"\x12\x34") + data[at:]
    picture = open_picture(io.BytesIO(marked))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0, 255]]


def test_sixteen_bit_rgb_gives_its_high_byte() -> None:
    from pixian_batch.imaging.png import write_png  # only here it makes an input

    deep = np.random.default_rng(9).integers(0, 65536, (9, 11, 3), dtype=np.uint16)
    assert (open_picture(io.BytesIO(write_png(deep))).rgb == deep >> 8).all()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_looks_as_it_should(kind: str) -> None:
    inks: NDArray[np.uint8] = np.zeros((32, 32, 4), np.uint8)
    inks[:, :16] = (0, 255, 255, 0)  # red
    inks[:, 16:] = (255, 255, 0, 0)  # blue
    picture = opened(Image.frombytes("CMYK", (32, 32), inks.tobytes()), kind)
    assert np.abs(picture.rgb[16, 4].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(picture.rgb[16, 28].astype(int) - (0, 0, 255)).max() < 12


def test_only_the_first_frame_counts() -> None:
    first, second = Image.new("RGB", (20, 10), (200, 30, 30)), Image.new("RGB", (20, 10), (0, 0, 0))
    for kind in ("GIF", "PNG", "TIFF"):
        picture = opened(first, kind, save_all=True, append_images=[second])
        assert (picture.rgb == (200, 30, 30)).all(), kind


@pytest.mark.parametrize("mode", ["F", "I"])
def test_samples_that_have_no_known_range_are_refused(mode: str) -> None:
    with pytest.raises(UnreadableImageError, match="not supported"):
        opened(Image.fromarray(photo()).convert("L").convert(mode), "TIFF")


def test_an_rgb_profile_is_kept_and_others_are_not() -> None:
    rgb = Image.fromarray(photo())
    profile = srgb_profile()
    assert opened(rgb, icc_profile=profile).icc == profile
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert opened(rgb, icc_profile=lab).icc is None
    assert opened(rgb, "JPEG", icc_profile=b"nonsense").icc is None
    assert opened(rgb.convert("L"), icc_profile=profile).icc is None


def test_the_pixel_limit_shrinks_and_remembers(subtests: pytest.Subtests) -> None:
    for kind, orientation in product(["JPEG", "PNG"], [1, 6]):
        with subtests.test(kind=kind, orientation=orientation):
            exif = Image.Exif()
            exif[274] = orientation
            rows, columns = np.mgrid[:300, :400]
            ramp = np.stack([columns * 255 // 400, rows * 255 // 300, rows * 0 + 90], -1).astype(np.uint8)
            stream = saved(
                Image.fromarray(ramp), kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {})
            )
            picture = open_picture(stream, max_pixels=3000)
            assert picture.shrunk
            assert picture.original_size == (Size(300, 400) if orientation == 6 else Size(400, 300))
            assert 2800 <= picture.size.pixels <= 3000
            assert abs(int(picture.rgb[..., 2].mean()) - 90) < 3
            lightest = picture.rgb[..., 0].argmax() % picture.size.width
            assert lightest >= picture.size.width - 2 or orientation == 6


@given(st.integers(1, 40_000), st.integers(1, 40_000), st.integers(100, 25_000_000))
def test_the_limit_is_an_area_and_is_nearly_used(width: int, height: int, limit: int) -> None:
    size = limited(Size(width, height), limit)
    assert size.pixels <= limit
    assert min(size.width, size.height) >= 1
    if width * height <= limit:
        assert size == Size(width, height)
    elif min(size.width, size.height) > 20:
        assert size.pixels > 0.85 * limit
        assert size.width / size.height == pytest.approx(width / height, rel=0.1)


def test_too_many_pixels_are_refused_from_the_header(subtests: pytest.Subtests) -> None:
    for kind in ANNOUNCING:
        with subtests.test(kind=kind):
            stream = ANNOUNCING[kind](65535, 65000)
            tracemalloc.start()
            try:
                with pytest.raises(
                    TooManyPixelsError, match=r"65535 x 65000 is 4,259,775,000 pixels; at most 32,000,000"
                ):
                    open_picture(stream)
                assert tracemalloc.get_traced_memory()[1] < 4_000_000
            finally:
                tracemalloc.stop()


def test_a_file_cut_anywhere_is_unreadable_or_a_picture(subtests: pytest.Subtests) -> None:
    for name in whole_files():
        with subtests.test(name=name):
            data = whole_files()[name].getvalue()
            step = max(1, len(data) // 150)
            pictures = 0
            for end in range(0, len(data), step):
                try:
                    open_picture(io.BytesIO(data[:end]))
                    pictures += 1
                except UnreadableImageError:
                    pass
            assert pictures < 150 // 2


def test_flipped_bytes_never_escape_as_other_errors(subtests: pytest.Subtests) -> None:
    for name in whole_files():
        with subtests.test(name=name):
            data = whole_files()[name].getvalue()
            chance = np.random.default_rng(11)
            for _ in range(120):
                broken = bytearray(data)
                for at in chance.integers(0, min(len(data), 700), 3):
                    broken[at] = chance.integers(0, 256)
                try:
                    open_picture(io.BytesIO(bytes(broken)), max_input_pixels=1_000_000)
                except (UnreadableImageError, TooManyPixelsError):
                    continue


_MEASURE = """
import resource, sys
from support.image_samples import ANNOUNCING
from pixian_batch.imaging.errors import TooManyPixelsError
from pixian_batch.imaging.pixels import open_picture
from pixian_batch.imaging.probe import probe
probe(ANNOUNCING["jpeg"](8, 8))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for kind, announcing in ANNOUNCING.items():
    try:
        open_picture(announcing(13000, 13000))
        sys.exit(kind + " was decoded")
    except TooManyPixelsError:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_no_library_allocates_the_announced_size_either() -> None:
    here = Path(__file__).parents[1]
    path = os.pathsep.join([str(here), str(here.parent)])
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert int(done.stdout) < 20_000
