"""`render` beside ImageMagick and libvips: JPEGs of 2000 x 2000 from transparent PNGs of 12 MP, one decode for all variants."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from scripts.benchmarks.measure import BenchError, alternate, ours, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.benchmarks.measure import Usage
    from scripts.benchmarks.report import Bench

_PHOTOS: Final = 3
_SIDE: Final = 2000
_GROUNDS: Final = ("#FFFFFF", "#F2F2F2", "#20242A")
_JOBS: Final = {"6 sizes": ((90, 86, 82, 78, 74, 70), 1), "4 sizes x 3 grounds": ((90, 85, 80, 75), 3)}


def measure(bench: Bench) -> None:
    """CPU seconds a variant, one process; whoever is installed is compared."""
    photos, cut = os.path.join(bench.work, "photos"), os.path.join(bench.work, "cut")
    run([sys.executable, "-m", "scripts.benchmarks.enlarge", photos, "12", str(_PHOTOS)])
    run(ours("run", photos, "--out", cut, "--local", "--quiet"))
    for job, (fills, grounds) in _JOBS.items():
        subjects: dict[str, Callable[[], Usage]] = {
            "pixian-batch": partial(_ours, bench, cut, fills, grounds)
        }
        if shutil.which("convert"):
            subjects["ImageMagick"] = partial(_script, bench, cut, _magick(fills, grounds))
        if shutil.which("vips"):
            subjects["libvips"] = partial(_script, bench, cut, _vips(fills, grounds))
        variants = len(fills) * grounds * _PHOTOS
        for way, usage in alternate(subjects, bench.rounds).items():
            bench.row(
                "render",
                job=job,
                way=way,
                variants=variants,
                cpu_ms_each=round(usage.cpu * 1000 / variants),
                a_second_a_core=round(variants / usage.cpu, 1),
                seconds=round(usage.wall, 1),
                peak_mb=round(usage.rss / 1e6),
            )


def _ours(bench: Bench, cut: str, fills: tuple[int, ...], grounds: int) -> Usage:
    """The whole command, start-up, ledger and syncs included."""
    to = os.path.join(bench.work, "to")
    shutil.rmtree(to, ignore_errors=True)
    recipes = os.path.join(bench.work, "recipes.toml")
    with open(recipes, "w", encoding="utf-8") as stream:
        stream.writelines(
            f'[recipe.f{fill}-{number}]\nfill = "{fill}%"\ntarget_size = "{_SIDE} {_SIDE}"\n'
            f'background_color = "{ground}"\nquality = 90\n'
            for fill in fills
            for number, ground in enumerate(_GROUNDS[:grounds])
        )
    usage = run(ours("render", cut, "--recipe", recipes, "--to", to, "--jobs", "1"))
    _check(to, len(fills) * grounds * _PHOTOS)
    return usage


def _script(bench: Bench, cut: str, lines: list[str]) -> Usage:
    """A shell script over all results, `$IN` and `$OUT` in its lines."""
    to = os.path.join(bench.work, "to")
    shutil.rmtree(to, ignore_errors=True)
    os.makedirs(to)
    script = os.path.join(bench.work, "script.sh")
    with open(script, "w", encoding="utf-8") as stream:
        stream.write("set -e\n")
        for name in sorted(os.listdir(cut)):
            if name.endswith(".png"):
                stream.write(
                    f"IN={shlex.quote(os.path.join(cut, name))} OUT={shlex.quote(os.path.join(to, name))}\n"
                )
                stream.writelines(f"{line}\n" for line in lines)
    usage = run(["sh", script])
    _check(to, len([name for name in os.listdir(to) if name.endswith(".jpg")]) or 1)
    return usage


def _magick(fills: tuple[int, ...], grounds: int) -> list[str]:
    """One decode, one trim, a clone for each variant."""
    clones = [
        f"\\( +clone -filter Lanczos -resize {_SIDE * fill // 100}x{_SIDE * fill // 100}"
        f" -background {shlex.quote(ground)} -gravity center -extent {_SIDE}x{_SIDE} -alpha remove"
        f' -quality 90 -write "$OUT-{fill}-{number}.jpg" +delete \\)'
        for fill in fills
        for number, ground in enumerate(_GROUNDS[:grounds])
    ]
    return [f'convert "$IN" -trim +repage {" ".join(clones)} null:']


def _vips(fills: tuple[int, ...], grounds: int) -> list[str]:
    """Decoded and cropped once into vips' own format, then a scaled one for each size, and a file for each ground."""
    lines = [
        'vips extract_band "$IN" "$OUT.a.v" 3',
        'set -- $(vips find_trim "$OUT.a.v" --threshold 12 --background 0)',
        'vips crop "$IN" "$OUT.v" $1 $2 $3 $4',
    ]
    for fill in fills:
        side = _SIDE * fill // 100
        lines += [
            f'vips thumbnail "$OUT.v" "$OUT.s.v" {side} --height {side}',
            f'vips gravity "$OUT.s.v" "$OUT.g.v" centre {_SIDE} {_SIDE} --extend black',
        ]
        for number, ground in enumerate(_GROUNDS[:grounds]):
            colour = " ".join(str(int(ground[at : at + 2], 16)) for at in (1, 3, 5))
            lines.append(f'vips flatten "$OUT.g.v" "$OUT-{fill}-{number}.jpg[Q=90]" --background "{colour}"')
    return lines


def _check(to: str, number: int) -> None:
    made = sum(name.endswith(".jpg") for _here, _folders, names in os.walk(to) for name in names)
    if made != number:
        raise BenchError(f"{made} variants were made, not {number}")
