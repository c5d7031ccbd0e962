"""A picture in every layout that is on the list, each with the 8-bit pixels that it was made of."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from imaging.odd import tiff
from PIL import Image
from support.image_samples import png_chunk, saved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Sample = tuple[bytes, Pixels, int]
    """The file, its pixels (H x W x 3), and by how much a decoder may be off: 0 but for JPEG."""

WIDTH, HEIGHT = 48, 40


def smooth() -> Pixels:
    """A picture without edges: what a JPEG loses is small, and mistaken colours are not."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    planes = [
        rows * 230 // HEIGHT + 10,
        columns * 230 // WIDTH + 10,
        (rows + columns) * 120 // (HEIGHT + WIDTH) + 60,
    ]
    return np.stack(planes, axis=-1).astype(np.uint8)


def levels(depth: int) -> Pixels:
    """Numbers of so many bits (H x W)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray((rows * 7 + columns * 3) % (1 << depth), np.uint8)


def grey(values: Pixels) -> Pixels:
    return np.repeat(values[..., np.newaxis], 3, axis=-1)


def colours(depth: int = 8) -> Pixels:
    return np.random.default_rng(depth).integers(0, 256, (1 << depth, 3), dtype=np.uint8)


def packed(values: Pixels, depth: int) -> list[bytes]:
    """Rows of numbers of so many bits, as PNG, BMP and TIFF pack them."""
    bits = np.unpackbits(values[..., np.newaxis], axis=-1)[..., 8 - depth :].reshape(len(values), -1)
    return [row.tobytes() for row in np.packbits(bits, axis=-1)]


def png(kind: int, depth: int, rows: list[bytes], palette: bytes = b"", *, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, interlaced)
    parts = [png_chunk(b"IHDR", header), png_chunk(b"PLTE", palette) if palette else b""]
    parts.append(png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + png_chunk(b"IEND", b"")


def _pngs() -> dict[str, Sample]:
    samples: dict[str, Sample] = {}
    for depth in (1, 2, 4, 8):
        values, palette = levels(depth), colours(depth)
        shade = grey(np.asarray(values.astype(int) * 255 // ((1 << depth) - 1), np.uint8))
        samples[f"PNG, grey, {depth} bits"] = png(0, depth, packed(values, depth)), shade, 0
        rows = packed(values, depth)
        samples[f"PNG, palette, {depth} bits"] = png(3, depth, rows, palette.tobytes()), palette[values], 0
    rgb, value, opaque = smooth(), levels(8), np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    for name, kind, pixels, shown in (
        ("RGB", 2, rgb, rgb),
        ("grey and alpha", 4, np.dstack([value[..., np.newaxis], opaque]), grey(value)),
        ("RGB and alpha", 6, np.dstack([rgb, opaque]), rgb),
    ):
        samples[f"PNG, {name}, 8 bits"] = png(kind, 8, [row.tobytes() for row in pixels]), shown, 0
    return samples


def _jpegs() -> dict[str, Sample]:
    samples: dict[str, Sample] = {}
    rgb, value = smooth(), np.asarray(smooth()[..., 0])

    def write(name: str, pixels: Pixels, shown: Pixels, **options: Any) -> None:
        for process in ("baseline", "extended", "progressive"):
            image = Image.fromarray(pixels)
            data = saved(
                image, "JPEG", quality=100, progressive=process == "progressive", **options
            ).getvalue()
            if process == "extended":  # what is baseline is extended, too
                data = data.replace(b"\xff\xc0\0", b"\xff\xc1\0", 1)
            samples[f"JPEG, {process}, 8 bits, {name}"] = data, shown, 4

    write("grey", value, grey(value))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        write(f"YCbCr {subsampling}", rgb, rgb, subsampling=subsampling)
    write("RGB 4:4:4", rgb, rgb, keep_rgb=True)
    return samples


def bmp(depth: int, rows: list[bytes], palette: Pixels | None = None, *, top_down: bool = False) -> bytes:
    entries = b"" if palette is None else np.pad(palette[:, ::-1], ((0, 0), (0, 1))).tobytes()
    pixels = b"".join(row.ljust(-(-len(row) // 4) * 4, b"\0") for row in (rows if top_down else rows[::-1]))
    height = -HEIGHT if top_down else HEIGHT
    start = 54 + len(entries)
    info = struct.pack(
        "<IiiHHIIiiII", 40, WIDTH, height, 1, depth, 0, len(pixels), 0, 0, len(entries) // 4, 0
    )
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + entries + pixels


def _bmps() -> dict[str, Sample]:
    samples: dict[str, Sample] = {}
    for depth in (1, 8):
        palette, values = colours(depth), levels(depth)
        samples[f"BMP, {depth} bits"] = bmp(depth, packed(values, depth), palette), palette[values], 0
    rows = [np.ascontiguousarray(row[:, ::-1]).tobytes() for row in smooth()]
    samples["BMP, 24 bits"] = bmp(24, rows), smooth(), 0
    samples["BMP, 24 bits, top down"] = bmp(24, rows, top_down=True), smooth(), 0
    return samples


def paletted() -> Image.Image:
    image = Image.fromarray(levels(8), "L").convert("P")
    image.putpalette(colours().tobytes())
    return image


def _tiffs() -> dict[str, Sample]:
    rgb, value, size = smooth(), levels(8), (WIDTH, HEIGHT)
    one = levels(1)
    samples: dict[str, Sample] = {
        "TIFF, grey, 1 bits": (
            tiff(b"".join(packed(one, 1)), bits=(1,), photometric=1, size=size),
            grey(one * np.uint8(255)),
            0,
        ),
        "TIFF, inverted grey, 8 bits": (
            tiff((255 - value).tobytes(), bits=(8,), photometric=0, size=size),
            grey(value),
            0,
        ),
    }
    images = {
        "grey": (Image.fromarray(value), grey(value)),
        "RGB": (Image.fromarray(rgb), rgb),
        "palette": (paletted(), colours()[value]),
    }
    packings = {"": "raw", ", LZW": "tiff_lzw", ", deflate": "tiff_adobe_deflate", ", PackBits": "packbits"}
    for name, (image, shown) in images.items():
        for word, packing in packings.items():
            data = saved(image, "TIFF", compression=packing).getvalue()
            samples[f"TIFF, {name}, 8 bits{word}"] = data, shown, 0
        if name != "palette":
            data = saved(image, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}).getvalue()
            samples[f"TIFF, {name}, 8 bits, LZW, predicted"] = data, shown, 0
    return samples


@cache
def proven() -> dict[str, Sample]:
    """By layout."""
    gif: Sample = saved(paletted(), "GIF").getvalue(), colours()[levels(8)], 0
    return {**_pngs(), **_jpegs(), **_bmps(), **_tiffs(), "GIF": gif}


def deep() -> NDArray[np.uint16]:
    """Noise of 16 bits (H x W x 3)."""
    return np.random.default_rng(5).integers(0, 65536, (HEIGHT, WIDTH, 3), dtype=np.uint16)


@cache
def unproven() -> dict[str, bytes]:
    """By what the layout is called."""
    pixels, size, noise = smooth(), (WIDTH, HEIGHT), deep()
    planes = noise.transpose(2, 0, 1)
    cmyk = Image.fromarray(pixels).convert("CMYK")
    frame, screen = paletted().crop((0, 0, 20, 10)), bytearray(saved(paletted(), "GIF").getvalue())
    part = bytearray(saved(frame, "GIF").getvalue())
    part[6:10] = screen[6:10]
    ycc = saved(Image.fromarray(pixels), "JPEG", subsampling="4:4:4").getvalue()
    unnamed = ycc[:2] + ycc[20:]
    at = unnamed.index(b"\xff\xc0") + 10
    unnamed = (
        unnamed[:at]
        + b"R"
        + unnamed[at + 1 : at + 3]
        + b"G"
        + unnamed[at + 4 : at + 6]
        + b"B"
        + unnamed[at + 7 :]
    )
    deep_rows = [row.tobytes() for row in noise.astype(">u2")]
    grey_rows = [row.tobytes() for row in np.asarray(noise[..., 0]).astype(">u2")]
    return {
        "PNG, RGB, 16 bits": png(2, 16, deep_rows),
        "PNG, grey, 16 bits": png(0, 16, grey_rows),
        "PNG, RGB, 8 bits, interlaced": png(2, 8, [], interlaced=1),
        "JPEG, baseline, 8 bits, 4 colours": saved(cmyk, "JPEG").getvalue(),
        "JPEG, baseline, 8 bits, colours without a name": unnamed,
        "JPEG, process 0xc9, 8 bits, YCbCr 4:4:4": ycc.replace(b"\xff\xc0\0", b"\xff\xc9\0", 1),
        "GIF, a part of its screen": bytes(part),
        "BMP, 16 bits": bmp(16, [bytes(WIDTH * 2)] * HEIGHT),
        "BMP, 32 bits": bmp(32, [bytes(WIDTH * 4)] * HEIGHT),
        "TIFF, RGB, 16 bits": tiff(noise.tobytes(), bits=(16,) * 3, size=size),
        "TIFF, RGB, 16 bits, planar": tiff(planes.tobytes(), bits=(16,) * 3, size=size, planar=True),
        "TIFF, RGB, 8 bits, planar": tiff(pixels.transpose(2, 0, 1).tobytes(), size=size, planar=True),
        "TIFF, RGB, 8 bits, 4 samples": saved(Image.fromarray(pixels).convert("RGBA"), "TIFF").getvalue(),
        "TIFF, CMYK, 8 bits": saved(cmyk, "TIFF").getvalue(),
        "TIFF, Lab, 8 bits": tiff(pixels.tobytes(), photometric=8, size=size),
        "TIFF, RGB, 8 bits, compression 7": saved(Image.fromarray(pixels), "TIFF", compression="jpeg").getvalue(),
        "TIFF, grey, 12 bits": tiff(bytes(WIDTH * HEIGHT * 2), bits=(12,), photometric=1, size=size),
        "TIFF, grey, 32 bits, not whole numbers": tiff(
            bytes(WIDTH * HEIGHT * 4), bits=(32,), photometric=1, size=size, extra=((339, 3, 1, b"\3\0\0\0"),)
        ),
    }  # fmt: skip
