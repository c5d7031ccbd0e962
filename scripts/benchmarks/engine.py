"""`--local` against rembg with the same model: images a second, memory, for 1, 12 and 24 MP photos; quality.

rembg is compared with only when PIXIAN_BENCH_U2NETP names the published u2netp.onnx (its hash is
checked): nothing is downloaded but rembg itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from scripts.benchmarks.measure import ROOT, BenchError, Usage, alternate, ours, run
from scripts.benchmarks.throwaway import throwaway

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.benchmarks.report import Bench

_SHA256: Final = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"


def measure(bench: Bench) -> None:
    """Each size: a run of N photos, less a run of one; then both tools' mattes against known ones."""
    count = 5 if bench.quick else 9
    for megapixels in (1, 12, 24):
        folder = os.path.join(bench.work, f"photos-{megapixels}mp")
        run([sys.executable, "-m", "scripts.benchmarks.enlarge", folder, str(megapixels), str(count)])
        _size(bench, megapixels, sorted(os.path.join(folder, name) for name in os.listdir(folder)))
    for megapixels, composites in ((1, 8 if bench.quick else 24), (12, 4 if bench.quick else 8)):
        _quality(bench, megapixels, composites)


def _quality(bench: Bench, megapixels: int, count: int) -> None:
    folder = os.path.join(bench.work, f"composites-{megapixels}mp")
    make = [sys.executable, "-m", "scripts.benchmarks.composites"]
    run([*make, "make", folder, str(megapixels), str(count)])
    photos = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".jpg"))
    for name, cut in {"pixian-batch --local": _local, "rembg": _rembg(bench)}.items():
        if cut is None:
            continue
        cut(bench, photos)
        out, log = os.path.join(bench.work, "engine-out"), os.path.join(bench.work, "judged.json")
        results = sorted(os.path.join(out, one) for one in os.listdir(out) if one.endswith(".png"))
        run([*make, "judge", folder, *results], log=log)
        with open(log, encoding="utf-8") as judged:
            bench.row("quality", megapixels=megapixels, composites=count, engine=name, **json.load(judged))


def _size(bench: Bench, megapixels: int, photos: list[str]) -> None:
    subjects: dict[str, Callable[[], Usage]] = {}
    for name, make in {"pixian-batch --local": _local, "rembg": _rembg(bench)}.items():
        if make is not None:
            subjects |= {name: partial(make, bench, photos), f"{name}, one": partial(make, bench, photos[:1])}
    usages = alternate(subjects, bench.rounds)
    for name in [name for name in subjects if not name.endswith(", one")]:
        all_, one = usages[name], usages[f"{name}, one"]
        further = len(photos) - 1
        bench.row(
            "engine",
            megapixels=megapixels,
            engine=name,
            cpu_s_per_image=round((all_.cpu - one.cpu) / further, 3),
            wall_s_per_image=round((all_.wall - one.wall) / further, 3),
            first_image_cpu_s=round(one.cpu, 2),
            peak_mb=round(all_.rss / 1e6),
        )


def _out(bench: Bench) -> str:
    out = os.path.join(bench.work, "engine-out")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    return out


def _local(bench: Bench, photos: list[str]) -> Usage:
    return run(ours("run", *photos, "--out", _out(bench), "--local", "--no-progress"))


def _rembg(bench: Bench) -> Callable[[Bench, list[str]], Usage] | None:
    model = os.environ.get("PIXIAN_BENCH_U2NETP")
    if not model:
        bench.note("rembg is left out: PIXIAN_BENCH_U2NETP does not name its model file")
        return None
    with open(model, "rb") as stream:
        if hashlib.sha256(stream.read()).hexdigest() != _SHA256:
            raise BenchError(f"{model} is not the published u2netp.onnx")
    home = os.path.join(bench.cache, "u2net")
    os.makedirs(home, exist_ok=True)
    shutil.copyfile(model, os.path.join(home, "u2netp.onnx"))
    python = throwaway(bench.cache, "rembg", "rembg[cpu]")
    program = os.path.join(ROOT, "scripts", "benchmarks", "clients", "rembg_client.py")

    def make(bench: Bench, photos: list[str]) -> Usage:
        log = os.path.join(bench.work, "rembg.log")
        return run([python, program, _out(bench), *photos], env={"U2NET_HOME": home}, log=log)

    return make
