from __future__ import annotations

import io
import tracemalloc
from itertools import product

import pytest
from PIL import Image
from support.image_samples import ANNOUNCING, ORIENTATION_TAG, photo, png_chunk, saved, turned, whole_files

from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Size
from pixian_batch.imaging.errors import UnreadableImageError
from pixian_batch.imaging.probe import check_complete, probe

KINDS = {"BMP": Kind.BMP, "GIF": Kind.GIF, "JPEG": Kind.JPEG, "PNG": Kind.PNG, "TIFF": Kind.TIFF}


def test_kind_and_size_come_from_the_bytes(subtests: pytest.Subtests) -> None:
    for name, kind in KINDS.items():
        with subtests.test(name=name):
            header = probe(saved(Image.fromarray(photo(31, 17)), name))
            assert (header.kind, header.size, header.orientation) == (kind, Size(31, 17), 1)


def test_orientation_is_read_and_the_size_is_the_stored_one(subtests: pytest.Subtests) -> None:
    for name, orientation in product(["JPEG", "PNG", "TIFF"], range(1, 9)):
        with subtests.test(name=name, orientation=orientation):
            header = probe(turned(name, orientation))
            assert (header.orientation, header.size) == (orientation, Size(37, 23))
            assert header.upright == (Size(23, 37) if orientation >= 5 else Size(37, 23))


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_makes_no_sense_is_none(orientation: int) -> None:
    assert probe(turned("JPEG", orientation)).orientation == 1


def test_png_orientation_behind_the_pixels_is_found() -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 8
    data = saved(Image.fromarray(photo()), "PNG").getvalue()
    end = data.index(b"IEND") - 4
    moved = data[:end] + png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + data[end:]
    assert probe(io.BytesIO(moved)).orientation == 8


def test_broken_exif_in_a_good_image_means_upright() -> None:
    data = saved(Image.fromarray(photo()), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xffbroken")
    assert probe(data).orientation == 1


def test_what_is_no_image_is_refused_with_its_reason(subtests: pytest.Subtests) -> None:
    cases: list[tuple[bytes, str]] = [
        (b"", "empty"),
        (b"holiday/photo-1.jpg", "text"),
        ("Grüße aus Köln, mit Bild".encode(), "no BMP, GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP file.*convert it to PNG or JPEG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "macOS companion .*the photo is beside it"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video.*still picture"),
        (bytes(range(200, 256)), "no BMP, GIF, JPEG, PNG or TIFF"),
        (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR", "cannot be read"),
        (b"GIF89a\x01", "cut off"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "cannot be read"),
        (b"BM" + bytes(60), "cannot be read"),
        (b"II*\0\xff\xff\xff\x7f", "cannot be read"),
    ]
    for data, reason in cases:
        with subtests.test(data=data, reason=reason), pytest.raises(UnreadableImageError, match=reason):
            probe(io.BytesIO(data))


def test_a_huge_announced_size_is_read_without_allocating_it(subtests: pytest.Subtests) -> None:
    for kind in ANNOUNCING:
        with subtests.test(kind=kind):
            stream = ANNOUNCING[kind](65535, 65000)
            tracemalloc.start()
            try:
                assert probe(stream).size == Size(65535, 65000)
                assert tracemalloc.get_traced_memory()[1] < 4_000_000
            finally:
                tracemalloc.stop()


def test_a_gif_frame_beyond_its_screen_counts() -> None:
    data = bytearray(ANNOUNCING["gif"](300, 200).getvalue())
    data[6:10] = bytes([10, 0, 10, 0])
    assert probe(io.BytesIO(bytes(data))).size == Size(300, 200)


def test_whole_files_are_complete(subtests: pytest.Subtests) -> None:
    for name in whole_files():
        with subtests.test(name=name):
            stream = whole_files()[name]
            check_complete(stream, probe(stream).kind)


def test_cut_files_are_noticed(subtests: pytest.Subtests) -> None:
    name_cases: list[str] = ["bmp", "gif", "jpeg", "progressive", "png", "tiff", "tiff_lzw"]
    for name, part in product(name_cases, [0.5, 0.75, 0.95]):
        with subtests.test(name=name, part=part):
            data = whole_files()[name].getvalue()
            kind = probe(io.BytesIO(data)).kind
            with pytest.raises(UnreadableImageError):
                check_complete(io.BytesIO(data[: int(len(data) * part)]), kind)


def test_the_end_mark_of_an_embedded_thumbnail_does_not_count() -> None:
    thumbnail = saved(Image.fromarray(photo(8, 8)), "JPEG").getvalue()
    comment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    data = saved(Image.fromarray(photo()), "JPEG").getvalue()
    with_thumbnail = data[:2] + comment + data[2:]
    check_complete(io.BytesIO(with_thumbnail), Kind.JPEG)
    with pytest.raises(UnreadableImageError, match="JPEG file is cut off"):
        check_complete(io.BytesIO(with_thumbnail[:-60]), Kind.JPEG)


def test_data_behind_the_end_of_a_jpeg_is_tolerated() -> None:
    data = saved(Image.fromarray(photo()), "JPEG").getvalue()
    check_complete(io.BytesIO(data + b"maker note" * 300), Kind.JPEG)


class _Counting(io.BytesIO):
    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_probing_reads_a_small_part_of_a_large_file(subtests: pytest.Subtests) -> None:
    for name in ["BMP", "GIF", "JPEG", "PNG", "TIFF"]:
        with subtests.test(name=name):
            data = saved(
                Image.fromarray(photo(1000, 1000) if name == "JPEG" else photo(600, 450)), name
            ).getvalue()
            stream = _Counting(data)
            check_complete(stream, probe(stream).kind)
            assert stream.taken < len(data) // 2
            assert stream.taken < 80_000


@pytest.mark.parametrize("film", [200_000, 3_000_000])
def test_a_motion_photo_is_whole(film: int) -> None:
    photo = io.BytesIO()
    Image.new("RGB", (640, 480), (9, 99, 200)).save(photo, "JPEG")
    check_complete(io.BytesIO(photo.getvalue() + b"\0\0\0\x18ftypmp42" * (film // 12)), Kind.JPEG)


def test_a_cut_photo_with_a_long_scan_is_cut() -> None:
    noise = Image.effect_noise((900, 900), 90)
    photo = io.BytesIO()
    noise.save(photo, "JPEG", quality=98)
    with pytest.raises(UnreadableImageError, match="cut off"):
        check_complete(io.BytesIO(photo.getvalue()[:-2]), Kind.JPEG)
