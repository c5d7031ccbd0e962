"""The log and the metrics: they follow links, leave devices and pipes alone, and tell a full disk in one line."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import display_samples as samples
from support.pictures import picture, put

from pixian_batch.display.log import Logged
from pixian_batch.display.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pixian_batch.policy.progress import Watcher

KINDS: dict[str, Callable[[str], Watcher]] = {
    "log": Logged,
    "metrics": lambda path: Metrics(path, now=lambda: 1000.0),
}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs links, pipes and devices")


def written(kind: str, path: Path) -> None:
    """What a run's end writes there."""
    watcher = KINDS[kind](str(path))
    watcher.finished(samples.summary_of(samples.DONE))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_link_stays_and_its_file_is_written(kind: str, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far/file")
    for _ in range(2):  # the file is not there, then it is
        written(kind, tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "far/file").stat().st_size
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["file"]


def test_a_pipe_that_is_read_gets_it(kind: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    written(kind, pipe)
    assert os.read(reader, 1 << 16)
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["a pipe that nobody reads", "/dev/full"])
def test_what_cannot_be_written_is_told_once(
    kind: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name  # an absolute name stays as it is
    if name != "/dev/full":
        os.mkfifo(path)
    elif not path.exists():
        pytest.skip("needs /dev/full")
    written(kind, path)
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "cannot be written: No s" in record.getMessage()
    assert capsys.readouterr().err == ""
    assert path.exists()
    assert not path.is_file()


def test_a_command_tells_a_full_log_in_one_line(tmp_path: Path) -> None:
    photo = put(tmp_path / "in" / "a.png", picture("png"))
    words = ["run", photo, "--out", str(tmp_path / "out"), "--local", "--quiet", "--min-free", "0"]
    files = ["--log-file", "/dev/full", "--metrics-file", "/dev/stdout"]
    with open(tmp_path / "stdout", "w+") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "pixian_batch", *words, *files],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        stdout.seek(0)
        assert 'pixian_batch_images{outcome="done"} 1' in stdout.read()
    assert done.returncode == 0
    full = "--log-file /dev/full cannot be written: No space left on device"
    assert done.stderr.splitlines()[0] == full
    assert done.stderr.count(full) == 1
