"""One bad corner of the disk, met by the real command: what it is called, how far it reaches, what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import CREDENTIALS, PATIENCE, command
from support.emulators import EmulatorThread
from support.pictures import picture, put
from support.told import endings_told

from pixian_batch.adapters.reading import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts, attributes and limits of Linux")


@dataclass
class Corner:
    """Photos in some folders, an output, and a service that charges."""

    root: Path
    emulator: EmulatorThread

    @property
    def out(self) -> Path:
        return self.root / "out"

    def add(self, *names: str, size: tuple[int, int] = (8, 6)) -> None:
        for name in names:
            shade = len(list((self.root / "in").rglob("*.png"))) + 1
            put(self.root / "in" / name, picture("png", shade=shade, size=size))

    def argv(self, *options: str) -> list[str]:
        inputs = ["run", str(self.root / "in"), "--out", str(self.out), "--json", "--min-free", "1MB"]
        return [*inputs, "--api-url", self.emulator.url, "--backoff-step", "10ms", *options]

    def run(
        self, *options: str, env: Mapping[str, str] = CREDENTIALS
    ) -> tuple[int, list[dict[str, Any]], str]:
        ran = command(*self.argv(*options), env=env)
        assert "Traceback" not in ran.err
        return ran.code, endings_told(ran.out), ran.err

    @property
    def charges(self) -> int:
        return self.emulator.bill.totals.charges


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    with EmulatorThread() as emulator:
        yield Corner(tmp_path, emulator)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """A folder that takes no files, also from root where the file system has attributes."""
    folder.mkdir(parents=True)
    if os.getuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    if subprocess.run(["chattr", "+i", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("root writes everywhere here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(folder)], check=True)


def test_a_closed_folder_fails_alone_and_costs_nothing(corner: Corner) -> None:
    corner.add("open/a.png", "shut/b.png", "shut/deep/c.png", "z.png")
    with closed(corner.out / "shut"):
        code, records, err = corner.run()
    assert code == 3
    told = {os.path.basename(r["input"]): r["status"] for r in records[:-1]}
    assert told == {"a.png": "done", "b.png": "failed", "c.png": "failed", "z.png": "done"}
    assert corner.emulator.bill.totals.requests - corner.charges <= 1, (
        "only the free question about credentials"
    )
    assert corner.charges == 2
    assert "make room" not in err
    code, records, _err = corner.run()
    assert (code, records[-1]["done"], corner.charges) == (0, 2, 4)


def test_names_that_cannot_be_fail_alone(corner: Corner) -> None:
    corner.add("a.png", "n" * 251 + ".png", "loop/c.png")
    corner.out.mkdir()
    os.symlink("loop", corner.out / "loop")
    code, records, err = corner.run("--output-format", "jpeg")
    told = {os.path.basename(r["input"]): r["status"] for r in records[:-1]}
    assert (told["a.png"], told["c.png"]) == ("done", "failed")
    assert code == 3
    assert "make room" not in err


@pytest.fixture
def mounted(corner: Corner) -> Iterator[Corner]:
    """The output is a small file system of its own."""
    corner.out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(corner.out)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield corner
    subprocess.run(["umount", "-l", str(corner.out)], check=True)


def test_a_read_only_output_says_so(mounted: Corner) -> None:
    mounted.add("a.png")
    subprocess.run(["mount", "-o", "remount,ro", str(mounted.out)], check=True)
    for options in ([], ["--ledger", str(mounted.root / "ledger.db")]):
        code, records, err = mounted.run(*options)
        assert (code, mounted.charges) == (8, 0)
        assert "read-only" in records[-1]["stop"]["hint"], err
        assert "make room" not in err
    subprocess.run(["mount", "-o", "remount,rw", str(mounted.out)], check=True)
    assert mounted.run()[0] == 0


def test_an_output_folder_that_is_removed_is_made_again(corner: Corner) -> None:
    corner.add("a/a.png")
    ledger = ["--ledger", str(corner.root / "ledger.db")]
    assert corner.run(*ledger)[0] == 0
    os.unlink(corner.out / "a" / "a.png")
    os.rmdir(corner.out / "a")
    os.rmdir(corner.out)
    corner.add("b.png")
    assert corner.run(*ledger)[0] == 0
    assert (corner.out / "b.png").is_file()


LIMITED = """
import resource, sys
from pixian_batch.cli.app import start
soft, hard = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
start(sys.argv[3:])
"""


@pytest.mark.parametrize(("soft", "hard", "fewer"), [(64, 4096, False), (64, 160, True)])
def test_few_open_files_mean_a_higher_limit_or_fewer_workers(
    corner: Corner, soft: int, hard: int, *, fewer: bool
) -> None:
    # Too large to be read once: each is opened again while it is sent.
    count = 60
    for number in range(count):
        photo = picture("bmp", shade=number + 1, size=(330, 300))
        assert len(photo) > SMALL
        put(corner.root / "in" / f"{number:02}.bmp", photo)
    options = ["--concurrency-max", "60", "--ramp-interval", "0"]
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(soft), str(hard), *corner.argv(*options)],
        env={**os.environ, **CREDENTIALS},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    summary = json.loads(ran.stdout.splitlines()[-1])
    assert (ran.returncode, summary["done"]) == (0, count), ran.stderr
    assert ran.stderr.count("may open few files") == fewer
    assert "changed while" not in ran.stderr
