"""One photo in, one file out, through pipes too; the emulator's bill says that nothing is bought twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support import forks
from support.commands import CREDENTIALS, PATIENCE, environment
from support.emulators import EmulatorThread
from support.pictures import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PNG, JPEG = b"\x89PNG", b"\xff\xd8\xff"


class Desk:
    """A folder with a photo, and the command in a process of its own."""

    def __init__(self, root: Path, emulator: EmulatorThread) -> None:
        self.root, self.emulator = root, emulator
        self.photo = picture("jpg", size=(16, 12))
        (root / "photo.jpg").write_bytes(self.photo)

    def run(
        self, *arguments: str, stdin: bytes = b"", service: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        where = (
            ("--api-url", self.emulator.url, "--min-free", "1MB", "--backoff-step", "10ms") if service else ()
        )
        env = environment({**CREDENTIALS, "XDG_STATE_HOME": str(self.root / "state")})
        return forks.run([*arguments, *where], env=env, cwd=self.root, stdin=stdin)

    @property
    def charges(self) -> int:
        return self.emulator.bill.totals.charges

    def copies(self) -> list[str]:
        """Photos from standard input that are still there."""
        folder = self.root / "state" / "pixian-batch" / "pipes" / "in"
        return os.listdir(folder) if folder.is_dir() else []


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with EmulatorThread() as emulator:
        yield Desk(tmp_path, emulator)


@pytest.mark.parametrize(("name", "magic"), [("cut.png", PNG), ("cut.jpg", JPEG), ("new/cut.JPEG", JPEG)])
def test_the_file_that_is_named_is_made(desk: Desk, name: str, magic: bytes) -> None:
    ended = desk.run("photo.jpg", "-o", name)
    assert ended.returncode == 0, ended.stderr
    assert (desk.root / name).read_bytes().startswith(magic)
    assert (desk.root / name).parent.joinpath(".pixian-batch", "ledger.db").is_file()
    plan = json.loads(desk.run("plan", "photo.jpg", "-o", name, "--json").stdout)
    assert (plan["new"], plan["done"]) == (0, 1)
    assert desk.run("photo.jpg", "-o", name).returncode == 0
    assert desk.charges == 1


def test_a_second_name_is_made_from_the_first(desk: Desk) -> None:
    assert desk.run("photo.jpg", "-o", "one.png").returncode == 0
    assert desk.run("photo.jpg", "-o", "two.png").returncode == 0
    assert (desk.root / "two.png").read_bytes() == (desk.root / "one.png").read_bytes()
    assert desk.charges == 1


def test_somebody_elses_file_and_the_photo_itself_are_left_alone(desk: Desk) -> None:
    (desk.root / "cut.png").write_bytes(b"mine")
    assert desk.run("photo.jpg", "-o", "cut.png").returncode == 0
    assert (desk.root / "cut.png").read_bytes() == b"mine"
    ended = desk.run("photo.jpg", "-o", "photo.jpg", "--overwrite")
    assert ended.returncode == 3, ended.stderr
    assert (desk.root / "photo.jpg").read_bytes() == desk.photo
    assert desk.charges == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photo.jpg", "-o", "cut.jpg", "--output-format", "png"), "leave one of them out"),
        (("photo.jpg", "-o", "cut.jpg", "--via-delta"), "leave one of them out"),
        (("photo.jpg", "-o", "cut.png", "--output-format", "jpeg"), "leave one of them out"),
        (("photo.jpg", "photo.jpg", "-o", "cut.png"), "several inputs"),
        ((".", "-o", "cut.png"), ". is a folder"),
        (("*.jpg", "-o", "cut.png"), "may match many"),
        (("photo.jpg", "-o", "cut.webp"), "results are PNG or JPEG"),
        (("photo.jpg", "-o", "cut.png", "--name", "{stem}.{ext}"), "--out names the result"),
        ((".", "-o", "-"), ". is a folder"),
        (("photo.jpg", "-o", "-", "--json"), "both want standard output"),
        (("-", "-o", "cut"), "needs a name"),
        (("-", "photo.jpg", "-o", "-"), "name one input"),
        (("-", "-o", "-"), "standard input is empty"),
        (("-", "-o", "cut.png"), "standard input is empty"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_spent(
    desk: Desk, arguments: tuple[str, ...], message: str
) -> None:
    ended = desk.run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert message in " ".join(ended.stderr.decode().split())
    assert desk.charges == 0
    assert desk.copies() == []


@pytest.mark.parametrize("source", ["-", "photo.jpg"])
def test_a_pipe_gets_the_picture_and_nothing_else(desk: Desk, source: str) -> None:
    first = desk.run(source, "-o", "-", stdin=desk.photo)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(PNG)
    assert desk.run("photo.jpg", "-o", "cut.png").returncode == 0
    assert first.stdout == (desk.root / "cut.png").read_bytes()
    charges = desk.charges
    again = desk.run("-", "-o", "-", "--verbose", stdin=desk.photo)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert desk.charges == charges, "the same bytes are bought once"
    other = desk.run("-", "-o", "-", "--output-format", "jpeg", stdin=desk.photo)
    assert other.stdout.startswith(JPEG)
    assert desk.run("-", "-o", "-", stdin=desk.photo).stdout == first.stdout
    assert desk.charges == charges + 1
    assert desk.copies() == []


def test_a_photo_from_a_pipe_for_a_file(desk: Desk) -> None:
    ended = desk.run("-", "--out", "cut.png", "--quiet", stdin=desk.photo)
    assert (ended.returncode, ended.stdout) == (0, b"")
    assert (desk.root / "cut.png").read_bytes().startswith(PNG)
    assert (desk.root / ".pixian-batch" / "ledger.db").is_file()
    assert desk.copies() == []


def test_what_is_no_photo_costs_nothing_and_gives_nothing(desk: Desk) -> None:
    ended = desk.run("-", "-o", "-", stdin=b"hello")
    assert (ended.returncode, ended.stdout) == (3, b"")
    assert desk.charges == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe whose reader has left")
def test_a_reader_that_has_left_loses_nothing(desk: Desk) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = ["photo.jpg", "-o", "-", "--api-url", desk.emulator.url, "--min-free", "1MB"]
    env = environment({**CREDENTIALS, "XDG_STATE_HOME": str(desk.root / "state")})
    command = [sys.executable, "-m", "pixian_batch", *words]
    subprocess.run(command, env=env, cwd=desk.root, stdout=writer, timeout=PATIENCE, check=False)
    os.close(writer)
    assert desk.charges == 1
    assert desk.run("photo.jpg", "-o", "-").stdout.startswith(PNG)
    assert desk.charges == 1


def test_pipes_at_the_same_time_take_turns(desk: Desk) -> None:
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(lambda _: desk.run("-", "-o", "-", stdin=desk.photo), range(3)))
    assert [one.returncode for one in ended] == [0, 0, 0], ended[-1].stderr
    assert len({one.stdout for one in ended}) == 1
    assert desk.charges == 1


def test_a_ledger_of_ones_own_knows_what_a_pipe_bought(desk: Desk) -> None:
    ledger = ("--ledger", str(desk.root / "my.db"))
    assert desk.run("-", "-o", "-", *ledger, stdin=desk.photo).returncode == 0
    assert desk.run("-", "-o", "-", *ledger, "--max-credits", "0.01", stdin=desk.photo).stdout.startswith(PNG)
    assert (desk.root / "my.db").is_file()
    assert desk.charges == 1
