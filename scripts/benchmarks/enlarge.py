"""Real photos of a wanted size: the samples of this project, enlarged, as JPEG. In a process of its own (Pillow).

usage: python -m scripts.benchmarks.enlarge FOLDER MEGAPIXELS COUNT
"""

from __future__ import annotations

import os
import sys

from PIL import Image

from scripts.benchmarks.measure import ROOT

SAMPLES = ("astronaut.png", "cat.png", "coffee.png", "rocket.jpg")


def main(folder: str, megapixels: float, count: int) -> None:
    """`count` different JPEG files."""
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        image = Image.open(os.path.join(ROOT, "docs", "samples", SAMPLES[number % len(SAMPLES)])).convert(
            "RGB"
        )
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        size = (round(image.width * scale) + number // len(SAMPLES), round(image.height * scale))
        image.resize(size, Image.Resampling.BICUBIC).save(
            os.path.join(folder, f"{number:04}.jpg"), quality=90
        )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
