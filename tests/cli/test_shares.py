"""Shares as they are: no sync, no locks, no word of free room, targets that are open elsewhere. A shim in C stands in."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import CREDENTIALS, command
from support.emulators import EmulatorThread
from support.pictures import picture, put
from support.told import endings_told

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 4


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shim as a library that a process can be started with."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("the shim is built with a C compiler, for Linux")
    source = Path(__file__).parent.parent / "support" / "shim.c"
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    build = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    if subprocess.run(build, capture_output=True, check=False).returncode:
        pytest.skip("this compiler does not build the shim")
    return str(library)


@dataclass
class Share:
    """Photos, an output on a share, and a service that charges."""

    shim: str
    root: Path
    emulator: EmulatorThread

    @property
    def out(self) -> Path:
        return self.root / "out"

    def run(self, *options: str, **shims: int) -> tuple[int, dict[str, Any], list[dict[str, Any]], str]:
        """A run on a share with these faults: exit code, summary, images, what was said."""
        env = {
            **CREDENTIALS,
            **{f"SHIM_{name.upper()}": str(number) for name, number in shims.items()},
            "SHIM_UNDER": str(self.out),
            "LD_PRELOAD": self.shim,
            "PIXIAN_BATCH_API_URL": self.emulator.url,
        }
        ran = command(
            *("run", str(self.root / "in"), "--out", str(self.out), "--json", "--min-free", "1MB", *options),
            env=env,
        )
        assert "Traceback" not in ran.err
        records = endings_told(ran.out)
        return ran.code, records[-1], records[:-1], ran.err

    def results(self) -> list[str]:
        return sorted(name for name in os.listdir(self.out) if not name.startswith("."))

    def hidden(self) -> list[str]:
        return sorted(
            name for name in os.listdir(self.out) if name.startswith(".pixian-") and "batch" not in name
        )

    @property
    def charges(self) -> int:
        return self.emulator.bill.totals.charges


@pytest.fixture
def share(shim: str, tmp_path: Path) -> Iterator[Share]:
    with EmulatorThread() as emulator:
        for number in range(COUNT):
            put(tmp_path / "in" / f"{number}.jpg", picture("jpg", shade=number + 1))
        yield Share(shim, tmp_path, emulator)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EBADF])
def test_a_folder_that_cannot_be_synced_is_known_once(share: Share, number: int) -> None:
    code, summary, _images, err = share.run(sync_folder=number)
    assert (code, summary["done"]) == (0, COUNT), err
    assert err.count("cannot be synced") == 1
    assert share.results() == [f"{number}.png" for number in range(COUNT)]
    assert share.run(sync_folder=number)[1]["skipped"] == COUNT
    assert share.charges == COUNT


def test_a_folder_whose_disk_fails_is_not_taken_for_a_share(share: Share) -> None:
    code, summary, _images, _err = share.run(sync_folder=errno.EIO)
    assert code == 8
    assert "the disk fails" in summary["stop"]["hint"]
    assert "make room" not in summary["stop"]["hint"]
    code, summary, _images, _err = share.run()
    assert (code, share.charges) == (0, COUNT)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_files_that_cannot_be_synced_count_as_they_are(share: Share, number: int) -> None:
    code, summary, _images, err = share.run(
        "--ledger", str(share.root / "ledger.db"), sync_file=number, sync_folder=number
    )
    assert (code, summary["done"]) == (0, COUNT), err


@pytest.mark.parametrize("number", [-1, errno.ENOSYS, errno.EIO])
def test_free_room_that_is_not_told_is_unknown(share: Share, number: int) -> None:
    code, summary, _images, err = share.run(statvfs=number)
    assert (code, summary["done"]) == (0, COUNT), err
    env = {**CREDENTIALS, "LD_PRELOAD": share.shim, "SHIM_STATVFS": str(number)}
    env["PIXIAN_BATCH_API_URL"] = share.emulator.url
    doctor = command("doctor", "--out", str(share.out), "--json", env=env)
    assert "does not say how much is free" in doctor.out


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_a_share_without_locks_names_the_option(share: Share, number: int) -> None:
    code, summary, _images, err = share.run(flock=number)
    assert (code, share.charges) == (8, 0)
    assert "--ledger PATH" in summary["stop"]["hint"]
    assert "cannot be locked" in summary["stop"]["message"]
    assert "SoftFileLock" not in err
    assert "warn" not in err.lower()
    code, summary, _images, err = share.run("--ledger", str(share.root / "ledger.db"), flock=number)
    assert (code, summary["done"]) == (0, COUNT), err


def test_a_ledger_that_the_share_cannot_sync_names_the_option(share: Share) -> None:
    code, summary, _images, _err = share.run(sync_file=errno.EINVAL)
    assert (code, share.charges) == (8, 0)
    assert "--ledger PATH" in summary["stop"]["hint"]


@pytest.mark.parametrize("number", [errno.EBUSY, errno.ETXTBSY])
def test_a_target_that_is_open_elsewhere_is_tried_again(share: Share, number: int) -> None:
    ledger = ["--ledger", str(share.root / "ledger.db")]
    code, summary, _images, err = share.run(*ledger, rename=number, renames=2)
    assert (code, summary["done"]) == (0, COUNT), err
    assert share.hidden() == []


def test_a_target_that_stays_open_waits_for_the_next_run(share: Share) -> None:
    ledger = ["--ledger", str(share.root / "ledger.db")]
    code, summary, images, err = share.run(*ledger, "--concurrency-max", "1", rename=errno.EBUSY, renames=4)
    waiting = [image for image in images if image["status"] != "done"]
    assert len(waiting) == 1, err
    assert "the next run finishes it for free" in err
    assert (summary["done"], share.charges) == (COUNT - 1, COUNT), "the others are not held up"
    assert (code, summary["stop"]) == (8, None), "the disk's trouble, and no reason to stop"
    code, summary, _images, err = share.run(*ledger)
    assert (code, summary["repaired"], share.charges) == (0, 1, COUNT), err
    assert share.results() == [f"{number}.png" for number in range(COUNT)]
    assert share.hidden() == []


@pytest.mark.parametrize("number", [errno.EXDEV])
def test_a_rename_across_devices_is_a_copy(share: Share, number: int) -> None:
    ledger = ["--ledger", str(share.root / "ledger.db")]
    code, summary, _images, err = share.run(*ledger, "--concurrency-max", "1", rename=number, renames=1)
    assert (code, summary["done"]) == (0, COUNT), err
    assert share.hidden() == []


@pytest.mark.parametrize(
    ("name", "words"), [("SHIM_FLOCK", "cannot be locked"), ("SHIM_SYNC_FOLDER", "cannot be synced")]
)
def test_doctor_knows_what_a_share_cannot(share: Share, name: str, words: str) -> None:
    env = {**CREDENTIALS, "LD_PRELOAD": share.shim, name: str(errno.ENOTSUP)}
    env["PIXIAN_BATCH_API_URL"] = share.emulator.url
    doctor = command("doctor", "--out", str(share.out), env=env)
    assert words in doctor.out + doctor.err
    assert os.listdir(share.root) == ["in"], "nothing was made"
