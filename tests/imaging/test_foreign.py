"""Headers of WebP, AVIF and HEIC photos: what is sent in their place is told from them alone, for any bytes."""

from __future__ import annotations

import io
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.foreign_samples import LOSSY, announcing, deep, foreign, scene, turned
from support.pictures import KINDS, picture

from pixian_batch.contract.kinds import ForeignKind, Kind
from pixian_batch.contract.params import DEFAULT_MAX_PIXELS, Size
from pixian_batch.imaging.errors import TooManyPixelsError, UnreadableImageError
from pixian_batch.imaging.foreign import MOST_DECODED, ForeignHeader, foreign_header


def header(content: bytes) -> ForeignHeader:
    found = foreign_header(io.BytesIO(content))
    assert found is not None
    return found


def clear() -> Image.Image:
    image = scene().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


@pytest.mark.parametrize("kind", LOSSY)
def test_a_lossy_photo_becomes_a_jpeg_and_a_transparent_one_a_png(kind: ForeignKind) -> None:
    lossy = header(foreign(kind))
    assert (lossy.kind, lossy.size, lossy.target) == (kind, Size(96, 64), Kind.JPEG)
    assert lossy.word == f"{kind.name.lower()}->jpeg"
    assert (lossy.alpha, lossy.sequence, lossy.shrunk) == (False, False, False)
    transparent = header(foreign(kind, clear()))
    assert (transparent.size, transparent.alpha, transparent.target) == (Size(96, 64), True, Kind.PNG)


def test_what_a_jpeg_would_take_something_from_becomes_a_png() -> None:
    for image in (scene(), clear()):
        lossless = header(foreign(ForeignKind.WEBP, image, lossless=True))
        assert (lossless.size, lossless.lossless, lossless.target) == (Size(96, 64), True, Kind.PNG)
    ten = header(deep(np.full((64, 96, 3), 40_000, np.uint16)))
    assert (ten.bits, ten.sixteen, ten.target) == (10, True, Kind.PNG)


def test_an_avif_of_ten_bits_is_a_jpeg_of_eight() -> None:
    """Its decoder gives eight: sixteen would only be larger."""
    assert ForeignHeader(ForeignKind.AVIF, Size(9, 9), bits=10).target is Kind.JPEG


def test_more_pictures_than_one_are_seen() -> None:
    others = [scene(shade=90)]
    for kind in (ForeignKind.WEBP, ForeignKind.AVIF):
        assert header(foreign(kind, append_images=others, save_all=True, duration=50)).sequence, kind


def test_the_size_is_as_stored_whatever_the_orientation() -> None:
    for kind in LOSSY:
        assert header(turned(kind, 6)).size.pixels == 96 * 64


def test_above_the_service_s_limit_it_is_sent_as_small_as_the_service_would_make_it() -> None:
    large = header(announcing(ForeignKind.AVIF, 8064, 6048))
    assert large.shrunk
    assert DEFAULT_MAX_PIXELS * 0.999 < large.sent_size.pixels <= DEFAULT_MAX_PIXELS
    assert large.probe.size == large.sent_size
    assert not header(announcing(ForeignKind.AVIF, 8000, 4000)).shrunk
    assert ForeignHeader(ForeignKind.HEIC, Size(8064, 6048), bits=10).target is Kind.JPEG


def test_more_pixels_than_pillow_would_decode_are_refused_by_the_header() -> None:
    for kind in (ForeignKind.AVIF, ForeignKind.HEIC):
        with pytest.raises(TooManyPixelsError) as caught:
            header(announcing(kind, 16_320, 12_240))
        assert caught.value.limit == MOST_DECODED == 2 * (Image.MAX_IMAGE_PIXELS or 0)
    with pytest.raises(UnreadableImageError, match="no pixels"):
        header(announcing(ForeignKind.HEIC, 0, 6))


def test_other_kinds_are_none_of_it() -> None:
    for kind in KINDS:
        assert foreign_header(io.BytesIO(picture(kind))) is None
    for other in (b"", b"x", b"II*\0CR", b"\0\0\0\x18ftypmp42\0\0\0\0", b"RIFF\0\0\0\0WAVEfmt "):
        assert foreign_header(io.BytesIO(other)) is None


@pytest.mark.parametrize("kind", LOSSY)
def test_a_file_that_is_cut_off_is_known_by_its_header(kind: ForeignKind) -> None:
    content = foreign(kind)
    for length in (len(content) - 1, len(content) // 2, 40, 17):
        with pytest.raises(UnreadableImageError, match=r"cut off|damaged|no size|no still picture"):
            header(content[:length])


SAMPLES = [foreign(kind) for kind in LOSSY] + [foreign(ForeignKind.WEBP, clear(), lossless=True)]


@settings(max_examples=300)
@given(st.sampled_from(SAMPLES), st.integers(0, 1 << 30))
def test_no_bytes_raise_anything_else(content: bytes, seed: int) -> None:
    chance, broken = random.Random(seed), bytearray(content)  # noqa: S311  # no secret
    for _ in range(chance.randrange(1, 12)):
        broken[chance.randrange(min(len(broken), 600))] = chance.randrange(256)
    try:
        found = foreign_header(io.BytesIO(bytes(broken[: chance.randrange(20, len(broken) + 1)])))
    except (UnreadableImageError, TooManyPixelsError):
        return
    assert found is None or found.size.pixels <= MOST_DECODED


def test_reading_a_header_loads_no_pillow() -> None:
    code = "import sys, pixian_batch.adapters.reading; sys.exit(bool({'PIL', 'numpy', 'pillow_heif'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
