"""A process that has loaded the command once and forks a child for each run: real processes, quickly.

Run as a script. Requests are JSON objects, one a line, on standard input:

    {"run": [ARGUMENT...], "place": DIR, "env": {...}, "kill": [POINT, PASSAGE] | null, "after": SECONDS | null,
     "fault": {...} | null}
    {"emulate": TOML, "place": DIR}

Each is answered by nothing: in DIR appear `pid`, then `stdout` and `stderr`, then `status` (the exit
code, negative for a signal); for an emulator also `url`, for a run with a fault (see faults.py) `calls`. Every child ends when this process does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final

from support import faults

_DEATH_SIGNAL: Final = 1


def main() -> None:
    """Read requests until standard input ends."""
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the watchers are nobody's business
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        request = json.loads(line)
        if os.fork() == 0:
            _watch(request)


_NEEDED: Final = (
    "PIL.Image",
    "support.kill_points",
    "pixian_batch.cli.app",
    "pixian_batch.cli.commands.run",
    "pixian_batch.display.records",
    "pixian_batch.emulator.canned",
    "pixian_batch.emulator.reading",
    "pixian_batch.emulator.server",
    "pixian_batch.imaging.delta",
    "pixian_batch.imaging.probe",
    "tomllib",
)


def _load() -> None:
    """Import all that a run needs, so that a child begins at once."""
    for name in _NEEDED:
        importlib.import_module(name)
    importlib.import_module("PIL.Image").init()
    with contextlib.suppress(ImportError):  # typer loads this at the first command, and pydantic with it
        importlib.import_module("typer._adapters")


def _watch(request: dict[str, Any]) -> None:
    """Fork the real child, wait for it, write its status down."""
    _die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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
        _redirect(place)
        os.environ.update(request.get("env") or {})
        if "emulate" in request:
            asyncio.run(_emulate(request["emulate"], place))
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


def _redirect(place: Path) -> None:
    for name, number in (("stdout", 1), ("stderr", 2)):
        target = os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(target, number)
        os.close(target)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


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
