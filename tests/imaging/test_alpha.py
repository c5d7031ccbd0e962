"""The sample tells what all pixels would: against numpy's count of them, and of any kind of PNG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pixian_batch.contract.headers import Box
from pixian_batch.imaging.alpha import MOST_PIXELS, count_alpha
from pixian_batch.imaging.delta import encode_delta
from pixian_batch.imaging.errors import UnreadableImageError
from pixian_batch.policy.look import Shares


def png(image: Image.Image, **options: object) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out


def disc(width: int, height: int) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    far = np.hypot((rows - height / 2) / height, (columns - width / 2) / width)
    alpha = np.clip((0.3 - far) * 40, 0, 1) * 255
    picture = Image.new("RGBA", (width, height), (200, 90, 30, 0))
    picture.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return picture


def shares(
    stream: io.BytesIO, box: Box | None = None, *, delta: bool = False
) -> tuple[Shares, Shares | None]:
    counts = count_alpha(stream, box, delta=delta)
    assert counts is not None
    whole = Shares.of(counts.whole)
    assert whole is not None
    return whole, Shares.of(counts.inside) if counts.inside is not None else None


@pytest.mark.parametrize("size", [(40, 30), (601, 599), (2400, 1300), (3000, 7)])
def test_a_sample_is_as_good_as_all(size: tuple[int, int]) -> None:
    picture = disc(*size)
    alpha = np.asarray(picture.getchannel("A")) / 255
    found, _ = shares(png(picture))
    assert found.visible == pytest.approx(alpha.mean(), abs=0.01)
    assert found.opaque == pytest.approx((alpha > 0.9).mean(), abs=0.01)
    assert found.half == pytest.approx(((alpha >= 0.1) & (alpha <= 0.9)).mean(), abs=0.01)


def test_a_box_is_counted_by_itself() -> None:
    picture = Image.new("RGBA", (2000, 1000))
    picture.paste((1, 2, 3, 255), (503, 201, 1497, 799))
    whole, inside = shares(png(picture), Box(201, 503, 994, 598))
    assert whole.opaque == pytest.approx(994 * 598 / 2e6, abs=0.01)
    assert inside == Shares(1.0, 0.0, 1.0)
    for box in (Box(500, 0, 2000, 501), Box(0, 0, 0, 0), None):
        assert shares(png(picture), box)[1] is None


def test_a_delta_counts_as_what_it_stands_for() -> None:
    picture = disc(300, 200)
    pixels = np.asarray(picture)
    delta = io.BytesIO(encode_delta(np.ascontiguousarray(pixels[..., :3]), pixels))
    assert shares(delta)[0].opaque < 0.01
    assert shares(delta, delta=True)[0] == shares(png(picture))[0]


def test_kinds_of_transparency() -> None:
    picture = Image.new("P", (10, 10), 1)
    picture.paste(0, (0, 0, 10, 5))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    assert shares(png(picture, transparency=0))[0].opaque == 0.5
    grey = Image.merge("LA", [Image.new("L", (4, 4), 9), Image.new("L", (4, 4), 128)])
    assert shares(png(grey))[0].half == 1.0
    assert count_alpha(png(Image.new("RGB", (4, 4)))) is None


def test_what_cannot_be_looked_at() -> None:
    side = int(MOST_PIXELS**0.5) + 1
    large = png(Image.new("LA", (1, 1))).getvalue()
    announced = large[:16] + side.to_bytes(4) * 2 + large[24:]
    with pytest.raises(UnreadableImageError):  # its header's checksum is another one now
        count_alpha(io.BytesIO(announced))
    for broken in (b"", b"\x89PNG\r\n\x1a\n", png(disc(40, 30)).getvalue()[:200]):
        with pytest.raises(UnreadableImageError):
            count_alpha(io.BytesIO(broken))
