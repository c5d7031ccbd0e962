"""A full disk, for real: small file systems in memory. What was paid for is kept, and nothing is bought twice."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.forks import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.forks import Outcome
    from support.sandboxes import Sandbox

DISK, USAGE = 8, 2


@pytest.fixture
def users_disk(tmp_path: Path) -> Path:
    """A real one."""
    return tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes file systems of a few MB; skips where that needs rights this process has not."""
    made: list[Path] = []

    def make(megabytes: int = 6) -> Path:
        if sys.platform != "linux" or os.getuid() != 0:
            pytest.skip("mounting a small file system needs root on Linux")
        place = tmp_path / f"disk-{len(made)}"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("this container may not mount")
        made.append(place)
        return place

    yield make
    for place in made:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Take all the room there is."""
    filler = place / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"\0" * 4096)
    return filler


def run_into_full_disk(home: Sandbox, disk: Path, *options: str, workers: int = 3) -> tuple[Outcome, Path]:
    """A run whose disk is filled by somebody else while the first requests are out."""
    running = home.begin("--min-free", "0", *options, workers=workers)
    until = time.monotonic() + PATIENCE
    while home.emulator.bill(settled=False).totals["at_once"] < workers and time.monotonic() < until:
        time.sleep(0.01)
    filler = fill(disk)
    return running.wait(), filler


def goes_on_for_free(home: Sandbox, full: Outcome, filler: Path, *options: str, count: int) -> None:
    """The promise: exit 8 and a word; after making room all is finished, each image charged once."""
    assert full.code == DISK, full.stderr
    assert full.summary["stop"]["cause"] == "disk"
    assert full.summary["stop"]["hint"]
    assert full.summary["failed"] == 0
    bought = home.emulator.bill().totals["charges"]
    assert 0 < bought < count, "the run went on buying what it could not save"
    filler.unlink()
    again = home.run("--min-free", "0", *options)
    assert again.code == 0, (again.stderr, full.stderr)
    bill = home.emulator.bill()
    assert bill.totals["charges"] == count
    assert bill.most_charges == 1
    assert again.summary["repaired"] == bought - full.summary["done"]
    assert len(home.results()) == count
    assert home.strays() == []


COUNT = 20
SLOW = "weather.latency.median = 0.6"


def test_output_and_ledger_on_a_disk_that_fills_up(
    sandbox: Callable[..., Sandbox], small_disk: Callable[..., Path]
) -> None:
    home = sandbox(SLOW)
    home.add(COUNT)
    home.out = small_disk()
    full, filler = run_into_full_disk(home, home.out)
    goes_on_for_free(home, full, filler, count=COUNT)


def test_only_the_output_fills_up(sandbox: Callable[..., Sandbox], small_disk: Callable[..., Path]) -> None:
    home = sandbox(SLOW)
    home.add(COUNT)
    home.out = small_disk()
    ledger = home.root / "ledger.db"
    options = ["--ledger", str(ledger)]
    full, filler = run_into_full_disk(home, home.out, *options)
    assert full.code == DISK, full.stderr
    bought = home.emulator.bill().totals["charges"]
    assert 0 < bought < COUNT
    filler.unlink()
    again = home.run("--min-free", "0", *options)
    assert again.code == 0, again.stderr
    bill = home.emulator.bill()
    assert (bill.totals["charges"], bill.most_charges) == (COUNT, 1)
    assert again.summary["repaired"] == bought - full.summary["done"]
    assert len(home.results()) == COUNT


def test_only_the_ledgers_disk_fills_up(
    sandbox: Callable[..., Sandbox], small_disk: Callable[..., Path]
) -> None:
    home = sandbox(SLOW)
    home.add(COUNT)
    disk = small_disk()
    options = ["--ledger", str(disk / "ledger.db")]
    full, filler = run_into_full_disk(home, disk, *options)
    assert full.code == DISK, full.stderr
    bought = home.emulator.bill().totals["charges"]
    assert 0 < bought < COUNT
    filler.unlink()
    again = home.run("--min-free", "0", *options)
    assert again.code == 0, (again.stderr, full.stderr)
    bill = home.emulator.bill()
    assert (bill.totals["charges"], bill.most_charges) == (COUNT, 1)
    assert len(home.results()) == COUNT


def test_the_ledger_takes_nothing_from_the_first_answer_on(sandbox: Callable[..., Sandbox]) -> None:
    """Bought, saved, and nowhere written down: the next run knows each result by its spool."""
    home = sandbox()
    home.add(12)
    full = home.run(workers=4, full_after_sending=True)
    assert full.code == DISK, full.stderr
    bought = home.emulator.bill().totals["charges"]
    assert 0 < bought < 12
    again = home.run()
    assert again.code == 0, again.stderr
    assert again.summary["repaired"] == bought
    assert home.emulator.bill().totals["charges"] == 12
    assert len(home.results()) == 12
    assert home.strays() == []


def test_the_low_water_mark_stops_before_anything_is_bought(
    sandbox: Callable[..., Sandbox], small_disk: Callable[..., Path]
) -> None:
    home = sandbox()
    home.add(3)
    home.out = small_disk()
    outcome = home.run("--min-free", "50MB")
    assert outcome.code == DISK
    assert "free" in outcome.summary["stop"]["message"]
    assert home.emulator.bill().totals["charges"] == 0
    assert home.run("--min-free", "1MB").code == 0


def test_a_disk_that_is_full_from_the_start(
    sandbox: Callable[..., Sandbox], small_disk: Callable[..., Path]
) -> None:
    home = sandbox()
    home.add(3)
    home.out = small_disk()
    filler = fill(home.out)
    outcome = home.run("--min-free", "0")
    assert outcome.code == DISK, outcome.stderr
    assert outcome.summary["stop"]["cause"] == "disk"
    assert home.emulator.bill().totals["charges"] == 0
    filler.unlink()
    assert home.run("--min-free", "0").code == 0


def test_a_read_only_output(sandbox: Callable[..., Sandbox], small_disk: Callable[..., Path]) -> None:
    home = sandbox()
    home.add(3)
    home.out = small_disk()
    subprocess.run(["mount", "-o", "remount,ro", str(home.out)], check=True)
    outcome = home.run()
    assert outcome.code == DISK, outcome.stderr
    assert outcome.summary["stop"]["message"]
    assert home.emulator.bill().requests == 0


def test_a_read_only_output_with_the_ledger_elsewhere(
    sandbox: Callable[..., Sandbox], small_disk: Callable[..., Path]
) -> None:
    home = sandbox()
    home.add(3)
    home.out = small_disk()
    subprocess.run(["mount", "-o", "remount,ro", str(home.out)], check=True)
    outcome = home.run("--ledger", str(home.root / "ledger.db"))
    assert outcome.code == DISK, outcome.stderr
    assert outcome.summary["stop"]["message"]
    assert home.emulator.bill().requests == 0


def test_an_output_that_is_a_file(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(3)
    home.out.write_text("a file")
    outcome = home.run()
    assert outcome.code == USAGE
    assert home.emulator.bill().requests == 0


# --- corners -------------------------------------------------------------------------------------


def until_all_are_out(home: Sandbox, workers: int) -> None:
    """Wait until as many requests are out as there are workers."""
    until = time.monotonic() + PATIENCE
    while home.emulator.bill(settled=False).totals["at_once"] < workers and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="open files have a path in /proc")
def test_the_output_is_removed_while_requests_are_out(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox(SLOW)
    home.add(6)
    ledger = ["--ledger", str(home.root / "ledger.db")]
    running = home.begin(*ledger, workers=3)
    until_all_are_out(home, 3)
    shutil.rmtree(home.out)
    outcome = running.wait()
    assert outcome.code == 0, outcome.stderr
    assert len(home.results()) == 6
    bill = home.emulator.bill()
    assert (bill.totals["charges"], bill.most_charges) == (6, 1)


def test_a_folder_is_closed_between_the_purchase_and_the_landing(sandbox: Callable[..., Sandbox]) -> None:
    """What was bought for it is kept and finished later for free; the rest of the run goes on."""
    home = sandbox(SLOW)
    home.add(3)
    shut = home.photos / "a"
    shut.mkdir()
    for photo in sorted(home.photos.glob("*.png"))[:2]:
        photo.rename(shut / photo.name)
    ledger = ["--ledger", str(home.root / "ledger.db")]
    running = home.begin(*ledger, workers=3)
    until_all_are_out(home, 3)
    folder = str(home.out / "a")
    if subprocess.run(["chattr", "+i", folder], capture_output=True, check=False).returncode:
        running.wait()
        pytest.skip("a folder that is closed to root, too, needs attributes")
    try:
        outcome = running.wait()
        assert "the next run finishes it for free" in outcome.stderr
        assert outcome.code == DISK
        assert outcome.summary["stop"] is None, "one closed folder stops nobody"
        assert outcome.summary["done"] == 1
        between = home.run(*ledger)
        assert home.emulator.bill().totals["charges"] == 3
        assert between.code not in {0, DISK}, "it is still closed, and stops nobody"
    finally:
        subprocess.run(["chattr", "-i", folder], check=True)
    again = home.run(*ledger)
    assert (again.code, again.summary["repaired"]) == (0, 2), again.stderr
    assert home.emulator.bill().totals["charges"] == 3
    assert len(home.results()) == 3
