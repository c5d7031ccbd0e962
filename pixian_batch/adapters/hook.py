"""The user's own command: started without a shell, fed, waited for, ended when it takes too long. Decides nothing.

It has a process group of its own: what ends it ends its children, and Ctrl-C at the terminal is ours to pass on. What
it writes goes to standard error, since standard output carries results only.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.policy.disk import system_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GRACE: Final = 5.0
"""Seconds between the polite end and the other one."""
_STDERR: Final = 2
WINDOWS: Final = sys.platform == "win32"


def split(command: str) -> list[str]:
    """The words of a command line as a POSIX shell splits them, and nothing else that a shell does.

    On Windows a backslash is a part of a path. Raises ValueError when a quotation mark has no end.
    """
    if not WINDOWS:
        return shlex.split(command)
    return [word.strip('"') for word in shlex.split(command, posix=False)]


def is_there(program: str) -> bool:
    """Whether there is a program of this name to be started."""
    return shutil.which(program) is not None


async def run_hook(
    words: Sequence[str],
    stdin: bytes,
    *,
    environment: Mapping[str, str],
    limit: float,
    give_up: asyncio.Event,
) -> str:
    """Run it to its end, `limit` seconds at most, or until somebody gives up; why it failed, or an empty text."""
    env = {**os.environ, **environment}
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=subprocess.PIPE, stdout=_STDERR, env=env, **_own_group()
        )
    except OSError as error:
        return f"could not be started: {system_word(error)}"
    except ValueError:  # a NUL in a word
        return "could not be started: a program's words have no NUL"
    told = asyncio.ensure_future(process.communicate(stdin))
    stopped = asyncio.ensure_future(give_up.wait())
    await asyncio.wait({told, stopped}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        stopped.cancel()
        return _ending(process.returncode)
    signalled = stopped.done()
    stopped.cancel()
    await _end(process, told)
    return "was stopped by a signal" if signalled else f"did not end within {limit:g} s, and was stopped"


def _own_group() -> dict[str, Any]:
    if WINDOWS:
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}


async def _end(process: asyncio.subprocess.Process, told: asyncio.Future[Any]) -> None:
    """First politely; after a while what is left of it, too."""
    _send(process, signal.SIGTERM)
    await asyncio.wait({told}, timeout=_GRACE)
    _send(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    await told


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if WINDOWS:
            process.terminate()
        else:
            os.killpg(process.pid, number)


def _ending(code: int | None) -> str:
    if not code:
        return ""
    if code > 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
