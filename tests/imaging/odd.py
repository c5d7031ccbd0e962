"""Files as real programs write them, whose pixels are good and whose surroundings are large, odd or broken."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image
from support.image_samples import photo, png_chunk, saved, srgb_profile

WIDTH, HEIGHT = 37, 23
_ROW = (WIDTH * 3 + 3) // 4 * 4
_MEGA = 1 << 20


def with_chunks(*chunks: bytes, before: bytes = b"IDAT") -> bytes:
    data = saved(Image.fromarray(photo()), "PNG").getvalue()
    at = data.index(before) - 4
    return data[:at] + b"".join(chunks) + data[at:]


def _damaged(chunk: bytes) -> bytes:
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


def pngs() -> dict[str, bytes]:
    noise = np.random.default_rng(0).bytes
    bomb, profile = zlib.compress(bytes(60 * _MEGA)), zlib.compress(srgb_profile())
    chunks = {
        "profile of 3 MB": [png_chunk(b"iCCP", b"x\0\0" + zlib.compress(noise(3 * _MEGA)))],
        "profile that is a bomb": [png_chunk(b"iCCP", b"x\0\0" + bomb)],
        "profile that is nonsense": [png_chunk(b"iCCP", b"x\0\0nonsense")],
        "zTXt that is a bomb": [png_chunk(b"zTXt", b"x\0\0" + bomb)],
        "iTXt that is a bomb": [png_chunk(b"iTXt", b"x\0\1\0\0\0" + bomb)],
        "text of 2 MB": [png_chunk(b"tEXt", b"x\0" + b"a" * (2 * _MEGA))],
        "texts of 70 MB": [png_chunk(b"tEXt", b"x\0" + b"a" * _MEGA)] * 70,
        "tEXt with a bad checksum": [_damaged(png_chunk(b"tEXt", b"x\0hello"))],
        "eXIf with a bad checksum": [_damaged(png_chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0"))],
        "iCCP with a bad checksum": [_damaged(png_chunk(b"iCCP", b"x\0\0" + profile))],
        "pHYs with a bad checksum": [_damaged(png_chunk(b"pHYs", bytes(9)))],
        "short pHYs": [png_chunk(b"pHYs", b"\0")],
        "short cHRM": [png_chunk(b"cHRM", b"\0")],
        "empty gAMA": [png_chunk(b"gAMA", b"")],
        "broken acTL": [png_chunk(b"acTL", b"\0")],
        "a private chunk": [png_chunk(b"abCd", b"\0")],
    }
    files = {name: with_chunks(*parts) for name, parts in chunks.items()}
    behind = png_chunk(b"zTXt", b"x\0\0" + bomb)
    return {**files, "zTXt behind the pixels": with_chunks(behind, before=b"IEND")}


def jpeg(**options: Any) -> bytes:
    return saved(Image.fromarray(photo()), "JPEG", **options).getvalue()


def _segment(code: int, data: bytes) -> bytes:
    return b"\xff" + bytes([code]) + struct.pack(">H", len(data) + 2) + data


def jpegs() -> dict[str, bytes]:
    data, noise = jpeg(), np.random.default_rng(0).bytes(65_000)
    begin = {
        "20 MB of APP2": _segment(0xE2, noise) * 320,
        "20 MB of APP1": _segment(0xE1, b"Exif\0\0" + noise) * 320,
        "a broken profile": _segment(0xE2, b"ICC_PROFILE\0\1\5x"),
        "a short JFIF head": _segment(0xE0, b"JFIF"),
        "a short Adobe mark": _segment(0xEE, b"Adobe"),
        "a broken Photoshop block": _segment(0xED, b"Photoshop 3.0\08BIM\4"),
        "a broken index of pictures": _segment(0xE2, b"MPF\0II*\0\xff\xff"),
        "broken EXIF": _segment(0xE1, b"Exif\0\0MM\0*\xff\xff"),
        "EXIF without end": _segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
        "broken XMP": _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x"),
        "an empty comment": _segment(0xFE, b""),
        "fill bytes": b"\xff\xff\xff",
    }
    files = {name: data[:2] + parts + data[2:] for name, parts in begin.items()}
    return {**files, "two pictures": data + data, "progressive": jpeg(progressive=True)}


def _bmp(header: bytes, *, rows: int = _ROW * HEIGHT) -> bytes:
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + rows, 0, 0, start) + header + bytes(rows)


def _info(size: int, height: int = HEIGHT, *, bits: int = 24, compression: int = 0) -> bytes:
    return struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, compression, 0, 0, 0, 0, 0)


def bmps() -> dict[str, bytes]:
    return {
        "OS/2": _bmp(struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24)),
        "OS/2, 64 bytes": _bmp(_info(64) + bytes(24)),
        "top down": _bmp(_info(40, -HEIGHT)),
        "version 5": _bmp(_info(124) + bytes(84)),
    }


def gifs() -> dict[str, bytes]:
    data = saved(Image.fromarray(photo()), "GIF").getvalue()
    at = data.index(b",", 13 + 768)
    between = {
        "NUL bytes": b"\0\0",
        "junk": b"zz",
        "an empty comment": b"!\xfe\0",
        "an unknown extension": b"!\x77\3abc\0",
    }
    return {name: data[:at] + parts + data[at:] for name, parts in between.items()}


_Entry = tuple[int, int, int, bytes]


def tiff(
    data: bytes,
    *,
    bits: tuple[int, ...] = (8, 8, 8),
    photometric: int = 2,
    planar: bool = False,
    order: str = "<",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    extra: tuple[_Entry, ...] = (),
    following: int = 0,
) -> bytes:
    """An uncompressed TIFF, written by hand. data: the pixels, plane by plane when `planar`."""
    planes = len(bits) if planar else 1
    count = 9 + len(extra)
    start = 8 + 2 + 12 * count + 4
    words = struct.pack(f"{order}{len(bits)}H", *bits)
    first = start + len(words) + 8 * planes
    each = len(data) // planes
    offsets = struct.pack(f"{order}{planes}I", *(first + each * plane for plane in range(planes)))
    lengths = struct.pack(f"{order}{planes}I", *[each] * planes)

    def field(value: bytes, at: int) -> bytes:
        return value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", at)

    def short(value: int) -> bytes:
        return struct.pack(f"{order}HH", value, 0)

    entries: list[_Entry] = [
        (256, 3, 1, short(size[0])),
        (257, 3, 1, short(size[1])),
        (258, 3, len(bits), field(words, start)),
        (259, 3, 1, short(1)),
        (262, 3, 1, short(photometric)),
        (273, 4, planes, field(offsets, start + len(words))),
        (277, 3, 1, short(len(bits))),
        (279, 4, planes, field(lengths, start + len(words) + 4 * planes)),
        (284, 3, 1, short(2 if planar else 1)),
        *extra,
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, count)
    table = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in sorted(entries))
    return head + table + struct.pack(f"{order}I", following) + words + offsets + lengths + data


def tiffs() -> dict[str, bytes]:
    pixels = photo().tobytes()
    planes = photo().transpose(2, 0, 1).tobytes()
    deep, image = bytes(len(pixels) * 2), Image.fromarray(photo())
    return {
        "big endian": tiff(pixels, order=">"),
        "planar": tiff(planes, planar=True),
        "16 bits": tiff(deep, bits=(16, 16, 16)),
        "unknown types of tags": tiff(
            pixels, extra=((700, 99, 5, b"abcd"), (34665, 4, 1, b"\xff\xff\xff\x7f"))
        ),
        "a profile that is not there": tiff(pixels, extra=((34675, 7, 0x7FFFFFFF, b"\x10\0\0\0"),)),
        "a preview's mark on its only picture": tiff(pixels, extra=((254, 4, 1, b"\1\0\0\0"),)),
        "BigTIFF": saved(image, "TIFF", big_tiff=True).getvalue(),
        "JPEG inside": saved(image, "TIFF", compression="jpeg").getvalue(),
    }


def undecodable() -> dict[str, bytes]:
    """What Pillow does not decode, and the service may."""
    twelve, lossless = bytearray(jpeg()), bytearray(jpeg())
    twelve[twelve.index(b"\xff\xc0") + 4] = 12
    lossless[lossless.index(b"\xff\xc0") + 1] = 0xC3
    gif = saved(Image.fromarray(photo()), "GIF").getvalue()
    at = gif.index(b",", 13 + 768)
    pixels = photo().tobytes()
    return {
        "JPEG of 12 bits": bytes(twelve),
        "lossless JPEG": bytes(lossless),
        "BMP with a header of 16 bytes": _bmp(struct.pack("<IiiHH", 16, WIDTH, HEIGHT, 1, 24)),
        "BMP with odd masks": _bmp(
            _info(40, bits=16, compression=3) + struct.pack("<III", 0xF000, 0xF00, 0xF0)
        ),
        "GIF with a short control block": gif[:at] + b"!\xf9\1\0\0" + gif[at:],
        "TIFF of floats": tiff(pixels * 4, bits=(32, 32, 32), extra=((339, 3, 1, b"\3\0\0\0"),)),
        "TIFF of 16 bits in planes": tiff(pixels * 2, bits=(16, 16, 16), planar=True),
        "TIFF in Lab": tiff(pixels, photometric=8),
    }
