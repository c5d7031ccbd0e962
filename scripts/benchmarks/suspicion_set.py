"""Photos in series whose exact alpha is known, and how well the order by suspicion finds the bad results among them.

In a process of its own (numpy, Pillow). Each series is made as a shop makes them: one framing, one kind of ground (plain, blurred,
sharp), another subject in each photo, some cut by the frame. PIXIAN_BENCH_FOREGROUNDS names a folder of cut-out pictures
(RGBA: PNG, WebP), PIXIAN_BENCH_GROUNDS one of photos to stand in front of; without them, the project's few samples serve,
inside outlines that are drawn at random.

A result is bad when its overlap with the truth (IoU at alpha one half) is under 0.9: an object 400 pixels wide is then off
by a band of ten pixels all around, or a tenth of it is missing. Nobody would sell with that.

The weights were tuned on series 0 to 31, one reason was found by looking at 32 to 43: figures are of series from 44 on.

usage: python -m scripts.benchmarks.suspicion_set make FOLDER FIRST COUNT
       python -m scripts.benchmarks.suspicion_set judge FOLDER RESULTS
"""

from __future__ import annotations

import csv
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageFilter

from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.contract.params import Size
from pixian_batch.review.looking import ResultFile, look
from pixian_batch.review.measures import Asked, MatteMeasures
from pixian_batch.review.siblings import Siblings
from pixian_batch.review.suspicion import assess
from scripts.benchmarks.composites import drawn, overlap, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIZE: Final = (816, 612)
IN_SERIES: Final = 20
BAD_UNDER: Final = 0.9


@dataclass(frozen=True, slots=True)
class Series:
    """How the photos of one series are taken."""

    height: float
    """Of the picture, the subject's."""
    place: tuple[float, float]
    """Of the subject's middle."""
    blur: float
    """Of the ground, in pixels; below zero: a plain ground."""


def make(folder: str, first: int, count: int) -> None:
    """`count` folders (series) of photos NN.jpg, with their alpha beside them as NN.alpha.png."""
    subjects = _files("PIXIAN_BENCH_FOREGROUNDS")
    order = np.random.default_rng(7).permutation(len(subjects)) if subjects else np.arange(0)
    for one in range(first, first + count):
        home = os.path.join(folder, f"{one:03}")
        os.makedirs(home, exist_ok=True)
        framing = _framing(np.random.default_rng([one, 1]))
        for number in range(IN_SERIES):
            random = np.random.default_rng([one, number, 2])
            nth = one * IN_SERIES + number
            subject = _opened(subjects[order[nth % len(order)]]) if subjects else _own(nth, random)
            _save(os.path.join(home, f"{number:02}"), _placed(subject, framing, random), framing, random)


def _framing(random: np.random.Generator) -> Series:
    low = random.random() < 0.3  # people and products that the lower edge cuts
    place = random.uniform(0.4, 0.6), (0.75 if low else random.uniform(0.45, 0.55))
    return Series(random.uniform(0.3, 0.9), place, float(random.choice([-1, 0, 0, 0, 0, 2, 8])))


def _placed(subject: Image.Image, framing: Series, random: np.random.Generator) -> Image.Image:
    """The subject in an empty picture."""
    height = SIZE[1] * framing.height * random.uniform(0.9, 1.1)
    scale = height / subject.height
    subject = subject.resize(
        (max(1, round(subject.width * scale)), max(1, round(height))), Image.Resampling.BICUBIC
    )
    middle = [
        place * side + random.normal(0, 0.02) * side for place, side in zip(framing.place, SIZE, strict=True)
    ]
    whole = Image.new("RGBA", SIZE)
    whole.paste(subject, (round(middle[0] - subject.width / 2), round(middle[1] - subject.height / 2)))
    return whole


def _save(path: str, subject: Image.Image, framing: Series, random: np.random.Generator) -> None:
    ground = _ground(framing, random)
    ground.paste(subject, mask=subject.getchannel("A"))
    ground.save(f"{path}.jpg", quality=92)
    subject.getchannel("A").save(f"{path}.alpha.png")


def _ground(framing: Series, random: np.random.Generator) -> Image.Image:
    if framing.blur < 0:
        grey = random.integers(120, 256)
        return Image.new("RGB", SIZE, tuple(int(grey - part) for part in random.integers(0, 25, 3)))
    photos = _files("PIXIAN_BENCH_GROUNDS")
    photo = (
        _opened(photos[random.integers(len(photos))]) if photos else sample(int(random.integers(4)))
    ).convert("RGB")
    scale = max(SIZE[0] / photo.width, SIZE[1] / photo.height) * random.uniform(1, 1.5)
    photo = photo.resize(
        (max(SIZE[0], round(photo.width * scale)), max(SIZE[1], round(photo.height * scale)))
    )
    left, top = (int(random.integers(photo.size[axis] - SIZE[axis] + 1)) for axis in (0, 1))
    return photo.crop((left, top, left + SIZE[0], top + SIZE[1])).filter(
        ImageFilter.GaussianBlur(framing.blur)
    )


def _files(variable: str) -> list[str]:
    folder = os.environ.get(variable)
    names = sorted(os.listdir(folder)) if folder else []
    return [os.path.join(folder or "", name) for name in names if name.endswith((".png", ".webp", ".jpg"))]


def _opened(path: str) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (SIZE[0] * 2, SIZE[1] * 2))  # JPEG only
        return image.convert("RGBA")


def _own(number: int, random: np.random.Generator) -> Image.Image:
    subject = drawn(number, SIZE, random)
    return subject.crop(subject.getbbox())


@dataclass(frozen=True, slots=True)
class Judged:
    """One result: its true error beside what was thought of it."""

    name: str
    iou: float
    measures: MatteMeasures
    score: float = 0.0
    why: str = ""

    @property
    def bad(self) -> bool:
        """Nobody would use it."""
        return self.iou < BAD_UNDER


def judged(folder: str, results: str) -> list[Judged]:
    """All photos of a set, with their siblings known."""
    found: list[Judged] = []
    for one in sorted(os.listdir(folder)):
        found += _assessed([_looked(folder, results, one, number) for number in range(IN_SERIES)])
    return found


def _looked(folder: str, results: str, one: str, number: int) -> Judged:
    photo = os.path.join(folder, one, f"{number:02}.jpg")
    asked = Asked(headers=ResultHeaders(input_size=Size(*SIZE)))
    seen = look(ResultFile(os.path.join(results, one, f"{number:02}.png"), asked, photo))
    found = np.asarray(seen.result.getchannel("A")) if seen.result else np.zeros(SIZE[::-1], np.uint8)
    with Image.open(os.path.join(folder, one, f"{number:02}.alpha.png")) as image:
        return Judged(f"{one}/{number:02}", overlap(np.asarray(image), found), seen.measures)


def _assessed(series: list[Judged]) -> list[Judged]:
    siblings = Siblings(one.measures for one in series)
    found = []
    for one in series:
        thought = assess(one.measures, siblings)
        why = "; ".join(f"{reason.text} {reason.weight:.2f}" for reason in thought.reasons)
        found.append(Judged(one.name, one.iou, one.measures, thought.score, why))
    return found


def figures(found: Sequence[Judged]) -> dict[str, Any]:
    """How good the order is: the share of bad ones in all, among the first 20 and 50, and the average precision."""
    order = sorted(found, key=lambda one: -one.score)
    bad = np.array([one.bad for one in order])
    return {
        "results": len(order),
        "bad": int(bad.sum()),
        "base_rate": round(float(bad.mean()), 3),
        "precision_at_20": round(float(bad[:20].mean()), 3),
        "precision_at_50": round(float(bad[:50].mean()), 3),
        "average_precision": round(average_precision(bad), 3),
    }


def average_precision(bad: NDArray[np.bool_]) -> float:
    """The mean, over all bad ones, of the share of bad ones down to each: 1 is a perfect order, the base rate none."""
    places = np.flatnonzero(bad)
    return float(((np.arange(len(places)) + 1) / (places + 1)).mean()) if len(places) else 0.0


def wrong(found: Sequence[Judged], count: int = 10) -> dict[str, list[dict[str, Any]]]:
    """Where the order is wrong: bad ones that it ranks last, good ones that it ranks first."""
    order = sorted(found, key=lambda one: -one.score)
    missed = [one for one in reversed(order) if one.bad][:count]
    blamed = [one for one in order if not one.bad][:count]
    return {
        name: [
            {"name": one.name, "iou": round(one.iou, 3), "score": round(one.score, 3), "why": one.why}
            for one in ones
        ]
        for name, ones in (("missed", missed), ("blamed", blamed))
    }


def table(found: Sequence[Judged], path: str) -> None:
    """Every result with all of its measures, as CSV: what the weights were tuned by."""
    rows = [
        {"name": one.name, "iou": one.iou, "score": one.score, "why": one.why, **asdict(one.measures)}
        for one in found
    ]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: Sequence[str]) -> None:
    """See the module's words."""
    if arguments[0] == "make":
        make(arguments[1], int(arguments[2]), int(arguments[3]))
        return
    found = judged(arguments[1], arguments[2])
    table(found, os.path.join(arguments[2], "measures.csv"))
    print(json.dumps({**figures(found), **wrong(found)}))


if __name__ == "__main__":
    main(sys.argv[1:])
