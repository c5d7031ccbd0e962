"""What a colour profile (ICC.1) says of itself: its colour space, its name, whether it is sRGB. Reads bytes only.

sRGB is told by its primaries, not by its name: the profiles of cameras, systems and libraries are called all kinds of things.
Broken profiles raise nothing; nothing is known of them then.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_HEADER_BYTES: Final = 128
_MOST_TAGS: Final = 200
_MOST_NAME: Final = 80
_SRGB: Final = {
    b"rXYZ": (0.4360, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""sRGB's primaries under D50, as its profiles have them."""
_NEAR: Final = 0.01
"""How far they may be off: white points are rounded in many ways, and the nearest other space is 0.05 away."""


@dataclass(frozen=True, slots=True)
class IccProfile:
    """What is known of a profile. space: `RGB`, `GRAY`, `CMYK` and the like; name: empty where it has none."""

    space: str
    name: str
    is_srgb: bool


def read_profile(icc: bytes) -> IccProfile | None:
    """The profile in `icc`; None for bytes that are none."""
    if len(icc) < _HEADER_BYTES + 4 or icc[36:40] != b"acsp":
        return None
    space = icc[16:20].decode("ascii", "replace").strip()
    try:
        tags = _tags(icc)
        name = _name(tags.get(b"desc", b""))
        near = space == "RGB" and all(_is_near(tags[tag], color) for tag, color in _SRGB.items())
    except (struct.error, LookupError):
        return IccProfile(space, "", is_srgb=False)
    return IccProfile(space, name, near)


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", icc, _HEADER_BYTES)
    entries = (
        struct.unpack_from(">4sII", icc, _HEADER_BYTES + 4 + 12 * number)
        for number in range(min(count, _MOST_TAGS))
    )
    return {name: icc[offset : offset + size] for name, offset, size in entries}


def _is_near(data: bytes, color: tuple[float, float, float]) -> bool:
    values = struct.unpack_from(">iii", data, 8)
    return all(abs(value / 65536 - wanted) <= _NEAR for value, wanted in zip(values, color, strict=True))


def _name(data: bytes) -> str:
    """The text of a description: one of version 2 (`desc`) or the first of version 4 (`mluc`)."""
    if data[:4] == b"desc":
        (length,) = struct.unpack_from(">I", data, 8)
        return data[12 : 12 + length].rstrip(b"\0").decode("latin-1")[:_MOST_NAME]
    if data[:4] == b"mluc":
        length, offset = struct.unpack_from(">II", data, 20)
        return data[offset : offset + length].decode("utf-16-be", "replace").rstrip("\0")[:_MOST_NAME]
    return ""
