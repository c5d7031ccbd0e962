"""The time of a run's loop stands still while the process is stopped, and passes as usual otherwise."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from pixian_batch.adapters import running

SLEEPER = """
import asyncio, time
from pixian_batch.adapters import running

async def main():
    loop = asyncio.get_running_loop()
    began, real = loop.time(), time.monotonic()
    print("asleep", flush=True)
    await asyncio.sleep(1.2)
    print(loop.time() - began, time.monotonic() - real, flush=True)

running.run(main())
"""
STOPPED = 3.0


@pytest.mark.skipif(sys.platform == "win32", reason="nothing stops a process there")
def test_time_stands_still_while_the_process_is_stopped() -> None:
    command = [sys.executable, "-c", SLEEPER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asleep\n"
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        time.sleep(STOPPED)  # the pause itself is what is measured
        process.send_signal(signal.SIGCONT)
        counted, real = (float(word) for word in process.stdout.readline().split())
    assert real >= STOPPED
    assert 1.2 <= counted < STOPPED, "a timer rang by the time in which the process did not run"


@pytest.mark.skipif(sys.platform == "win32", reason="the loop there is the system's own")
def test_a_pause_inside_a_callback_does_not_pass_either() -> None:
    async def main() -> float:
        began = asyncio.get_running_loop().time()
        time.sleep(STOPPED)  # as a stop that does not fall into the loop's wait
        return asyncio.get_running_loop().time() - began

    assert running.run(main()) < STOPPED / 2


@pytest.mark.skipif(sys.platform == "win32", reason="the loop there is the system's own")
def test_time_passes_as_usual_in_a_long_sleep() -> None:
    async def main() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(STOPPED)
        return asyncio.get_running_loop().time() - began

    began = time.monotonic()
    assert running.run(main()) >= STOPPED
    assert time.monotonic() - began >= STOPPED


def test_a_run_gives_what_its_coroutine_gives() -> None:
    async def main() -> int:
        return 7

    assert running.run(main()) == 7
