"""Kinds by real bytes, made with Pillow; cut files are never taken for whole."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixian_batch.contract.kinds import (
    FOREIGN_SUFFIXES,
    HEAD_BYTES,
    INPUT_SUFFIXES,
    TAIL_BYTES,
    Kind,
    is_whole,
    result_kind,
    sniff,
    sniff_foreign,
)
from pixian_batch.contract.params import OutputFormat

if TYPE_CHECKING:
    import pytest


def _bytes(pillow_format: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    picture = Image.effect_noise((48, 32), 60).convert(mode)
    picture.save(file, pillow_format, **options)
    return file.getvalue()


MADE = [
    (Kind.BMP, "BMP", "RGB", {}),
    (Kind.GIF, "GIF", "P", {}),
    (Kind.JPEG, "JPEG", "RGB", {}),
    (Kind.JPEG, "JPEG", "CMYK", {}),
    (Kind.JPEG, "JPEG", "L", {"progressive": True}),
    (Kind.PNG, "PNG", "RGBA", {}),
    (Kind.PNG, "PNG", "1", {}),
    (Kind.TIFF, "TIFF", "RGB", {}),
    (Kind.TIFF, "TIFF", "L", {"big_tiff": True}),
]


def test_real_bytes_are_recognised(subtests: pytest.Subtests) -> None:
    for kind, pillow, mode, options in MADE:
        with subtests.test(kind=kind, pillow=pillow, mode=mode, options=options):
            data = _bytes(pillow, mode, **options)
            assert sniff(data[:HEAD_BYTES]) is kind
            assert sniff_foreign(data[:HEAD_BYTES]) is None


def test_other_bytes_are_nothing(subtests: pytest.Subtests) -> None:
    cases: list[bytes] = [b"", b"B", b"\x89PNG", b"\xff\xd8", b"II", b"GIF88a", b"text", b"<svg", b"\0" * 16]
    for head in cases:
        with subtests.test(head=head):
            assert sniff(head) is None


def test_big_endian_tiff_is_a_tiff() -> None:
    assert sniff(b"MM\0*\0\0\0\x08") is Kind.TIFF
    assert sniff(b"MM\0+\0\x08\0\0") is Kind.TIFF


def test_foreign_kinds_are_named(subtests: pytest.Subtests) -> None:
    cases: list[tuple[bytes, str | None]] = [
        (_bytes("WEBP"), "WebP"),
        (_bytes("AVIF"), "AVIF"),
        (_bytes("PDF"), "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "camera's raw"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video"),
        (b"\0\0\0\x18ftyphevc\0\0\0\0", "HEIC"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"FUJIFILMCCD-RAW ", "camera's raw"),
        (b"IIRO\x08\0\0\0", "camera's raw"),
        (b"IIU\0\x18\0\0\0", "camera's raw"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "macOS companion (._)"),
        (b"8BPS\0\x01", "PSD"),
        (b"<svg xmlns=", "SVG"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"", None),
    ]
    for head, name in cases:
        with subtests.test(head=head, name=name):
            assert sniff_foreign(head[:HEAD_BYTES]) == name
            assert sniff(head[:HEAD_BYTES]) is None


WHOLE = [row for row in MADE if row[0] in {Kind.PNG, Kind.JPEG}]


def test_a_cut_file_is_never_whole(subtests: pytest.Subtests) -> None:
    for kind, pillow, mode, options in WHOLE:
        with subtests.test(kind=kind, pillow=pillow, mode=mode, options=options):
            data = _bytes(pillow, mode, **options)
            assert is_whole(kind, data[-TAIL_BYTES:])
            for length in range(len(data)):
                assert not is_whole(kind, data[:length][-TAIL_BYTES:]), length


def test_other_kinds_are_never_called_whole() -> None:
    for kind in (Kind.BMP, Kind.GIF, Kind.TIFF):
        assert not is_whole(kind, b"\0\0\0\0IEND\xae\x42\x60\x82")
        assert not is_whole(kind, b"\xff\xd9")


def test_padding_behind_a_jpeg_is_forgiven_but_padding_alone_is_not() -> None:
    assert is_whole(Kind.JPEG, _bytes("JPEG") + b"\0\0\0")
    assert not is_whole(Kind.JPEG, b"\0" * TAIL_BYTES)
    assert not is_whole(Kind.PNG, b"")
    assert not is_whole(Kind.JPEG, b"")


@given(st.binary(max_size=80))
def test_no_bytes_can_raise(data: bytes) -> None:
    sniff(data)
    sniff_foreign(data)
    for kind in Kind:
        is_whole(kind, data)


def test_suffixes_and_media_types_are_the_usual_ones() -> None:
    expected = {".bmp", ".dib", ".gif", ".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".png", ".tif", ".tiff"}
    assert expected == INPUT_SUFFIXES
    assert not INPUT_SUFFIXES & FOREIGN_SUFFIXES
    assert {kind.media_type for kind in Kind} == {
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/tiff",
    }
    assert [Kind.JPEG.suffix, Kind.PNG.suffix, Kind.TIFF.suffix] == [".jpg", ".png", ".tif"]


def test_the_result_kind_of_each_format() -> None:
    assert result_kind(OutputFormat.PNG) is Kind.PNG
    assert result_kind(OutputFormat.DELTA_PNG) is Kind.PNG
    assert result_kind(OutputFormat.JPEG) is Kind.JPEG
