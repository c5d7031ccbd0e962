"""The project's own environment, `.venv`: made once, installed into again only when that is needed.

For the scripts beside it. Needs nothing but the standard library, and never uses a shell, so that
spaces and quotes in a path are ordinary characters.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(os.path.abspath(__file__)).parent.parent
"""The top of the project, by the path that the user knows: links are not resolved."""
MARK: Final = "made-by-pixian-batch"
"""The folder inside an environment of ours that says so and keeps the stamps."""
_PIP_LINES: Final = 15
_NO_NETWORK: Final = """\
The package registry could not be reached, or it holds none of what is needed. Is there a network?
Behind a proxy, set HTTPS_PROXY; with a mirror of your own, set PIP_INDEX_URL."""
_NO_ENGINE: Final = """\
The engine (onnxruntime) has no ready-made build for this computer: it exists for Linux with glibc
(x86-64, aarch64), Windows and Apple silicon. All but `--local` and `serve` works without it: install
pixian-batch without the [local] extra."""
_HINTS: Final = (
    ("from versions: none", _NO_NETWORK),
    ("no matching distribution found for onnxruntime", _NO_ENGINE),
    ("no space left on device", "The disk is full: about 500 MB are needed."),
    ("connection", _NO_NETWORK),
)
"""What pip says (in lower case, first match), and what that means."""


class SetupError(Exception):
    """The environment cannot be made; the message is for the user and says what to do."""


def say(text: str) -> None:
    """One line to the person who waits, at once."""
    print(text, file=sys.stderr, flush=True)


def prepare(*extras: str, root: Path = ROOT) -> Path:
    """The Python of an environment with the project (editable) and these extras installed.

    Costs two small file reads when nothing has changed. Raises `SetupError`.
    """
    home = root / ".venv"
    try:
        if not is_ours(home, root):
            _make(home, root)
        if not is_installed(home, root, extras):
            _install(home, root, extras)
    except OSError as refused:
        raise SetupError(f"The environment {home} cannot be written: {refused}") from refused
    return interpreter(home)


def interpreter(home: Path) -> Path:
    """The Python of the environment `home`."""
    return home / "Scripts" / "python.exe" if os.name == "nt" else home / "bin" / "python"


def is_ours(home: Path, root: Path) -> bool:
    """Whether `home` was made by this very Python for the project where it now stands."""
    return interpreter(home).exists() and _read(home / MARK / "interpreter") == _identity(root)


def is_installed(home: Path, root: Path, extras: tuple[str, ...]) -> bool:
    """Whether these extras (or more) were installed from the pyproject.toml of today."""
    wanted = _digest(root)
    stamps = (home / MARK).glob("installed.*")
    return any(_extras_of(stamp) >= set(extras) and _read(stamp) == wanted for stamp in stamps)


def _extras_of(stamp: Path) -> set[str]:
    return set(stamp.name.removeprefix("installed.").split("+"))


def _identity(root: Path) -> str:
    # An environment keeps absolute paths: to its Python, and to the project that it was installed from.
    return f"{sys.version}\n{sys.base_prefix}\n{root.resolve()}\n"


def _digest(root: Path) -> str:
    return hashlib.sha256((root / "pyproject.toml").read_bytes()).hexdigest()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _make(home: Path, root: Path) -> None:
    if home.exists() and not (home / MARK / "made").exists():
        _adopt(home)
    else:
        _need_venv()
        say(f"Making an environment in {home} ...")
        shutil.rmtree(home, ignore_errors=True)
        (home / MARK).mkdir(parents=True)
        (home / MARK / "made").touch()  # first: an interrupted run leaves something that is known as ours
        # Not this one, if this one stood inside what was just removed.
        base = getattr(sys, "_base_executable", None) or sys.executable
        _run([base, "-m", "venv", str(home)], root, "The environment could not be made.")
    (home / MARK / "interpreter").write_text(_identity(root), encoding="utf-8")


def _adopt(home: Path) -> None:
    """Use an environment that the user made by hand; it is never removed."""
    usable = "import sys, pip; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    command = [str(interpreter(home)), "-c", usable]
    if not interpreter(home).exists() or subprocess.run(command, capture_output=True, check=False).returncode:
        raise SetupError(
            f"{home} was not made by this script and cannot be used (it needs Python 3.11 or newer, and pip).\n"
            "Move it out of the way (or delete it) and run this again."
        )
    # What was installed for another Python says nothing about this one.
    shutil.rmtree(home / MARK, ignore_errors=True)
    (home / MARK).mkdir()


def _need_venv() -> None:
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    raise SetupError(
        f"This Python ({sys.executable}) came without its venv module. On Debian and Ubuntu:\n"
        "    sudo apt install python3-venv\n"
        f"(or python{version}-venv, if this is not the system's own Python), then run this again."
    )


def _install(home: Path, root: Path, extras: tuple[str, ...]) -> None:
    wanted = _digest(root)
    what = f".[{','.join(extras)}]"
    say(f"Installing pixian-batch with its extras {', '.join(extras)} (a minute or so the first time) ...")
    begun = time.monotonic()
    pip = [str(interpreter(home)), "-m", "pip", "install", "--quiet", "--no-input"]
    quiet = ["--disable-pip-version-check", "--no-warn-script-location"]
    _run([*pip, *quiet, "--editable", what], root, "pip could not install what pixian-batch needs.")
    stamp = home / MARK / f"installed.{'+'.join(sorted(extras))}"
    stamp.write_text(wanted, encoding="utf-8")
    say(f"Installed in {time.monotonic() - begun:.0f} s.")


def _run(command: list[str], root: Path, failure: str) -> None:
    """Run quietly; on failure raise with its last lines and a hint."""
    environment = os.environ | {"PIP_USER": "0"}  # some cloud shells set it, and then pip refuses a venv
    done = subprocess.run(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise SetupError(explain(failure, done.stdout))


def explain(failure: str, output: str) -> str:
    """`failure`, the last lines of the tool's output, and what to do about it if that is known."""
    lines = [f"    {line}" for line in output.strip().splitlines()[-_PIP_LINES:]]
    hint = next((hint for sign, hint in _HINTS if sign in output.lower()), "")
    return "\n".join([failure, "It said:", *lines, *([hint] if hint else [])])
