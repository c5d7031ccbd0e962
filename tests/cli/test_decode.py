"""`pixian-batch decode`: exact, atomic, and clear about what it cannot do."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support.commands import here

from pixian_batch.imaging.delta import encode_delta

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (40, 30)


def photo(path: Path, *, orientation: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A noisy PNG at `path`; its pixels once upright (H x W x 3)."""
    pixels = np.random.default_rng(7).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return np.rot90(pixels, -1) if orientation == 6 else pixels


@pytest.mark.parametrize("orientation", [1, 6])
def test_it_rebuilds_exactly(tmp_path: Path, orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rgb = photo(tmp_path / "a.png", orientation=orientation)
    result = np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)])
    result[5:20, 5:20, 3] = 255
    result[20:22, 5:20, 3] = 77
    (tmp_path / "d.png").write_bytes(encode_delta(np.ascontiguousarray(rgb), result))
    ended = here("decode", "a.png", "d.png", "-o", "new/out.png")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    rebuilt = np.asarray(Image.open(io.BytesIO((tmp_path / "new/out.png").read_bytes())))
    np.testing.assert_array_equal(rebuilt[..., 3], result[..., 3])
    np.testing.assert_array_equal(rebuilt[result[..., 3] > 0], result[result[..., 3] > 0])
    assert os.listdir(tmp_path / "new") == ["out.png"]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rgb = photo(tmp_path / "a.png")
    result = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    (tmp_path / "d.png").write_bytes(encode_delta(rgb, result))
    (tmp_path / "there.png").write_bytes(b"mine")
    (tmp_path / "text.png").write_bytes(b"hello")
    Image.new("RGB", (SIZE[0] + 1, SIZE[1])).save(tmp_path / "wide.png")
    Image.new("RGB", (SIZE[1], SIZE[0])).save(tmp_path / "turned.png")
    return tmp_path


MISTAKES = (
    (["a.png", "d.png", "-o", "there.png"], 2, "--overwrite"),
    (["a.png", "d.png", "-o", "a.png", "--overwrite"], 2, "is the photo itself"),
    (["a.png", "d.png", "-o", "d.png", "--overwrite"], 2, "is the Delta PNG itself"),
    (["a.png", "d.png", "-o", "."], 2, "name the file"),
    (["nowhere.png", "d.png", "-o", "o.png"], 2, "no such file"),
    (["a.png", "d.png", "-o", "o.png", "--orientation", "9"], 2, "a whole number from 1 to 8"),
    (["text.png", "d.png", "-o", "o.png"], 3, "ORIGINAL DELTA"),
    (["a.png", "wide.png", "-o", "o.png"], 3, "exactly as it was sent"),
    (["turned.png", "d.png", "-o", "o.png"], 3, "--orientation"),
    (["a.png", "a.png", "-o", "o.png"], 3, "no transparency"),
    (["a.png", "d.png", "-o", "there.png/o.png"], 8, "check the path"),
)
"""(arguments, exit code, a part of the message)"""


def test_mistakes(pair: Path) -> None:
    before = sorted(os.listdir(pair))
    for arguments, code, message in MISTAKES:
        ended = here("decode", *arguments)
        assert ended.code == code, (arguments, ended.err)
        assert message in " ".join(ended.err.replace("│", " ").split()), arguments
        assert sorted(os.listdir(pair)) == before, arguments
        assert (pair / "there.png").read_bytes() == b"mine", arguments


@pytest.mark.usefixtures("pair")
def test_the_orientation_of_the_header_wins() -> None:
    # A photo whose own EXIF data says 1, which the service read as 6.
    turn = ["-o", "o.png", "--orientation", "6"]
    assert here("decode", "a.png", "d.png", *turn).code == 3
    assert here("decode", "turned.png", "d.png", *turn).code == 0


def test_overwrite_replaces(pair: Path) -> None:
    ended = here("decode", "a.png", "d.png", "-o", "there.png", "--overwrite")
    assert ended.code == 0
    assert (pair / "there.png").read_bytes().startswith(b"\x89PNG")


def test_a_photo_that_may_be_read_otherwise_is_decoded_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    deep = np.random.default_rng(1).integers(0, 65536, (20, 30), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    Image.new("RGBA", (30, 20), (255, 255, 255, 0)).save(tmp_path / "d.png")
    refused = here("decode", "a.png", "d.png", "-o", "out.png")
    assert refused.code == 3
    assert "from PNG, grey, 16 bits, a rebuild is not proven to be exact" in refused.err
    assert "add --unproven" in refused.err
    assert not (tmp_path / "out.png").exists()
    assert here("decode", "a.png", "d.png", "-o", "out.png", "--unproven").code == 0
    rebuilt = np.asarray(Image.open(io.BytesIO((tmp_path / "out.png").read_bytes())))
    np.testing.assert_array_equal(rebuilt[..., 0], deep >> 8)
