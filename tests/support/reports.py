"""Output folders of real runs, to be reported on: photos with a foreground, and names that nobody should give a file."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from PIL import Image
from support.commands import here
from support.pictures import put

from pixian_batch.adapters.ledger import default_path

if TYPE_CHECKING:
    from pathlib import Path

    from support.commands import Result
    from support.emulators import EmulatorThread

SCRIPT = os.path.join("x<", "script><img src=x onerror=\"document.title='run'\">.png")
"""Its path says `</script>`."""
HOSTILE = (
    SCRIPT,
    "quo\"te's & <b>bold</b>".replace("/", "") + ".png",
    "two\nlines.png",
    "right\u202egnp.png",
    "caf\udce9 \u2028.png",
    "100% #1?.png",
    "{{ 7 * 7 }}${7*7}.png",
)
PLAIN = ("a1.png", "a2.png", "a10.png", "shop/red/mug.png", "shop/blue/mug.png", "shopping/list.png")


def photo(number: int, size: tuple[int, int] = (96, 64), kind: str = "PNG") -> bytes:
    """A disc before a ground, another one for each number."""
    width, height = size
    down, across = np.mgrid[:height, :width]
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[...] = (number % 256, number // 256 % 256, 160)
    inside = (across - width / 2) ** 2 + (down - height / 2) ** 2 < (min(size) / 3) ** 2
    pixels[inside] = (230, number // 65536 % 256, 20)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


@dataclass
class Reported:
    """Photos, their results, and the emulator that made them."""

    root: Path
    emulator: EmulatorThread

    @property
    def photos(self) -> str:
        return str(self.root / "in")

    @property
    def out(self) -> str:
        return str(self.root / "out")

    @property
    def page(self) -> str:
        return os.path.join(self.out, ".pixian-batch", "report", "index.html")

    @property
    def ledger(self) -> str:
        return default_path(self.out)

    def add(self, *names: str, size: tuple[int, int] = (96, 64)) -> None:
        for name in names:
            put(os.path.join(self.photos, name), photo(crc32(os.fsencode(name)), size))

    @property
    def common(self) -> tuple[str, ...]:
        return ("--out", self.out, "--api-url", self.emulator.url, "--min-free", "1MB", "--quiet")

    def run(self, *options: str) -> Result:
        return here("run", self.photos, *self.common, *options)

    def report(self, *options: str) -> dict[str, Any]:
        done = here("report", self.out, "--json", *options)
        assert done.code == 0, done.err
        record: dict[str, Any] = json.loads(done.out)
        return record
