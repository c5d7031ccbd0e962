"""`login`: asks, tries, keeps; a later command finds what was kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.commands import PATIENCE
from support.emulators import EmulatorThread

import pixian_batch

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "s3cr3t-that-nobody-may-see"
ROOT = str(Path(pixian_batch.__file__).parents[1])
STAND_IN = """
import os, pathlib
KEPT = pathlib.Path(os.environ["KEPT"])
def get_password(service, name): return KEPT.read_text() if KEPT.exists() else None
def set_password(service, name, text): KEPT.write_text(text)
def delete_password(service, name): KEPT.unlink()
"""

OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "pixian_batch", *sys.argv[1:]])
"""
"""Takes standard input for its terminal, as a shell's child has one, and becomes the command."""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The environment of a person with a keyring (a stand-in for the optional package: one file)."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "keyring.py").write_text(STAND_IN)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PIXIAN_")}
    paths = os.pathsep.join([str(site), ROOT])
    return {**ours, "HOME": str(tmp_path), "KEPT": str(tmp_path / "kept"), "PYTHONPATH": paths}


def ask(variables: Mapping[str, str], *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pixian_batch", *words],
        env=variables,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def test_what_was_kept_is_found_and_forgotten(variables: dict[str, str], tmp_path: Path) -> None:
    with EmulatorThread(api_id="my-id", api_secret=SECRET) as emulator:
        url = emulator.url
        kept = ask(variables, "login", "--api-url", url, stdin=f"my-id\n{SECRET}\n")
        assert (kept.returncode, kept.stderr) == (0, "")
        assert kept.stdout.startswith("kept in the keyring for 127.0.0.1:")
        assert (tmp_path / "kept").read_text() == f"my-id:{SECRET}"
        account = ask(variables, "account", "--api-url", url)
        assert account.returncode == 0, account.stderr
        assert SECRET not in kept.stdout + account.stdout + account.stderr
        assert ask(variables, "login", "--remove", "--api-url", url).returncode == 0
        assert not (tmp_path / "kept").exists()
        assert ask(variables, "account", "--api-url", url).returncode == 4


def test_what_the_service_does_not_take_is_not_kept(variables: dict[str, str], tmp_path: Path) -> None:
    with EmulatorThread(api_id="right", api_secret="right-secret") as emulator:
        result = ask(variables, "login", "--api-url", emulator.url, stdin=f"wrong\n{SECRET}\n")
    assert result.returncode == 4
    assert result.stderr.startswith("error: not taken: ")
    assert SECRET not in result.stdout + result.stderr
    assert not (tmp_path / "kept").exists()


def test_nothing_to_keep(variables: dict[str, str]) -> None:
    result = ask(variables, "login", stdin="my-id\n\n")
    assert result.returncode == 2
    assert result.stderr.startswith("error: the API id or the secret is empty")


def test_without_a_keyring_it_says_what_to_do(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "site" / "keyring.py").write_text("raise ImportError\n")
    result = ask(variables, "login", stdin="a\nb\n")
    assert result.returncode == 2
    assert "pip install 'pixian-batch[keyring]'" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_on_a_terminal_the_secret_is_not_echoed(variables: dict[str, str], tmp_path: Path) -> None:
    import pty  # not on Windows

    terminal, other_end = pty.openpty()
    with EmulatorThread(api_id="my-id", api_secret=SECRET) as emulator:
        # No pty.fork(): a test process has threads, and from Python 3.12 on it may not fork then.
        command = [sys.executable, "-c", OWN_TERMINAL, "login", "--api-url", emulator.url]
        process = subprocess.Popen(
            command,
            env=variables,
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
        )
        os.close(other_end)
        shown = _talk(terminal, [(b"API id: ", b"my-id\n"), (b"not shown): ", SECRET.encode() + b"\n")])
        assert process.wait(PATIENCE) == 0
    os.close(terminal)
    assert b"my-id" in shown
    assert SECRET.encode() not in shown
    assert (tmp_path / "kept").read_text() == f"my-id:{SECRET}"


def _talk(terminal: int, lines: list[tuple[bytes, bytes]]) -> bytes:
    """Answer each question when it is asked; everything that the terminal showed."""
    shown = b""
    for question, answer in lines:
        while question not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, answer)
    try:
        while block := os.read(terminal, 1000):
            shown += block
    except OSError:  # the other end was closed
        pass
    return shown


@pytest.mark.parametrize("stdin", [b"\xff\xfe\n\xff\n", b"id\nse\x1bcret\n"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_what_cannot_be_sent_is_named(variables: Mapping[str, str], stdin: bytes, locale: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pixian_batch", "login", "--api-url", "http://127.0.0.1:9/api/v2"],
        env={**variables, "LC_ALL": locale},
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: the API id or the secret has characters that cannot be sent\n")
