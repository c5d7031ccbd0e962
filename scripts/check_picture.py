"""Make the picture of checked images in the how-to: each with what it breaks, and where.

Usage: python scripts/check_picture.py PROFILE OUTPUT.jpg IMAGE...
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

SIDE: Final = 300
FOOT: Final = 58
GAP: Final = 8
RED, AMBER, GREEN = (190, 30, 30), (170, 110, 0), (20, 120, 50)
COLORS: Final = {"complies": GREEN, "advised": AMBER, "breaks": RED, "unreadable": RED}
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def checked(profile: str, images: list[str]) -> list[dict[str, Any]]:
    """The records of `check --json`."""
    words = [sys.executable, "-m", "pixian_batch", "check", *images, "--profile", profile, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()][:-1]


def tile(record: dict[str, Any], font: _Font) -> Image.Image:
    """One image, framed, with a ring where it breaks a rule, and the rules below."""
    image = Image.open(record["file"]).convert("RGB")
    scale = SIDE / max(image.size)
    small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (SIDE, SIDE + FOOT), "white")
    sheet.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 0, SIDE - 1, SIDE - 1), outline=(150, 150, 150))
    draw.text((4, SIDE + 4), record["status"], COLORS[record["status"]], font=font)
    for number, broken in enumerate(record["broken"][:2]):
        color = RED if broken["severity"] == "error" else AMBER
        draw.text(
            (4, SIDE + 21 + 17 * number), f"{broken['rule']}: {short(broken['measured'])}", color, font=font
        )
        if broken["at"] is not None:
            x, y = broken["at"]["x"] * scale, broken["at"]["y"] * scale
            draw.ellipse((x - 14, y - 14, x + 14, y + 14), outline=color, width=3)
    return sheet


def short(text: str) -> str:
    """What goes below a picture."""
    return text.partition(", at worst")[0][:36]


def main() -> None:
    """One row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile")
    parser.add_argument("output", type=Path)
    parser.add_argument("images", nargs="+")
    chosen = parser.parse_args()
    font = ImageFont.load_default(13)
    tiles = [tile(record, font) for record in checked(chosen.profile, chosen.images)]
    sheet = Image.new("RGB", (len(tiles) * (SIDE + GAP) - GAP, SIDE + FOOT), "white")
    for number, picture in enumerate(tiles):
        sheet.paste(picture, (number * (SIDE + GAP), 0))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(chosen.output, quality=85, optimize=True)


if __name__ == "__main__":
    main()
