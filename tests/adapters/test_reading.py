"""Reading inputs: hashes are right and not made twice; nothing odd hangs or comes out as an exception of others."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from support.pictures import KINDS, announced_png, picture, put

from pixian_batch.adapters.reading import SMALL, ReadingError, Stamp, probe_file, read_fingerprint
from pixian_batch.contract.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRONG = b"w" * 32


def stamp_of(path: str) -> Stamp:
    status = os.stat(path)
    return Stamp(status.st_size, status.st_mtime_ns)


def test_a_fingerprint(tmp_path: Path, subtests: pytest.Subtests) -> None:
    for kind in KINDS:
        with subtests.test(kind=kind):
            content = picture(kind)
            path = put(tmp_path / "odd name.dat", content)
            fingerprint = read_fingerprint(path)
            assert fingerprint.digest == blake3(content).digest()
            assert fingerprint.stamp == Stamp(len(content), os.stat(path).st_mtime_ns)
            assert (fingerprint.probe.size.width, fingerprint.probe.size.height) == (8, 6)


def test_the_bytes_decide_the_kind(tmp_path: Path) -> None:
    assert read_fingerprint(put(tmp_path / "a.jpg", picture("png"))).probe.kind is Kind.PNG


LARGE = picture() + bytes(SMALL)


def test_a_known_stamp_spares_the_hashing(tmp_path: Path) -> None:
    path = put(tmp_path / "a.png", LARGE)
    known = (stamp_of(path), WRONG)
    assert read_fingerprint(path, known=known).digest == WRONG, (
        "the cache is believed: the file was not hashed"
    )
    os.utime(path, ns=(1, 1))
    assert read_fingerprint(path, known=known).digest == blake3(LARGE).digest()
    put(path, LARGE + b"x")
    os.utime(path, ns=(1, known[0].mtime_ns))
    assert read_fingerprint(path, known=known).digest == blake3(LARGE + b"x").digest()


def test_a_small_file_is_read_once_and_a_large_one_is_not_held(tmp_path: Path) -> None:
    small = picture() + bytes(SMALL - len(picture()))
    path = put(tmp_path / "a.png", small)
    fingerprint = read_fingerprint(path, known=(stamp_of(path), WRONG))
    assert (fingerprint.content, fingerprint.digest) == (small, blake3(small).digest()), (
        "what is sent is what was hashed"
    )
    assert read_fingerprint(put(path, LARGE)).content is None


def test_what_is_no_whole_image_is_told_with_advice(tmp_path: Path, subtests: pytest.Subtests) -> None:
    cases: list[tuple[bytes, str]] = [
        (b"", ""),
        (b"this is no photo\n" * 100, ""),
        (b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 100, "WebP"),
        (b"\0\0\0 ftypheic" + b"\0" * 100, "HEIC"),
        (b"%PDF-1.4" + b"\0" * 100, "PDF"),
        (picture("png")[:-8], "cut off"),
        (picture("jpg", size=(200, 200))[:-20], "cut off"),
        (picture("bmp")[:-20], "cut off"),
        (picture("tif")[:60], ""),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"\xff\xd8\xff", ""),
    ]
    for content, reason in cases:
        with subtests.test(content=content, reason=reason):
            with pytest.raises(ReadingError) as caught:
                read_fingerprint(put(tmp_path / "a.jpg", content))
            assert caught.value.code == "unreadable"
            assert reason in str(caught.value)
            assert str(caught.value)
            assert caught.value.hint


def test_too_many_pixels_are_refused_by_the_header_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("hashed")

    monkeypatch.setattr("pixian_batch.adapters.reading.blake3", never)
    for size in ((8000, 5000), (1_000_000, 1_000_000), (32_000_001, 1)):
        with pytest.raises(ReadingError, match="32") as caught:
            read_fingerprint(put(tmp_path / "a.png", announced_png(*size)))
        assert caught.value.code == "too_large"
        assert "scale" in caught.value.hint
    with pytest.raises(AssertionError, match="hashed"):
        read_fingerprint(put(tmp_path / "a.png", announced_png(8000, 4000)))


def test_a_file_that_is_written_while_it_is_hashed_keeps_the_older_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the upload, which compares stamps, will refuse it."""
    path = put(tmp_path / "a.png", LARGE)
    before = stamp_of(path)

    class Meddling:
        def __init__(self) -> None:
            put(path, picture(shade=1))
            os.utime(path, ns=(1, 1))
            self.real = blake3()

        def update(self, block: bytes) -> None:
            self.real.update(block)

        def digest(self) -> bytes:
            return self.real.digest()

    monkeypatch.setattr("pixian_batch.adapters.reading.blake3", Meddling)
    assert read_fingerprint(path).stamp == before != stamp_of(path)


@pytest.mark.parametrize("read", [read_fingerprint, probe_file])
def test_a_file_that_is_gone(tmp_path: Path, read: Callable[[str], object]) -> None:
    with pytest.raises(ReadingError, match="cannot be read") as caught:
        read(str(tmp_path / "gone.jpg"))
    assert "run again" in caught.value.hint


def test_probing_takes_any_size_but_no_half_of_a_file(tmp_path: Path) -> None:
    """Whether it is too large is the plan's question; nothing is hashed for it."""
    content = picture("png", size=(300, 200))
    assert probe_file(put(tmp_path / "a.png", content)) == (len(content), 60_000)
    with pytest.raises(ReadingError, match="cut off"):
        probe_file(put(tmp_path / "a.png", content[:-8]))


def test_a_folder_is_no_photo(tmp_path: Path) -> None:
    with pytest.raises(ReadingError):
        read_fingerprint(str(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ReadingError, match="not a file") as caught:
        read_fingerprint(str(tmp_path / "a.jpg"))
    assert caught.value.hint


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
def test_an_endless_device_is_no_photo() -> None:
    with pytest.raises(ReadingError, match="not a file"):
        read_fingerprint("/dev/zero")
