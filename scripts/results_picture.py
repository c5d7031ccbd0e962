"""Make the picture of results in the README: the samples above, what `pixian-batch` made of them below.

Usage: python scripts/results_picture.py CUT OUTPUT.jpg, where CUT is the output folder of scripts/demo.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from PIL import Image

SAMPLES: Final = Path(__file__).resolve().parent.parent / "docs" / "samples"
HEIGHT: Final = 280
GAP: Final = 8
CHECK: Final = 14
LIGHT: Final = (250, 250, 250)
DARK: Final = (222, 222, 226)


def checkerboard(size: tuple[int, int]) -> Image.Image:
    """The usual sign of transparency."""
    board = Image.new("RGB", size, LIGHT)
    tile = Image.new("RGB", (CHECK, CHECK), DARK)
    for top in range(0, size[1], CHECK):
        for left in range((top // CHECK % 2) * CHECK, size[0], 2 * CHECK):
            board.paste(tile, (left, top))
    return board


def scaled(path: Path) -> Image.Image:
    """The picture at `path`, `HEIGHT` pixels high."""
    image = Image.open(path).convert("RGBA")
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)


def main() -> None:
    """Two rows: before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cut", type=Path)
    parser.add_argument("output", type=Path)
    chosen = parser.parse_args()
    before = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in {".png", ".jpg"}]
    columns = [(scaled(path), scaled(chosen.cut / f"{path.stem}.png")) for path in before]
    width = sum(above.width + GAP for above, _below in columns) - GAP
    sheet = Image.new("RGB", (width, 2 * HEIGHT + GAP), "white")
    left = 0
    for above, below in columns:
        sheet.paste(above.convert("RGB"), (left, 0))
        board = checkerboard(below.size)
        board.paste(below, (0, 0), below)
        sheet.paste(board, (left, HEIGHT + GAP))
        left += above.width + GAP
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(chosen.output, quality=88, optimize=True)


if __name__ == "__main__":
    main()
