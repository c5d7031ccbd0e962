"""A user's command: no shell, fed, waited for, and ended when it takes too long or somebody gives up."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.commands import PATIENCE

from pixian_batch.adapters import hook
from pixian_batch.adapters.hook import is_there, run_hook, split

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def run(
    *words: str, stdin: bytes = b"", limit: float = 60.0, give_up: asyncio.Event | None = None
) -> str:
    return await run_hook(
        words, stdin, environment={"PIXIAN_RUN_X": "ü"}, limit=limit, give_up=give_up or asyncio.Event()
    )


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.mark.asyncio
async def test_it_gets_its_input_and_its_environment_and_no_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there"
    code = (
        "import json, os, sys; data = sys.stdin.read(); print('on its output');"
        f"open({str(there)!r}, 'w').write(json.dumps([len(data), os.environ['PIXIAN_RUN_X'], 'PATH' in os.environ]))"
    )
    assert await run(*python(code), stdin=b"x" * 300_000) == ""
    assert json.loads(there.read_text()) == [300_000, "ü", True]
    assert capfd.readouterr() == ("", "on its output\n")


@pytest.mark.asyncio
async def test_one_that_reads_nothing_is_no_trouble() -> None:
    assert await run(*python("pass"), stdin=b"x" * 3_000_000) == ""


@pytest.mark.asyncio
async def test_how_it_ended_is_told(tmp_path: Path) -> None:
    assert await run(*python("raise SystemExit(3)")) == "ended with exit code 3"
    assert await run(str(tmp_path)) == "could not be started: Permission denied" or sys.platform == "win32"
    assert (await run(str(tmp_path / "gone"))).startswith("could not be started: ")
    if sys.platform != "win32":
        code = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
        assert await run(*python(code)) == "was ended by SIGTERM"


STUBBORN = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def until(so: Callable[[], bool]) -> None:
    """Wait for what is bound to happen: another process is told, or init takes an orphan."""
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.asyncio
@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX'")
async def test_what_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "_GRACE", 0.2)
    there = tmp_path / "pid"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STUBBORN!r}, {str(there)!r}])"
    give_up = asyncio.Event()
    running = asyncio.ensure_future(run(*python(child), give_up=give_up))
    await asyncio.to_thread(until, lambda: there.is_file() and bool(there.read_text()))
    give_up.set()
    assert await running == "was stopped by a signal"
    await asyncio.to_thread(until, lambda: not is_alive(int(there.read_text())))
    assert (
        await run(*python("import time; time.sleep(600)"), limit=0.3)
        == "did not end within 0.3 s, and was stopped"
    )


def test_words_are_split_as_a_shell_does_and_nothing_else_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "WINDOWS", False)
    assert split("notify 'all done' $HOME *.jpg ~ ; a|b") == [
        *("notify", "all done", "$HOME", "*.jpg", "~", ";", "a|b")
    ]
    with pytest.raises(ValueError, match="quotation"):
        split("notify 'never ends")
    monkeypatch.setattr(hook, "WINDOWS", True)
    assert split(r'"C:\Program Files\x.exe" C:\out a') == [r"C:\Program Files\x.exe", r"C:\out", "a"]


def test_a_program_is_looked_for_before_a_run() -> None:
    assert is_there(sys.executable)
    assert not is_there("no-such-program-anywhere")
