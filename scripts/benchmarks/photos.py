"""Inputs for benchmarks: files that are photos by their headers, of any size, each with bytes of its own."""

from __future__ import annotations

import os
import random
from typing import Final

_HEAD: Final = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000"
    "ffc0000b080bb80fa001011100"  # 4000 x 3000, one component
    "ffda0008010100003f00"
)
"""A JPEG up to its pixels: nothing in the pipeline reads further, it only looks for the end mark."""
_TAIL: Final = b"\xff\xd9"


def make_photos(folder: str, count: int, size: int) -> list[str]:
    """`count` JPEG files of `size` bytes in `folder`, made once; their paths."""
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, f"{number:07}.jpg") for number in range(count)]
    filler = random.Random(size).randbytes(size).replace(b"\xff", b"\xfe")  # noqa: S311  # not a secret
    for number, path in enumerate(paths):
        if not os.path.exists(path):
            own = b"%016d" % number
            with open(path, "wb") as stream:
                stream.write(_HEAD + own + filler[: size - len(_HEAD) - len(own) - 2] + _TAIL)
    return paths
