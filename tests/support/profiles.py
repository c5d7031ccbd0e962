"""Colour profiles that the tests make themselves."""

from __future__ import annotations

import struct


def made_profile(
    name: str, primaries: dict[bytes, tuple[float, float, float]], space: bytes = b"RGB "
) -> bytes:
    """A small profile of version 2."""
    texts = {b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name.encode() + bytes(80)}
    tags = texts | {
        tag: b"XYZ " + bytes(4) + struct.pack(">iii", *(round(value * 65536) for value in color))
        for tag, color in primaries.items()
    }
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += struct.pack(">4sII", tag, offset + len(body), len(data))
        body += data
    head = bytearray(128)
    head[16:20], head[36:40] = space, b"acsp"
    return bytes(head) + table + body


DISPLAY_P3 = {
    b"rXYZ": (0.5151, 0.2412, -0.0011),
    b"gXYZ": (0.2919, 0.6922, 0.0419),
    b"bXYZ": (0.1572, 0.0666, 0.7841),
}
SRGB = {b"rXYZ": (0.436, 0.222, 0.014), b"gXYZ": (0.385, 0.717, 0.097), b"bXYZ": (0.143, 0.061, 0.714)}
