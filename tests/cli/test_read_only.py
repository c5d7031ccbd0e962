"""A ledger that may only be read: its questions are answered, also while its owner's run goes on."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.everywhere import NOBODY_ELSE, Surroundings, make, public_folder

from pixian_batch.adapters.ledger import Ledger, default_path
from pixian_batch.policy.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="needs root and setpriv, to become somebody else",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    return make(tmp_path_factory.mktemp("read-only"))


@pytest.fixture
def out(place: Surroundings) -> Iterator[Path]:
    """A finished run's output folder of our own."""
    # SQLite asks access(2), which leaves the capability of NOBODY_ELSE out.
    with public_folder() as folder:
        shutil.copytree(place.root / "out", folder / "out")
        yield folder / "out"
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def ask(place: Surroundings, *words: str) -> tuple[int, str, str]:
    """As somebody who may read everything and write nothing."""
    done = subprocess.run(
        [*NOBODY_ELSE.split(), sys.executable, "-m", "pixian_batch", *words],
        env=place.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert place.complaints(done.stderr.encode()) == []
    return done.returncode, done.stdout, done.stderr


def close(out: Path) -> None:
    subprocess.run(["chmod", "-R", "a-w,a+rX", out], check=True)


def failed(place: Surroundings, out: Path) -> int:
    code, text, errors = ask(place, "status", str(out), "--json")
    assert code == 0, errors
    return len(json.loads(text)["failed"])


async def write_a_failure(ledger: Ledger) -> None:
    await ledger.begin_run(version="1", service="")
    await ledger.failed("/photos/x.jpg", Problem(None, "unreadable"))


@pytest.mark.parametrize("words", ["status {out}", "resolve {out}", "plan {photos} --out {out} --local"])
def test_what_only_reads_needs_no_more(place: Surroundings, out: Path, words: str) -> None:
    close(out)
    line = words.format(out=out, photos=place.root / "in")
    code, text, errors = ask(place, *line.split())
    assert (code, errors) == (0, "")
    assert text


def test_a_run_that_goes_on_is_seen(place: Surroundings, out: Path) -> None:
    async def run() -> None:
        ledger = await Ledger.open(default_path(str(out)))
        await write_a_failure(ledger)
        close(out)
        assert await asyncio.to_thread(failed, place, out) == 1
        await ledger.close()
        assert await asyncio.to_thread(failed, place, out) == 1

    asyncio.run(run())


@pytest.mark.parametrize("index", ["with its index", "without"])
def test_what_a_kill_has_left_is_never_left_out(place: Surroundings, out: Path, index: str) -> None:
    left = out.with_name("left")

    async def run() -> None:
        ledger = await Ledger.open(default_path(str(out)))
        await write_a_failure(ledger)
        shutil.copytree(out, left)
        await ledger.close()

    asyncio.run(run())
    assert os.path.getsize(f"{default_path(str(left))}-wal")
    if index == "without":
        os.unlink(f"{default_path(str(left))}-shm")
    close(left)
    if index == "with its index":
        assert failed(place, left) == 1
        return
    code, text, errors = ask(place, "status", str(left))
    assert (code, text) == (8, "")
    assert "its log (-wal) can only be read with the right to write beside it" in errors
