"""WebP, AVIF and HEIC photos that the tests make themselves: small, of every orientation, depth and transparency."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pillow_heif
from PIL import Image

from pixian_batch.contract.kinds import ForeignKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

pillow_heif.register_heif_opener()
_PILLOW: Final = {ForeignKind.AVIF: "AVIF", ForeignKind.HEIC: "HEIF", ForeignKind.WEBP: "WEBP"}
LOSSY: Final = tuple(ForeignKind)
ORIENTATION: Final = 0x0112


def scene(width: int = 96, height: int = 64, *, shade: int = 0) -> Image.Image:
    """Four corners of different colours: no two orientations look alike, and no codec smears them much."""
    pixels = np.empty((height, width, 3), np.uint8)
    across, down = width // 2, height // 2
    pixels[:down, :across] = (220, 30, shade % 256)
    pixels[:down, across:] = (30, 200, 60)
    pixels[down:, :across] = (40, 60, 210)
    pixels[down:, across:] = (230, 220, 80)
    return Image.fromarray(pixels)


def foreign(kind: ForeignKind, image: Image.Image | None = None, **options: Any) -> bytes:
    """A photo of a kind that the service does not take."""
    out = io.BytesIO()
    settings: dict[str, Any] = {"quality": 95, **options}
    (image or scene()).save(out, _PILLOW[kind], **settings)
    return out.getvalue()


def turned(kind: ForeignKind, orientation: int) -> bytes:
    """One that is upright only when it is turned by `orientation`."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return foreign(kind, exif=exif.tobytes())


def deep(pixels: NDArray[np.uint16]) -> bytes:
    """A HEIC of 10 bits: `pixels` are H x W x 3 or H x W, of which the upper ones count."""
    mode = "RGB;16" if pixels.ndim == 3 else "I;16"
    photo = pillow_heif.from_bytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    out = io.BytesIO()
    photo.save(out, quality=-1, chroma=444)
    return out.getvalue()


def damaged(kind: ForeignKind) -> bytes:
    """A photo whose header is good, and whose pixels are not even where decoders forgive."""
    photo = bytearray(foreign(kind))
    at = photo.index(b"VP8 " if kind is ForeignKind.WEBP else b"mdat")
    if kind is ForeignKind.WEBP:
        photo[at + 8 : at + 11] = b"\xf0\xff\xff"  # its first part is longer than the file
    else:
        photo[at + 4 :] = b"\xff" * (len(photo) - at - 4)
    return bytes(photo)


def announcing(kind: ForeignKind, width: int, height: int) -> bytes:
    """A small photo whose header announces another size."""
    data = bytearray(foreign(kind))
    if kind is ForeignKind.WEBP:
        at = data.index(b"\x9d\x01\x2a") + 3
        data[at : at + 4] = struct.pack("<HH", width, height)
    else:
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


def opened(content: bytes) -> Image.Image:
    """A picture, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
