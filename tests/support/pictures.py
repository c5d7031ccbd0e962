"""Small pictures of every kind, whole and broken, for tests that care about files and not about pixels."""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import Final

from PIL import Image

KINDS: Final = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF"}


def picture(kind: str = "png", *, shade: int = 90, size: tuple[int, int] = (8, 6)) -> bytes:
    """A whole picture; another `shade` gives other bytes."""
    out = io.BytesIO()
    Image.new("RGB", size, (shade % 256, shade // 256 % 256, 40)).save(out, KINDS[kind])
    return out.getvalue()


def announced_png(width: int, height: int) -> bytes:
    """A whole PNG whose header announces `width` x `height`, whatever its pixels are."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def put(path: str | os.PathLike[str], content: bytes = b"") -> str:
    """Write a file and the folders above it; its path."""
    name = os.fspath(path)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as stream:
        stream.write(content)
    return name


def content_of(path: str | os.PathLike[str]) -> bytes:
    """What a file holds."""
    with open(path, "rb") as stream:
        return stream.read()
