"""What the commands' tests share: running the real command, and an emulator in another process.

A command is a process of its own, but seldom an interpreter of its own: see forks.py.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support import forks

from pixian_batch.cli.app import start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE = forks.PATIENCE
CREDENTIALS = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Ours without a person's options, with `changes`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PIXIAN_")}
    # The package under test, whatever the current folder is.
    ours["PYTHONPATH"] = forks.PACKAGE
    return {**ours, "COLUMNS": "100", "NO_COLOR": "1", **changes}


def command(*arguments: str, env: Mapping[str, str] = CREDENTIALS, cwd: str | None = None) -> Result:
    """Run `pixian-batch` to its end."""
    done = forks.run(arguments, env=environment(env), cwd=cwd)
    return Result(done.returncode, *(_text(said) for said in (done.stdout, done.stderr)))


def _text(said: bytes) -> str:
    return said.decode("utf-8").replace("\r\n", "\n")


def here(*arguments: str) -> Result:
    """The same in this process: much quicker, for commands that start no event loop."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with redirect_stdout(out), redirect_stderr(err):
            start(list(arguments))
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    return Result(code, out.getvalue(), err.getvalue())


@contextmanager
def serving(*arguments: str, env: Mapping[str, str] = CREDENTIALS) -> Iterator[str]:
    """`pixian-batch serve` on a free port; gives the API's URL, and ends it as a terminal would."""
    with started(*arguments, env=env) as (process, url):
        yield url
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


@contextmanager
def started(
    *arguments: str, env: Mapping[str, str] = CREDENTIALS
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pixian_batch", "serve", "--port", "0", *arguments],
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            if process.poll() is None:
                process.kill()
