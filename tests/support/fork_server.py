"""A process that has loaded the command once and forks a child for each run: real processes, quickly.

Run as a script, with the number of a socket for descriptors. Requests are JSON objects, one a line, on standard input:

    {"run": [ARGUMENT...], "place": DIR, "env": {...}, "kill": [POINT, PASSAGE] | null, "after": SECONDS | null,
     "fault": {...} | null}
    {"command": [ARGUMENT...], "place": DIR, "env": {...}, "cwd": DIR, "streams": [...],
     "terminal": BOOLEAN, "lost": BOOLEAN}
    {"emulate": TOML, "place": DIR}

A stream that is a number in the request is, whatever its number is here, the next descriptor from the socket.
With `terminal` standard input is the terminal that controls the process, and when it is `lost` its current folder
is removed behind it.

`run` begins at the command's front door, with `env` added to the variables; `command` is all that
`python -m pixian_batch` does, streams and exit code included, and `env` is all of its variables.
Each is answered by nothing: in DIR appear `pid`, then `stdout` and `stderr`, then `status` (the exit
code, negative for a signal); for an emulator also `url`, for a run with a fault (see faults.py) `calls`. Every child ends when this process does.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path
from typing import Any, Final

from support import faults

import pixian_batch

_DEATH_SIGNAL: Final = 1
_ERRORS: Final = 2
"""The descriptor of standard error."""
_NOT_FLUSHED: Final = 120
"""The exit code of an interpreter that could not write the last of its output."""


def main() -> None:
    """Read requests until standard input ends."""
    _load()
    descriptors = socket.socket(fileno=int(sys.argv[1]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        _reap()
        request = json.loads(line)
        passed = _receive(request, descriptors)
        if os.fork() == 0:
            descriptors.close()
            _watch(request)
        for number in passed:
            os.close(number)


def _receive(request: dict[str, Any], descriptors: socket.socket) -> list[int]:
    """Take the descriptors that come with a request, and put our numbers of them into it."""
    streams = request.setdefault("streams", ["null", "file", "file"])
    wanted = [place for place, stream in enumerate(streams) if isinstance(stream, int)]
    if not wanted:
        return []
    _, passed, _, _ = socket.recv_fds(descriptors, 1, len(wanted))
    for place, number in zip(wanted, passed, strict=True):
        streams[place] = number
    return list(passed)


def _reap() -> None:
    """Bury the watchers that have ended: nobody asks for them, but their time counts as this process's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _load() -> None:
    """Import all that any command needs, so that a child begins at once."""
    names = [module.name for module in pkgutil.walk_packages(pixian_batch.__path__, "pixian_batch.")]
    # Where typer is called, it loads the last of these (and pydantic with it) at the first command.
    for name in ("support.kill_points", *names, "typer._adapters"):
        with contextlib.suppress(ImportError):  # an extra that is not installed
            importlib.import_module(name)
    importlib.import_module("PIL.Image").init()
    gc.collect()
    gc.freeze()  # no child looks through what it has from here


def _watch(request: dict[str, Any]) -> None:
    """Fork the real child, wait for it, write its status down."""
    _die_with_parent()
    place = Path(request["place"])
    child = os.fork()
    if child == 0:
        _die_with_parent()
        _begin(request, place)
    _write(place / "pid", str(child))
    _, status = os.waitpid(child, 0)
    _write(place / "status", str(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text)
    beside.replace(path)


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):  # Linux alone has this
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


def _begin(request: dict[str, Any], place: Path) -> None:
    """Become the command (or an emulator). Never returns."""
    code = 1
    try:
        _redirect(request["streams"], place)
        if "command" not in request:
            os.environ.update(request.get("env") or {})
        if "emulate" in request:
            asyncio.run(_emulate(request["emulate"], place))
        elif "command" in request:
            _be_the_command(request)
        else:
            _run(request)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001  # told as the interpreter would
        sys.excepthook(*sys.exc_info())
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    if request.get("fault"):
        _write(place / "calls", str(faults.seen()))
    os._exit(code)


def _redirect(streams: list[int | str], place: Path) -> None:
    """Make the descriptors 0, 1 and 2 what the request says; then nothing else of it stays open."""
    given = [
        _opened(stream, place / name) for stream, name in zip(streams, ("", "stdout", "stderr"), strict=True)
    ]
    for number, source in enumerate(given):
        if source is None:
            os.close(number)
        else:
            os.dup2(source, number)
    for source in {source for source in given if source is not None}:
        os.close(source)


def _opened(stream: int | str, file: Path) -> int | None:
    """A descriptor above 2, or None for a stream that is to be closed."""
    if stream == "closed":
        return None
    if isinstance(stream, int):
        return stream
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if stream == "file" else os.O_RDWR
    return os.open(file if stream == "file" else os.devnull, flags)


def _be_the_command(request: dict[str, Any]) -> None:
    """All that `python -m pixian_batch` does between an interpreter's start and the end of its modules."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    if request["lost"]:
        os.rmdir(request["cwd"])
    time.tzset()
    tempfile.tempdir = None  # what was found here holds for us alone
    if request["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdin = _stream(0, "r", "strict")
    sys.stdout = _stream(1, "w", "strict")
    sys.stderr = _stream(2, "w", "backslashreplace")
    command = importlib.import_module("pixian_batch.__main__")
    sys.argv = [str(command.__file__), *request["command"]]
    code = 1
    try:
        command.main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001  # told as the interpreter would
        sys.excepthook(*sys.exc_info())
    threading._shutdown()  # type: ignore[attr-defined]  # from here on as the interpreter does at its end
    atexit._run_exitfuncs()
    gc.collect()  # what was never awaited, closed or joined says so
    sys.exit(code if _flushed() else _NOT_FLUSHED)


def _flushed() -> bool:
    """Write what is buffered; a stream that takes it no more is told of as the interpreter does it."""
    whole = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError) as error:
            whole = False
            os.write(2, f"Exception ignored in: {stream!r}\n{type(error).__name__}: {error}\n".encode())
    return whole


def _stream(number: int, mode: str, errors: str) -> Any:
    """A standard stream as an interpreter makes it: None where its descriptor is closed."""
    try:
        os.fstat(number)
    except OSError:
        return None
    unbuffered = mode == "w" and bool(os.environ.get("PYTHONUNBUFFERED"))
    binary = open(number, f"{mode}b", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115  # stays open to the end
    encoding = os.environ.get("PYTHONIOENCODING") or "utf-8"
    lines = not unbuffered and (number == _ERRORS or binary.isatty())
    return io.TextIOWrapper(binary, encoding, errors, line_buffering=lines, write_through=unbuffered)


def _run(request: dict[str, Any]) -> None:
    from support.kill_points import arm, full_after_sending, no_heads, slow_spools

    from pixian_batch.cli.app import start

    if request.get("kill"):
        arm(*request["kill"])
    if request.get("full_after_sending"):
        full_after_sending()
    if request.get("no_heads"):
        no_heads()
    if request.get("slow_spools"):
        slow_spools(request["slow_spools"])
    if request.get("after"):
        killer = threading.Timer(request["after"], os.kill, (os.getpid(), signal.SIGKILL))
        killer.daemon = True
        killer.start()
    _quicken(request.get("probe_interval"))
    if request.get("fault"):
        faults.arm(**request["fault"])
    os.chdir(request.get("cwd") or os.getcwd())
    sys.argv = ["pixian-batch", *request["run"]]
    start(request["run"])


def _quicken(seconds: float | None) -> None:
    """A probe of a broken service every `seconds`."""
    if seconds is not None:
        from pixian_batch.pipeline.circuit import Circuit

        Circuit.__init__.__kwdefaults__ = {
            **(Circuit.__init__.__kwdefaults__ or {}),
            "probe_interval": seconds,
        }


async def _emulate(toml: str, place: Path) -> None:
    from pixian_batch.emulator.reading import read_text
    from pixian_batch.emulator.server import Emulator
    from pixian_batch.emulator.settings import EmulatorSettings

    async with Emulator(read_text(EmulatorSettings, toml)) as emulator:
        _write(place / "url", emulator.origin)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    main()
