"""Result files of every kind, good and strange: each gives measures, none raises."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support import mattes
from support.image_samples import announcing_png

from pixian_batch.contract.params import Color, Params, Size
from pixian_batch.imaging.delta import encode_delta
from pixian_batch.imaging.png import write_png
from pixian_batch.review.looking import PHOTO_SIDE, Looked, ResultFile, look
from pixian_batch.review.measures import Asked
from pixian_batch.review.suspicion import assess

if TYPE_CHECKING:
    from pathlib import Path

CUT = mattes.cut_out(mattes.disc(100, soft=4))


def looked(
    folder: Path, body: bytes, *, photo: bytes | None = None, delta: bool = False, **params: object
) -> Looked:
    result, original = folder / "a\x1b[31m\n.png", folder / "photo"
    result.write_bytes(body)
    if photo is not None:
        original.write_bytes(photo)
    asked = Asked(Params(**params))  # type: ignore[arg-type]  # a test's own keywords
    return look(ResultFile(str(result), asked, str(original), delta=delta))


def photo(size: tuple[int, int] = (400, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 90, 30)).save(out, "JPEG")
    return out.getvalue()


def test_a_png_is_measured_beside_its_photo(tmp_path: Path) -> None:
    seen = looked(tmp_path, write_png(CUT), photo=photo((4000, 3000)))
    assert seen.measures.area == pytest.approx(np.pi * 100**2 / 120_000, rel=0.02)
    assert seen.measures.sharp_ground is not None
    assert (seen.result and seen.result.size, seen.photo and seen.photo.size) == (
        (400, 300),
        (PHOTO_SIDE, 600),
    )
    assert pickle.loads(pickle.dumps(seen.measures)) == seen.measures  # noqa: S301  # our own


def test_a_photo_that_is_gone_or_damaged_is_no_reason(tmp_path: Path) -> None:
    for broken in (None, b"", b"\xff\xd8\xff nothing"):
        seen = looked(tmp_path, write_png(CUT), photo=broken)
        assert (seen.photo, seen.measures.problem, seen.measures.halo) == (None, "", None)


def test_a_delta_is_what_it_stands_for(tmp_path: Path) -> None:
    rgb = np.asarray(Image.open(io.BytesIO(photo())))
    full = np.dstack([rgb, CUT[..., 3]])
    whole, delta = looked(tmp_path, write_png(full)), encode_delta(rgb, full)
    for original in (photo(), b""):
        seen = looked(tmp_path, delta, photo=original, delta=True)
        assert seen.measures.area == whole.measures.area
        assert seen.measures.islands == 1
        assert (seen.photo is None) is (original == b"")
    assert (looked(tmp_path, delta).measures.area or 0) < 0.02, "unless nobody knows that it is one"


def test_a_jpeg_is_told_from_its_ground(tmp_path: Path) -> None:
    out = io.BytesIO()
    ground = Image.new("RGB", (400, 300), (0, 160, 0))
    ground.paste(Image.fromarray(CUT), mask=Image.fromarray(CUT[..., 3]))
    ground.save(out, "JPEG", quality=75)
    seen = looked(tmp_path, out.getvalue(), background_color=Color(0, 160, 0))
    assert seen.measures.area == pytest.approx(np.pi * 100**2 / 120_000, rel=0.05)
    assert (seen.measures.islands, seen.measures.holes, seen.measures.sides) == (1, 0, ())


def test_strange_files_are_a_reason_and_nothing_is_raised(tmp_path: Path) -> None:
    png = write_png(CUT)
    texts = {
        b"": "empty",
        b"<html>no image": "",
        png[: len(png) // 2]: "cut off",
        png[:40] + b"\0" * 200 + png[240:]: "",
        announcing_png(9000, 9000).getvalue(): "81,000,000 pixels",
        announcing_png(60_000, 1).getvalue(): "",
    }
    for body, text in texts.items():
        seen = looked(tmp_path, body)
        assert seen.result is None
        assert text in seen.measures.problem
        assert "\n" not in seen.measures.problem
        assert assess(seen.measures).score == 1
    for name in ("gone.png", "."):
        problem = look(ResultFile(str(tmp_path / name))).measures.problem
        assert problem.startswith("it cannot be read: ")


def test_a_picture_of_every_mode_is_measured(tmp_path: Path) -> None:
    for mode in ("L", "LA", "P", "1", "I;16", "RGB", "RGBA"):
        out = io.BytesIO()
        Image.new(mode, (40, 30)).save(out, "PNG")
        assert looked(tmp_path, out.getvalue()).measures.size == Size(40, 30)
