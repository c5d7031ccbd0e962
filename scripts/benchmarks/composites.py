"""Photos whose exact alpha is known, and how far a result is from it. In a process of its own (numpy, Pillow).

The foregrounds are cut out of the project's sample photos by smooth outlines that are drawn at random (from
a fixed seed) or, with PIXIAN_BENCH_FOREGROUNDS, the RGBA photos of that folder; the backgrounds are other
samples, so far out of focus that no second subject is left. Outlines drawn at random are no cats and no hair: what can be read from
the figures is which of two tools comes closer, not how good either is on photos.

usage: python -m scripts.benchmarks.composites make FOLDER MEGAPIXELS COUNT
       python -m scripts.benchmarks.composites judge FOLDER RESULT...   (in the order of the photos)
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

from pixian_batch.imaging.mist import mist
from scripts.benchmarks.enlarge import SAMPLES
from scripts.benchmarks.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WAVES: Final = 5
_HALF: Final = 128


def make(folder: str, megapixels: float, count: int) -> None:
    """`count` photos NNNN.jpg, with their alpha beside them as NNNN.alpha.png."""
    os.makedirs(folder, exist_ok=True)
    given = os.environ.get("PIXIAN_BENCH_FOREGROUNDS")
    paths = sorted(os.path.join(given, name) for name in os.listdir(given)) if given else []
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    size = width, width * 3 // 4
    for number in range(count):
        random = np.random.default_rng(number)
        background = sample(number + 1 + number // len(SAMPLES)).resize(size, Image.Resampling.BICUBIC)
        background = background.filter(ImageFilter.GaussianBlur(width / 30))
        subject = _given(paths[number % len(paths)], size) if paths else drawn(number, size, random)
        background.paste(subject, mask=subject.getchannel("A"))
        background.save(os.path.join(folder, f"{number:04}.jpg"), quality=92)
        subject.getchannel("A").save(os.path.join(folder, f"{number:04}.alpha.png"))


def sample(number: int) -> Image.Image:
    """One of the project's sample photos, RGB."""
    return Image.open(os.path.join(ROOT, "docs", "samples", SAMPLES[number % len(SAMPLES)])).convert("RGB")


def _given(path: str, size: tuple[int, int]) -> Image.Image:
    """The photo of a folder in the middle of an empty picture, two thirds as high."""
    photo = Image.open(path).convert("RGBA")
    scale = min(size[1] / photo.height, size[0] / photo.width) * 2 / 3
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)
    whole = Image.new("RGBA", size)
    whole.paste(photo, ((size[0] - photo.width) // 2, (size[1] - photo.height) // 2))
    return whole


def drawn(number: int, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """A sample inside a smooth outline with an edge of two thousandths of the width."""
    columns, rows = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    right, down = columns - size[0] * random.uniform(0.4, 0.6), rows - size[1] * random.uniform(0.45, 0.55)
    angle, radius = np.arctan2(down, right), size[1] * random.uniform(0.18, 0.36)
    outline = np.full_like(angle, radius)
    for wave in range(2, 2 + _WAVES):
        outline += radius * random.uniform(0, 0.3) / wave * np.cos(wave * angle + random.uniform(0, 6.3))
    alpha = np.clip((outline - np.hypot(right, down)) / (size[0] / 500) + 0.5, 0, 1)
    subject = sample(number).resize(size, Image.Resampling.BICUBIC)
    subject.putalpha(Image.fromarray((alpha * 255 + 0.5).astype(np.uint8)))
    return subject


def judge(folder: str, results: Sequence[str]) -> dict[str, float]:
    """Mean absolute error (0..1), overlap at one half (IoU) and mist of the results' alpha."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".alpha.png"))
    errors, overlaps, mists = [], [], []
    for name, result in zip(names, results, strict=True):
        wanted, found = _alpha(os.path.join(folder, name)), _alpha(result)
        errors.append(float(np.abs(wanted.astype(np.int16) - found).mean()) / 255)
        mists.append(mist(found))
        overlaps.append(overlap(wanted, found))
    return {
        "mae": round(float(np.mean(errors)), 4),
        "median_mae": round(float(np.median(errors)), 4),
        "iou": round(float(np.mean(overlaps)), 4),
        "median_iou": round(float(np.median(overlaps)), 4),
        "mist": round(float(np.mean(mists)), 4),
    }


def overlap(wanted: NDArray[np.uint8], found: NDArray[np.uint8]) -> float:
    """Of all that is kept (alpha of one half) in either matte, the part that is in both: the IoU, 0..1."""
    both, either = (wanted >= _HALF) & (found >= _HALF), (wanted >= _HALF) | (found >= _HALF)
    return float(both.sum() / max(1, either.sum()))


def _alpha(path: str) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.getchannel("A") if image.mode == "RGBA" else image.convert("L"))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
    else:
        print(json.dumps(judge(sys.argv[2], sys.argv[3:])))
