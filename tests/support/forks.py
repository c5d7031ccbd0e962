"""Processes of the command without the half second that each start of it takes: forks of one that has loaded it.

`usual()` is the fork server of this test process, which commands.py and the tests of money share. A fork is a
real process, with streams, signals and an end of its own; what it is not is a fresh interpreter. So what an
interpreter does at its start (`needs_own_interpreter`), and what is imported when, is tested with real starts.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import pixian_batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TESTS: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(pixian_batch.__file__)))
"""Where the package under test is, whatever the current folder is."""
PATIENCE: Final = 120.0
"""Seconds that a process may take on the busiest of machines: reached only by one that hangs."""
_READ_AT_THE_START: Final = ("PYTHON", "LC_", "LANG", "LD_", "SSL_", "OMP_", "OPENBLAS_")
"""Beginnings of the variables that an interpreter or a library reads once, when it is loaded."""
_HEEDED: Final = frozenset({"PYTHONIOENCODING", "PYTHONUNBUFFERED"})
"""Those that a fork reads as an interpreter does."""


def needs_own_interpreter(variables: Mapping[str, str]) -> bool:
    """Whether a process with this environment has to begin at the beginning.

    So must all where a fork may not do what a process may (macOS), or there is none (Windows).
    """
    if sys.platform != "linux":
        return True
    usual = {**os.environ, "PYTHONPATH": PACKAGE}
    names = {*variables, *usual} - _HEEDED
    return any(
        variables.get(name) != usual.get(name) for name in names if name.startswith(_READ_AT_THE_START)
    )


@cache
def usual() -> ForkServer:
    """The one of this process, begun at the first call; it ends with this process."""
    server = ForkServer(folder())
    atexit.register(server.close)
    return server


@cache
def folder() -> Path:
    """Where what belongs to this process's forks is kept; removed with it."""
    place = tempfile.mkdtemp(prefix="pixian-batch-forks-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


CLOSED: Final = "closed"
"""A standard stream that is not there, as after `>&-`."""
Stream = int | str
"""A standard stream: a descriptor, or CLOSED, or "null" (/dev/null), or "file" (`Outcome` has it)."""
Streams = tuple[Stream, Stream, Stream]
NULL_AND_FILES: Final[Streams] = ("null", "file", "file")


def run(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str] | None = None,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """`python -m pixian_batch WORDS` to its end, with `stdin` in a pipe and all of its environment in `env`."""
    with tempfile.TemporaryDirectory() as place:
        reader, writer = os.pipe()
        child = begin(words, env=env, cwd=cwd, streams=(reader, "file", "file"), place=place)
        os.close(reader)
        with contextlib.suppress(BrokenPipeError), open(writer, "wb") as pipe:
            pipe.write(stdin)
        code = child.code()
        said = [(child.place / name).read_bytes() for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess(words, code, *said)


def begin(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str] | None = None,
    streams: Streams = NULL_AND_FILES,
    place: str | None = None,
    **more: bool,
) -> Child | Started:
    """The same in the background, and with any streams.

    place: an empty folder for what is told of it; one that is removed with the others unless told.
    more: `terminal` and `lost`, which fork_server.py explains.
    """
    told = Path(tempfile.mkdtemp(dir=folder()) if place is None else place)
    if needs_own_interpreter(env):
        assert not more, "this can a fork alone"
        return Started.begin(words, env, cwd, streams, told)
    return usual().ask(
        command=list(words),
        env=dict(env),
        cwd=os.fspath(cwd or os.getcwd()),
        streams=streams,
        **{"terminal": False, "lost": False, **more},
        place=str(told),
    )


def wait_for(path: Path, seconds: float = PATIENCE) -> str:
    """The content of a file that is about to appear."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            return path.read_text()
        time.sleep(0.003)
    raise TimeoutError(f"{path} did not appear")


class ForkServer:
    """The process that forks children: see fork_server.py."""

    def __init__(self, place: Path, preload: Path | None = None) -> None:
        self._place = place
        self._number = 0
        self._turn = threading.Lock()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
        if preload is not None:
            environment["LD_PRELOAD"] = str(preload)
        self._descriptors, theirs = socket.socketpair()
        program = str(Path(__file__).with_name("fork_server.py"))
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", program, str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
                pass_fds=[theirs.fileno()],
            )
        self._stdin, stdout = _pipes(self._process)
        assert stdout.readline() == "ready\n"

    def ask(self, **request: Any) -> Child:
        """Begin a child. Its `place`, where what became of it is written, is one of ours unless told."""
        with self._turn:
            return self._ask(request)

    def _ask(self, request: dict[str, Any]) -> Child:
        self._number += 1
        place = Path(request.pop("place", self._place / f"child-{self._number}"))
        place.mkdir(parents=True, exist_ok=True)
        for stream in ("stdout", "stderr"):
            (place / stream).touch()  # the child may be killed before it has any
        if passed := [stream for stream in request.get("streams", ()) if isinstance(stream, int)]:
            socket.send_fds(self._descriptors, [b"-"], passed)
        self._stdin.write(json.dumps({**request, "place": str(place)}) + "\n")
        self._stdin.flush()
        return Child(place)

    def close(self) -> None:
        """End it, and with it every child."""
        self._stdin.close()
        self._descriptors.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(PATIENCE)


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


@dataclass(frozen=True)
class Child:
    """A process that the fork server made."""

    place: Path

    @property
    def pid(self) -> int:
        return int(wait_for(self.place / "pid"))

    def send(self, number: int) -> None:
        """Send a signal, and wait until it was taken: two of a kind that wait are only one."""
        os.kill(self.pid, number)
        until = time.monotonic() + PATIENCE
        while _waits(self.pid, number):
            assert time.monotonic() < until
            time.sleep(0.003)

    def wait(self, seconds: float = PATIENCE) -> Outcome:
        """How it ended."""
        return Outcome.of(self.code(seconds), self.place)

    def code(self, seconds: float = PATIENCE) -> int:
        """Its exit code (negative: killed by that signal), when it has ended."""
        return int(wait_for(self.place / "status", seconds))


@dataclass(frozen=True)
class Started:
    """The same for a process that was begun with an interpreter of its own."""

    place: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def begin(
        cls,
        words: Sequence[str],
        env: Mapping[str, str],
        cwd: str | os.PathLike[str] | None,
        streams: Sequence[Stream],
        place: Path,
    ) -> Self:
        """Begin it; a stream that is closed is beyond this."""
        command = [sys.executable, "-m", "pixian_batch", *words]
        with contextlib.ExitStack() as files:

            def opened(stream: Stream, name: str) -> int:
                if isinstance(stream, int):
                    return stream
                if stream == "null":
                    return subprocess.DEVNULL
                return files.enter_context(open(place / name, "wb")).fileno()

            stdin, stdout, stderr = map(opened, streams, ("", "stdout", "stderr"))
            process = subprocess.Popen(command, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)
        return cls(place, process)

    def send(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> Outcome:
        """How it ended."""
        return Outcome.of(self.code(seconds), self.place)

    def code(self, seconds: float = PATIENCE) -> int:
        """Its exit code, when it has ended."""
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()  # nothing, unless it hangs


def _waits(pid: int, number: int) -> bool:
    """Whether a signal was not yet taken by its process; nothing is known of a process that has ended."""
    if sys.platform != "linux":
        time.sleep(0.1)
        return False
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("SigPnd:", "ShdPnd:")) and int(line.split()[1], 16) >> (number - 1) & 1:
                return True
    return False


@dataclass(frozen=True)
class Outcome:
    """A process that has ended: exit code (negative: killed by that signal) and what it said."""

    code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, code: int, place: Path) -> Self:
        """What was said is in `place`, where it went to files."""
        files = [place / name for name in ("stdout", "stderr")]
        return cls(code, *(file.read_text() if file.exists() else "" for file in files))

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def images(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == "image"]

    @property
    def summary(self) -> dict[str, Any]:
        """The last record; fails when it is not the summary."""
        last = self.records[-1]
        assert last["type"] == "summary", last
        assert [record["type"] for record in self.records].count("summary") == 1
        assert last["exit_code"] == self.code
        return last

    def statuses(self) -> Counter[str]:
        return Counter(record["status"] for record in self.images)
