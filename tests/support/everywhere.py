"""Every command once, as a process of its own, in whatever surroundings: what it was asked, how it ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.commands import CREDENTIALS, PATIENCE, environment
from support.forks import NULL_AND_FILES, Streams, begin, run
from support.pictures import picture, put

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Ended = subprocess.CompletedProcess[bytes]
NOBODY = "http://127.0.0.1:9/api/v2"
"""An address where nothing listens."""
NOBODY_ELSE = (
    "setpriv --reuid 12345 --regid 12345 --clear-groups --inh-caps +dac_read_search --ambient-caps +dac_read_search"
    " env -u HOME -u USER -u LOGNAME"
)
"""A user without an entry in passwd; it may read and search everything, as this Python may lie in a private home."""
COMMANDS: dict[str, tuple[tuple[str, ...], int]] = {
    "run": (("run", "{photos}", "--out", "{root}/new", "--local", "--json", "--min-free", "0"), 0),
    "plan": (("plan", "{photos}", "--out", "{out}", "--local"), 0),
    "status": (("status", "{out}"), 0),
    "resolve": (("resolve", "{out}"), 0),
    "reconcile": (("reconcile", "{out}"), 0),
    "account": (("account", "--api-url", NOBODY), 7),
    "doctor": (("doctor", "--local"), 0),
    "config": (("config",), 0),
    "decode": (("decode", "{photos}/a.png", "{photos}/a.png", "-o", "{root}/x.png"), 3),
    "schema": (("schema",), 0),
    "login": (("login", "--remove", "--api-url", NOBODY), 2),
    "help": (("--help",), 0),
    "run --help": (("run", "--help"), 0),
    "no command": ((), 0),
    "version": (("--version",), 0),
    "completion": (("--show-completion", "bash"), 0),
    "wrong": (("run", "--nonsense"), 2),
}
"""Command lines, and the exit codes they give where nothing is amiss. `serve` has a test of its own."""
_NO_GUESS = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
COMPLAINTS = ("Traceback", "internal error", "Exception ignored", "Error in sys.excepthook", "Warning:")


@dataclass(frozen=True)
class Surroundings:
    """Photos, the output folder of a finished run, and room for more, below `root`."""

    root: Path

    @property
    def temp(self) -> Path:
        return self.root / "tmp"

    def words(self, name: str) -> list[str]:
        """The arguments of a command of the table."""
        places = {"photos": self.root / "in", "out": self.root / "out", "root": self.root}
        return [word.format(**places) for word in COMMANDS[name][0]]

    def environment(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """Credentials and a temporary folder of our own; None takes a variable away."""
        both = {**environment(CREDENTIALS), "TMPDIR": str(self.temp), **_NO_GUESS, **changes}
        return {name: value for name, value in both.items() if value is not None}

    def shell(
        self, script: str, name: str, env: Mapping[str, str | None] = {}, cwd: Path | None = None
    ) -> Ended:
        """Run a command of the table by a shell's `script`, where it is `"$@"`."""
        words = [sys.executable, "-m", "pixian_batch", *self.words(name)]
        return subprocess.run(
            ["sh", "-c", script, "sh", *words],
            env=self.environment(env),
            cwd=cwd or self.root,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )

    def fork(self, name: str, streams: Streams = NULL_AND_FILES, **more: Any) -> Ended:
        """Run a command of the table as a fork.

        `env`, `cwd` and what else `forks.begin` takes are those of `shell`.
        """
        env, cwd = self.environment(more.pop("env", {})), more.pop("cwd", self.root)
        child = begin(self.words(name), env=env, cwd=cwd, streams=streams, **more)
        code = child.code()
        said = [(child.place / stream).read_bytes() for stream in ("stdout", "stderr")]
        return subprocess.CompletedProcess(name, code, *said)

    def complaints(self, shown: bytes) -> list[str]:
        """What must never be seen, in what a command wrote and in the folder where reports of bugs go."""
        text = shown.decode("utf-8", "replace")
        reports = (
            [name for name in os.listdir(self.temp) if name.startswith("bug-")] if self.temp.is_dir() else []
        )
        return [word for word in COMPLAINTS if word in text] + reports


def make(root: Path) -> Surroundings:
    """Two photos, and a finished run of them."""
    for number, name in enumerate(("a.png", "b.png")):
        put(root / "in" / name, picture("png", shade=number, size=(40, 30)))
    made = Surroundings(root)
    made.temp.mkdir()
    words = ["run", str(root / "in"), "--out", str(root / "out"), "--local", "--quiet", "--min-free", "0"]
    run(words, env=made.environment({}), cwd=root).check_returncode()
    return made


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that everybody can reach: pytest closes its own to others whenever a session begins."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["chmod", "a+rx", folder], check=True)
        yield Path(folder)
