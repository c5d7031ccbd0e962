"""Images that the tests make themselves: small, deterministic, of every kind and mode."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORIENTATION_TAG = 274


def photo(width: int = 37, height: int = 23, *, seed: int = 1) -> NDArray[np.uint8]:
    """Random pixels over a gradient: no two orientations look alike."""
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    rows, columns = np.mgrid[:height, :width]
    ramp = np.stack([rows * 190 // height, columns * 190 // width, (rows + columns) % 190], axis=-1)
    pixels: NDArray[np.uint8] = (noise + ramp).astype(np.uint8)
    return pixels


def saved(image: Image.Image, kind: str, **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, kind, **options)
    out.seek(0)
    return out


def turned(kind: str, orientation: int, *, mode: str = "RGB") -> io.BytesIO:
    """A picture whose EXIF says `orientation`."""
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    return saved(Image.fromarray(photo()).convert(mode), kind, exif=exif)


def decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def announcing_png(width: int, height: int) -> io.BytesIO:
    """A tiny PNG whose header announces a large picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(100)))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + body + png_chunk(b"IEND", b""))


def announcing_gif(width: int, height: int) -> io.BytesIO:
    """A tiny GIF that announces a large frame, which is to be disposed of (so Pillow would fill it)."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    control = b"!\xf9\x04" + bytes([2 << 2, 0, 0, 0]) + b"\0"
    frame = b"," + struct.pack("<4HB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00;"
    return io.BytesIO(screen + control + frame)


def announcing_bmp(width: int, height: int) -> io.BytesIO:
    head = b"BM" + struct.pack("<IHHI", 1000, 0, 0, 54)
    return io.BytesIO(
        head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(900)
    )


def announcing_tiff(width: int, height: int) -> io.BytesIO:
    tags = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (279, 4, 9),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return io.BytesIO(b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(40))


def announcing_jpeg(width: int, height: int) -> io.BytesIO:
    data = bytearray(saved(Image.fromarray(photo()), "JPEG").getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return io.BytesIO(bytes(data))


ANNOUNCING = {
    "png": announcing_png,
    "gif": announcing_gif,
    "bmp": announcing_bmp,
    "tiff": announcing_tiff,
    "jpeg": announcing_jpeg,
}


def whole_files() -> dict[str, io.BytesIO]:
    """One good file of each kind, with the metadata that real ones carry."""
    image = Image.fromarray(photo())
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    return {
        "bmp": saved(image, "BMP"),
        "gif": saved(image, "GIF"),
        "jpeg": saved(image, "JPEG", exif=exif, icc_profile=srgb_profile()),
        "progressive": saved(image, "JPEG", progressive=True),
        "png": saved(image, "PNG", exif=exif, icc_profile=srgb_profile()),
        "tiff": saved(image, "TIFF"),
        "tiff_lzw": saved(image, "TIFF", compression="tiff_lzw"),
        "animated": saved(
            image, "GIF", save_all=True, append_images=[Image.new("RGB", image.size)], duration=50
        ),
    }
