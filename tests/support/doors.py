"""The command as a program that a test's shell can call, and that is a fork all the same (forks.py).

The program is a small client in C (client.c), built here: no interpreter starts. Without a compiler, and where
forks are not used, it is a script that starts the real one.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

from support import forks


def program(path: Path) -> None:
    """Put the command at `path`. It serves as long as this process lives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("cc")
    usual = {**os.environ, "PYTHONPATH": forks.PACKAGE}
    if compiler is None or forks.needs_own_interpreter(usual):
        script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pixian_batch "$@"\n'
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
    else:
        shutil.copy2(_client(compiler), path)


@cache
def _client(compiler: str) -> Path:
    built = forks.folder() / "client"
    source = Path(__file__).with_name("client.c")
    path = f'-DDOOR="{_door()}"'
    subprocess.run([compiler, "-O1", path, "-o", str(built), str(source)], check=True, capture_output=True)
    return built


@cache
def _door() -> str:
    """The path of a socket that clients of this process come to; it is open until the process ends."""
    path = str(forks.folder() / "door")
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    door.listen(64)
    threading.Thread(target=_let_in, args=(door,), daemon=True).start()
    return path


def _let_in(door: socket.socket) -> None:
    while True:
        client, _ = door.accept()
        threading.Thread(target=_serve, args=(client,), daemon=True).start()


def _serve(client: socket.socket) -> None:
    """One command: its words, its folder, its variables, its streams; its exit code goes back."""
    with client:
        _, streams, _, _ = socket.recv_fds(client, 1, 3)
        with client.makefile("rb") as said:
            count, *texts = map(os.fsdecode, said.read().split(b"\0")[:-1])
        words, cwd, variables = texts[: int(count)], texts[int(count)], texts[int(count) + 1 :]
        env = dict(variable.split("=", 1) for variable in variables)
        stdin, stdout, stderr = streams
        child = forks.begin(words, env=env, cwd=cwd, streams=(stdin, stdout, stderr))
        for stream in streams:
            os.close(stream)
        client.sendall(struct.pack("i", child.code()))
