"""Standard streams that are closed, full or left by their reader: for every command, and never a traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from support.commands import PATIENCE
from support.everywhere import COMMANDS, Surroundings, make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.everywhere import Ended
    from support.forks import Streams

STREAMS = {
    "no input": '"$@" <&-',
    "no output": '"$@" >&-',
    "no errors": '"$@" 2>&-',
    "nothing": '"$@" <&- >&- 2>&-',
    "full output": '"$@" >/dev/full',
    "full errors": '"$@" 2>/dev/full',
    "both full": '"$@" >/dev/full 2>&1',
    "output that cannot be written": '"$@" 1</dev/null',
    "full and unbuffered": 'PYTHONUNBUFFERED=1 "$@" >/dev/full',
    "left": '{ "$@"; echo $? >&3; } 3>code | true; exit $(cat code)',
}
FORKS: dict[str, tuple[str, str, str]] = {
    "no input": ("closed", "file", "file"),
    "no output": ("null", "closed", "file"),
    "no errors": ("null", "file", "closed"),
    "nothing": ("closed", "closed", "closed"),
    "full output": ("null", "full", "file"),
    "full errors": ("null", "file", "full"),
    "both full": ("null", "full", "full"),
    "output that cannot be written": ("null", "unwritable", "file"),
    "full and unbuffered": ("null", "full", "file"),
    "left": ("null", "left", "file"),
}
"""The same for a fork: what `opened` opens."""
LOSE_RESULTS = {"full output", "full and unbuffered", "both full", "output that cannot be written"}
fcntl = pytest.importorskip("fcntl", reason="Windows has no such terminals")
termios = pytest.importorskip("termios", reason="Windows has no such terminals")
pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    return make(tmp_path_factory.mktemp("streams"))


@contextmanager
def opened(words: tuple[str, str, str]) -> Iterator[Streams]:
    """Standard streams that a fork can be given."""
    left, left_by_its_reader = os.pipe()
    os.close(left)
    with (
        open("/dev/full", "wb") as full,
        open("/dev/null", "rb") as null,
        open(left_by_its_reader, "wb") as pipe,
    ):
        made = {"full": full.fileno(), "unwritable": null.fileno(), "left": pipe.fileno()}
        first, second, third = (made.get(word, word) for word in words)
        yield first, second, third


def check(place: Surroundings, stream: str, name: str) -> None:
    judge(place, stream, name, place.shell(STREAMS[stream], name))


def judge(place: Surroundings, stream: str, name: str, done: Ended) -> None:
    code = COMMANDS[name][1]
    assert place.complaints(done.stderr + done.stdout) == []
    assert done.returncode == (8 if stream in LOSE_RESULTS and code == 0 else code)
    if stream in LOSE_RESULTS - {"both full"} and code == 0:
        [line] = [line for line in done.stderr.decode().splitlines() if line.startswith("error:")]
        assert line.startswith("error: standard output: ")
        assert ("make room" in done.stderr.decode()) == stream.startswith("full")


@pytest.mark.parametrize("stream", STREAMS)
def test_a_small_command_survives_any_streams(place: Surroundings, stream: str) -> None:
    check(place, stream, "status")
    check(place, stream, "version")


@pytest.mark.parametrize("name", ["run", "config", "help", "wrong"])
def test_a_command_survives_no_streams_and_full_ones(place: Surroundings, name: str) -> None:
    check(place, "nothing", name)
    check(place, "full output", name)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs forks")
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_survives_every_stream(place: Surroundings, stream: str, name: str) -> None:
    env = {"PYTHONUNBUFFERED": "1"} if "unbuffered" in stream else {}
    with opened(FORKS[stream]) as streams:
        judge(place, stream, name, place.fork(name, streams, env=env))


def test_no_stream_is_ever_the_ledger(place: Surroundings) -> None:
    words = [
        "run",
        str(place.root / "in"),
        "--out",
        str(place.root / "closed"),
        "--local",
        "--json",
        "--verbose",
    ]
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "pixian_batch", *words]
    subprocess.run(closed, env=place.environment({}), check=True, timeout=PATIENCE)
    files = {path for path in (place.root / "closed").rglob("*") if path.is_file()}
    assert {path.name for path in files} >= {"a.png", "b.png", "ledger.db"}
    assert [
        path for path in files if b'"type":"image"' in path.read_bytes() or b"done: " in path.read_bytes()
    ] == []


def test_lost_records_are_told_and_the_images_are_kept(place: Surroundings) -> None:
    done = place.shell(STREAMS["full output"], "run")
    assert done.returncode == 8
    assert "Finished" in done.stderr.decode()
    again = place.shell('"$@"', "run")
    summary = json.loads(again.stdout.splitlines()[-1])
    assert (again.returncode, summary["done"], summary["skipped"]) == (0, 0, 2)


def test_a_list_from_a_closed_input_is_an_empty_one(place: Surroundings) -> None:
    words = ["run", "--files-from", "-", "--out", str(place.root / "new"), "--local"]
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "pixian_batch", *words]
    done = subprocess.run(
        closed, env=place.environment({}), capture_output=True, check=False, timeout=PATIENCE
    )
    assert place.complaints(done.stderr) == []
    assert (done.returncode, b"no photos were found" in done.stderr) == (0, True)


def test_a_terminal_that_does_not_wait_gets_everything(place: Surroundings) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    words = [sys.executable, "-m", "pixian_batch", "schema"]
    with subprocess.Popen(words, stdout=writer, env=place.environment({})) as process:
        os.close(writer)
        with open(reader, "rb") as stream:
            assert json.loads(stream.read())
    assert process.returncode == 0


def test_a_terminal_that_is_gone_is_a_reader_that_left(place: Surroundings) -> None:
    master, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pixian_batch", "schema"],
        env=place.environment({}),
        stdout=terminal,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(terminal)
        os.close(master)
        _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, b"")


def test_the_size_of_the_terminal_is_still_known(place: Surroundings) -> None:
    ask = "from pixian_batch.display import streams; streams.prepare(); import shutil; print(shutil.get_terminal_size())"
    master, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 123, 0, 0))
    subprocess.run(
        [sys.executable, "-c", ask],
        env=place.environment({"COLUMNS": None, "LINES": None}),
        stdin=terminal,
        stdout=terminal,
        check=True,
        timeout=PATIENCE,
    )
    assert b"columns=123, lines=33" in os.read(master, 1 << 12)
    os.close(terminal)
    os.close(master)


@pytest.mark.parametrize("stream", ["no output", "nothing", "both full"])
def test_serve_serves_with_any_streams(place: Surroundings, stream: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    words = ["serve", "--port", str(address[1]), "--engine", "plain"]
    script = STREAMS[stream].replace('"$@"', 'exec "$@"')
    with subprocess.Popen(
        ["sh", "-c", script, "sh", sys.executable, "-m", "pixian_batch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=place.environment({}),
    ) as process:
        while not listening(address):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert place.complaints(errors) == []
    assert process.returncode == (8 if stream in LOSE_RESULTS else 0)


def listening(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True
