"""Client cost: the whole pipeline against bare HTTP clients that do less (no ledger, no hash, no sync)."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from scripts.benchmarks.canned import canned_server
from scripts.benchmarks.measure import ROOT, BenchError, Usage, alternate, ours, run
from scripts.benchmarks.photos import make_photos
from scripts.benchmarks.throwaway import throwaway

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.benchmarks.report import Bench

CREDENTIALS = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
_MB = 1_000_000
_CLIENTS = os.path.join(ROOT, "scripts", "benchmarks", "clients")
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """size, answer: bytes of an upload and of its result; count: images in one run."""

    size: int
    answer: int
    count: int
    workers: int
    tls: bool

    @property
    def name(self) -> str:
        """E.g. `5 MB, TLS, 40`."""
        size = f"{self.size // _MB} MB" if self.size >= _MB else f"{self.size // 1000} KB"
        return f"{size} {'TLS' if self.tls else 'plain'} x{self.workers}"


def cases(*, quick: bool) -> list[Case]:
    """Small and large photos, TLS and plain. A result is as large as a 200 KB upload, and 2 MB for a 5 MB one."""
    scale = 2 if quick else 1
    small, large = (
        partial(Case, 200_000, 200_000, 1000 // scale),
        partial(Case, 5_000_000, 2_000_000, 160 // scale),
    )
    wanted = [(40, True)] if quick else [(40, True), (40, False), (100, True), (100, False)]
    return [make(workers, tls) for workers, tls in wanted for make in (small, large)]


def measure(bench: Bench) -> None:
    """CPU per image and peak memory of every client, in every case."""
    for case in cases(quick=bench.quick):
        _case(bench, case)


def _case(bench: Bench, case: Case) -> None:
    folder = os.path.join(bench.work, f"photos-{case.size}-{case.count}")
    photos = make_photos(folder, case.count, case.size)
    loads: dict[str, list[float]] = {}
    subjects: dict[str, Callable[[], Usage]] = {
        name: partial(_one, bench, case, name, photos, loads) for name in _COMMANDS
    }
    usages = alternate(subjects, bench.rounds)
    bases = {name: _one(bench, case, name, photos[:1], {}).cpu for name in _COMMANDS}
    curl = _each(usages["curl"], bases["curl"], case)
    for name, usage in usages.items():
        each = _each(usage, bases[name], case)
        bench.row(
            "client",
            case=case.name,
            client=name,
            images=case.count,
            cpu_ms_per_image=round(each * 1000, 3),
            times_curl=round(each / curl, 2),
            start_up_ms=round(bases[name] * 1000),
            peak_mb=round(usage.rss / 1e6),
            images_per_second=round(case.count / usage.wall),
            server_load=round(sorted(loads[name])[len(loads[name]) // 2], 2),
        )


def _each(usage: Usage, base: float, case: Case) -> float:
    """CPU seconds of one further image: without what the first one costs, start-up with it."""
    return (usage.cpu - base) / (case.count - 1)


def _one(bench: Bench, case: Case, name: str, photos: list[str], loads: dict[str, list[float]]) -> Usage:
    # A new folder each time, removed at the very end (20 GB): ext4 makes files slowly where many were just removed.
    out = tempfile.mkdtemp(dir=bench.work, prefix="out-")
    with canned_server(bench.work, tls=case.tls, answer=case.answer) as server:
        command = _COMMANDS[name](bench, case, server.url, out, photos)
        trust = server.env.get("SSL_CERT_FILE", "")
        env = CREDENTIALS | server.env | dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), trust)
        usage = run(command, env=env, log=os.path.join(bench.work, f"{name}.log"))
    if server.requests != len(photos) or len(_results(out)) != len(photos):
        raise BenchError(f"{name}: {server.requests} requests, {len(_results(out))} results of {len(photos)}")
    loads.setdefault(name, []).append(server.load)
    return usage


def _results(out: str) -> list[str]:
    return [name for name in os.listdir(out) if name.endswith(".png")]


# --- the clients -------------------------------------------------------------------------------------


def _ours(_bench: Bench, case: Case, url: str, out: str, photos: list[str]) -> list[str]:
    source = photos[0] if len(photos) == 1 else os.path.dirname(photos[0])
    pace = ["--concurrency-max", str(case.workers), "--ramp-interval", "0"]
    return ours("run", source, "--out", out, "--api-url", url, "--no-progress", *pace)


def _curl(bench: Bench, case: Case, url: str, out: str, photos: list[str]) -> list[str]:
    config = os.path.join(bench.work, "curl.conf")
    with open(config, "w", encoding="utf-8") as stream:
        for number, path in enumerate(photos):
            target = os.path.join(out, os.path.basename(path) + ".png")
            stream.write("next\n" if number else "")
            stream.write(
                f'url = "{url}/remove-background"\nuser = "id:secret"\nform = "image=@{path}"\n'
                f'output = "{target}"\nsilent\nfail\n'
            )
    return ["curl", "--parallel", "--parallel-max", str(case.workers), "--config", config]


def _other(program: str, bench: Bench, case: Case, url: str, out: str, photos: list[str]) -> list[str]:
    python = throwaway(bench.cache, "clients", "requests", "httpx", "pixian-ai")
    client = os.path.join(_CLIENTS, program)
    return [python, client, f"{url}/remove-background", str(case.workers), out, *photos]


_COMMANDS: dict[str, Callable[[Bench, Case, str, str, list[str]], list[str]]] = {
    "pixian-batch": _ours,
    "curl": _curl,
    "requests": partial(_other, "requests_client.py"),
    "httpx": partial(_other, "httpx_client.py"),
    "pixian-ai": partial(_other, "pixian_client.py"),
}
