"""How an image's pixels are stored, in words, and the list of those from which a delta is rebuilt exactly. Pure.

A rebuilt picture takes its solid pixels from the original as it is decoded here; the service decodes it with a
program of its own. Where a reading is not one and the same in 8 bits (16 bits, CMYK, Lab), or where Pillow
was seen to read wrongly (planes of 16 bits), the two may differ. A layout gets onto the list together with a sample in the
tests, which is compared with the pixels that it was made of, and with what the emulator answers without a delta.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PNG: Final = {0: "grey", 2: "RGB", 3: "palette", 4: "grey and alpha", 6: "RGB and alpha"}
_JPEG: Final = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
_SAMPLING: Final = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}
_YCC_NAMES: Final = frozenset({(1, 2, 3), (0, 1, 2)})
_BITS, _COMPRESSION, _PHOTOMETRIC, _ORDER, _SAMPLES = 258, 259, 262, 266, 277
_PLANES, _PREDICTOR, _TILE, _FORMAT = 284, 317, 322, 339
TIFF_TAGS: Final = frozenset(
    {_BITS, _COMPRESSION, _PHOTOMETRIC, _ORDER, _SAMPLES, _PLANES, _PREDICTOR, _TILE, _FORMAT}
)
"""What `tiff_layout` wants to know."""
_TIFF: Final = {0: "inverted grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
_TIFF_SAMPLES: Final = {"RGB": 3, "YCbCr": 3, "Lab": 3, "CMYK": 4}
_PACKED: Final = {1: "", 5: "LZW", 8: "deflate", 32773: "PackBits", 32946: "deflate"}

PROVEN: Final = frozenset(
    [
        *(f"PNG, grey, {bits} bits" for bits in (1, 2, 4, 8)),
        *(f"PNG, palette, {bits} bits" for bits in (1, 2, 4, 8)),
        *(f"PNG, {colours}, 8 bits" for colours in ("RGB", "grey and alpha", "RGB and alpha")),
        *(f"JPEG, {process}, 8 bits, grey" for process in _JPEG.values()),
        *(f"JPEG, {one}, 8 bits, YCbCr {two}" for one, two in product(_JPEG.values(), _SAMPLING.values())),
        *(f"JPEG, {process}, 8 bits, RGB 4:4:4" for process in _JPEG.values()),
        *("BMP, 1 bits", "BMP, 8 bits", "BMP, 24 bits", "BMP, 24 bits, top down"),
        *("GIF", "TIFF, grey, 1 bits", "TIFF, inverted grey, 8 bits"),
        *("TIFF, grey, 8 bits, LZW, predicted", "TIFF, RGB, 8 bits, LZW, predicted"),
        *(
            f"TIFF, {colours}, 8 bits{packed}"
            for colours, packed in product(
                ("grey", "RGB", "palette"), ("", ", LZW", ", deflate", ", PackBits")
            )
        ),
    ]
)
"""Every layout from which a delta may be rebuilt; orientations are proven for all kinds that have them."""


def png_layout(colours: int, depth: int, interlaced: int) -> str:
    """By the fields of its header."""
    more = ", interlaced" if interlaced else ""
    return f"PNG, {_PNG.get(colours, f'colours {colours}')}, {depth} bits{more}"


def jpeg_layout(
    frame: int, depth: int, parts: Sequence[tuple[int, int]], *, adobe: int | None, jfif: bool
) -> str:
    """By its frame's code and components (name, sampling), and what Adobe's mark says of their colours."""
    start = f"JPEG, {_JPEG.get(frame, f'process {frame:#x}')}, {depth} bits"
    if len(parts) == 1:
        return f"{start}, grey"
    sampling = [divmod(factors, 16) for _name, factors in parts]
    words = _SAMPLING.get(sampling[0], "odd") if sampling[1:] == [(1, 1), (1, 1)] else "odd"
    if len(parts) != len("RGB"):
        return f"{start}, {len(parts)} colours"
    if adobe == 0:
        return f"{start}, RGB{' beside JFIF' if jfif else ''} {words}"
    named = adobe == 1 or jfif or tuple(name for name, _factors in parts) in _YCC_NAMES
    return f"{start}, YCbCr {words}" if named else f"{start}, colours without a name"


def bmp_layout(header_bytes: int, depth: int, compression: int, *, top_down: bool) -> str:
    """By the fields of its header."""
    whose = ", OS/2" if header_bytes in {12, 16, 64} else ""
    packed = f", compression {compression}" if compression else ""
    return f"BMP{whose}, {depth} bits{packed}{', top down' if top_down else ''}"


def gif_layout(screen: tuple[int, int], frame: tuple[int, int, int, int]) -> str:
    """By its screen and its first frame: left, top, width, height."""
    return "GIF" if frame == (0, 0, *screen) else "GIF, a part of its screen"


def tiff_layout(tags: Mapping[int, tuple[int, ...]]) -> str:
    """By its tags."""

    def first(tag: int, otherwise: int) -> int:
        return (tags.get(tag) or (otherwise,))[0]

    colours = _TIFF.get(first(_PHOTOMETRIC, -1), "unknown colours")
    samples, depths, packing = first(_SAMPLES, 1), tags.get(_BITS, (1,)), first(_COMPRESSION, 1)
    parts = [
        "TIFF",
        colours,
        f"{'/'.join(map(str, sorted(set(depths))))} bits",
        f"{samples} samples" if samples != _TIFF_SAMPLES.get(colours, 1) else "",
        "planar" if samples > 1 and first(_PLANES, 1) != 1 else "",
        _PACKED.get(packing, f"compression {packing}"),
        "predicted" if first(_PREDICTOR, 1) != 1 else "",
        "tiled" if _TILE in tags else "",
        "not whole numbers" if first(_FORMAT, 1) != 1 else "",
        "reversed bits" if first(_ORDER, 1) != 1 else "",
    ]
    return ", ".join(filter(None, parts))
