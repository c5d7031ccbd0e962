"""Kill the command a thousand times and prove by the emulator's bill that nothing was paid for twice.

Run it with: python scripts/crash_sweep.py [--kills 1000] [--minutes 12] [--seed 1]
or, for memory over many images: python scripts/crash_sweep.py --soak 100000 [--minutes 5]

Half of the kills are at the enumerated points of an image's way (tests/support/kill_points.py), the others at
random times. After each the command runs again under `--in-doubt hold`, and the promises are checked
(tests/support/sandboxes.py, `audit`). Ends with 0 when all were kept; what broke is printed with how to repeat it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.forks import ForkServer, Outcome  # as above
from support.kill_points import DRAWING, POINTS  # as above
from support.sandboxes import EmulatorProcess, Sandbox, audit, png  # the path comes first

PHOTOS = 10
COPIES = 3
KILLS_A_HOUSE = 4
KILLED = -9
WEATHERS = (
    "",
    "weather.latency = {median = 0.02, sigma = 1.0}",
    'weather.chances = [{fault = "slow_down_bare", probability = 0.1}]\nweather.latency.median = 0.01',
    'weather.chances = [{fault = "error_500", probability = 0.05}]',
)
DRAWN = ["--crop-to-foreground", "--keep-master"]
WAYS: list[list[str]] = [[], [], [], ["--via-delta"], DRAWN, [*DRAWN, "--via-delta"]]
"""How results come about; most are simply bought."""


@dataclass
class Sweep:
    """Counts what was done. `dice` decides everything, so a seed repeats a sweep (but for the timing)."""

    fork_server: ForkServer
    root: Path
    dice: random.Random
    kills: int = 0
    missed: int = 0
    doubts: int = 0
    repaired: int = 0
    charges: int = 0
    sandboxes: int = 0
    broken: list[str] = field(default_factory=list)
    where: Counter[str] = field(default_factory=Counter)

    def sandbox(self) -> None:
        """One sandbox, killed a few times."""
        self.sandboxes += 1
        weather = self.dice.choice(WEATHERS)
        home = Sandbox(
            self.fork_server,
            self.root / f"sandbox-{self.sandboxes}",
            EmulatorProcess(self.fork_server, weather),
        )
        workers = self.dice.choice((1, 3, 8))
        options = self.dice.choice(WAYS)
        with home:
            for number in range(KILLS_A_HOUSE):
                self._add_photos(home, number)
                self._kill(home, options, workers, number)
            self._nothing_more_to_do(home, options, workers)
            self.charges += home.emulator.bill().totals["charges"]

    def _add_photos(self, home: Sandbox, number: int) -> None:
        first = number * PHOTOS
        home.add(PHOTOS, first=first)
        for copy in range(COPIES):
            (home.photos / f"copy-{number}-{copy}.png").write_bytes(png(self.dice.randrange(first + PHOTOS)))

    def _kill(self, home: Sandbox, options: list[str], workers: int, number: int) -> None:
        """One kill, at times another one in the recovery, then a whole run and the audit."""
        hows = [self._one_kill(home, options, workers)]
        if self.dice.random() < 0.25:  # a quarter
            hows.append(self._one_kill(home, options, workers))
        self._check(
            home,
            home.run(*options, workers=workers),
            workers * 2 * (number + 1),
            f"sandbox {self.sandboxes}, {workers} workers, {options}: {hows}",
        )

    def _one_kill(self, home: Sandbox, options: list[str], workers: int) -> str:
        kill: list[object] | None = None
        after: float | None = None
        if self.dice.random() < 0.5:  # half
            point = self.dice.choice([name for name in POINTS if _is_passed(name, options)])
            most = 1 if point.endswith("end_of_run") else COPIES if "copies" in point else PHOTOS
            kill = [point, self.dice.randint(1, most)]
        else:
            after = self.dice.uniform(0.001, 0.3)
        first = home.run(*options, workers=workers, kill=kill, after=after)
        self.where[str(kill[0]) if kill else "random time"] += first.code == KILLED
        self.kills += first.code == KILLED
        self.missed += first.code != KILLED
        return str(kill or after)

    def _check(self, home: Sandbox, outcome: Outcome, most: int, how: str) -> None:
        try:
            audit(home, outcome, workers=most)
        except (AssertionError, IndexError, ValueError) as error:
            self.broken.append(f"{how}: {error!r}"[:2000])
            print("BROKEN", self.broken[-1], flush=True)
            return
        self.repaired += outcome.summary["repaired"]

    def _nothing_more_to_do(self, home: Sandbox, options: list[str], workers: int) -> None:
        before = home.emulator.bill().requests
        home.run(*options, workers=workers)
        # Requests alone: the service may still be at work for a client that was killed, and charge for it.
        if home.emulator.bill().requests != before:
            self.broken.append(f"sandbox {self.sandboxes}: a run with nothing to do sent something")
            print("BROKEN", self.broken[-1], flush=True)
        self.doubts += len(home.undecided())

    def report(self, seconds: float) -> None:
        """The figures."""
        print(
            f"{self.kills} kills ({self.missed} runs ended before theirs) in {self.sandboxes} sandboxes,"
            f" {seconds:.0f} s; {self.charges} charges, {self.doubts} images in doubt,"
            f" {self.repaired} finished for free; {len(self.broken)} promises broken"
        )
        for point, count in sorted(self.where.items()):
            print(f"  {count:5} {point}")


def sweep(kills: int, minutes: float, seed: int) -> int:
    """Kill until there were `kills`, or `minutes` have passed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash-sweep-", ignore_cleanup_errors=True) as root:
        fork_server = ForkServer(Path(root) / "fork_server")
        sweeping = Sweep(fork_server, Path(root), random.Random(seed))  # noqa: S311  # repeatable on purpose
        try:
            while sweeping.kills < kills and time.monotonic() - began < minutes * 60:
                sweeping.sandbox()
                if sweeping.sandboxes % 25 == 0:
                    print(f"... {sweeping.kills} kills, {time.monotonic() - began:.0f} s", flush=True)
        finally:
            fork_server.close()
    sweeping.report(time.monotonic() - began)
    return 1 if sweeping.broken else 0


# --- soak ------------------------------------------------------------------------------------------------


def soak(images: int, minutes: float) -> int:
    """Many tiny images in one run; prints what it holds at intervals. 1 when that grew."""
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as root:
        fork_server = ForkServer(Path(root) / "fork_server")
        try:
            home = Sandbox(fork_server, Path(root) / "sandbox", EmulatorProcess(fork_server))
            _many_photos(home, images)
            return _soak(home, images, minutes)
        finally:
            fork_server.close()


def _many_photos(home: Sandbox, images: int) -> None:
    for number in range(images):
        folder = home.photos / f"{number // 1000:04}"
        if number % 1000 == 0:
            folder.mkdir()
        (folder / f"{number:07}.png").write_bytes(png(number))


def _soak(home: Sandbox, images: int, minutes: float) -> int:
    began = time.monotonic()
    run = home.begin("--min-free", "0", workers=20)
    held: list[Held] = []
    while not (run.place / "status").exists():
        elapsed = time.monotonic() - began
        if now := _held(run.pid):
            held.append(now)
            done = (run.place / "stdout").read_bytes().count(b"\n")
            print(f"{elapsed:6.0f} s  {done:7} images  {now}", flush=True)
        if elapsed > minutes * 60:
            run.send(signal.SIGINT)
            break
        time.sleep(10)
    outcome = run.wait()
    summary = outcome.summary
    print(f"exit {outcome.code}: {summary['done']} of {images} done in {time.monotonic() - began:.0f} s")
    return 1 if grew(held[len(held) // 5 :]) else 0


@dataclass(frozen=True)
class Held:
    """What a process holds: KiB of memory, threads, descriptors."""

    memory: int
    threads: int
    descriptors: int

    def __str__(self) -> str:
        return (
            f"{self.memory / 1024:7.1f} MiB resident  {self.threads} threads  {self.descriptors} descriptors"
        )


def grew(settled: list[Held]) -> bool:
    """Whether any of it grew after the first fifth of the time: memory by a fifth, the others by more than a few."""
    if not settled:
        return False
    first, memory = settled[0], max(held.memory for held in settled)
    threads, descriptors = (
        max(held.threads for held in settled),
        max(held.descriptors for held in settled),
    )
    few = 20  # as many workers as there are
    return (
        memory > 1.2 * first.memory or threads > first.threads + few or descriptors > first.descriptors + few
    )


def _held(pid: int) -> Held | None:
    """None when the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        facts = dict(line.split(":", 1) for line in status.splitlines())
        return Held(int(facts["VmRSS"].split()[0]), int(facts["Threads"]), len(os.listdir(f"/proc/{pid}/fd")))
    except (OSError, KeyError):
        return None


def _is_passed(point: str, options: list[str]) -> bool:
    """Whether a run with such options ever comes to a point."""
    return ("--via-delta" in options or not point.startswith("rebuilt")) and (
        "--keep-master" in options or point not in DRAWING
    )


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Kill the command many times; the bill is the judge.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=30.0, help="stop after this long in any case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--soak", type=int, metavar="IMAGES", help="instead: one run over so many images")
    options = parser.parse_args()
    if options.soak:
        return soak(options.soak, options.minutes)
    return sweep(options.kills, options.minutes, options.seed)


if __name__ == "__main__":
    sys.exit(main())
