"""Surroundings that lack something: a home, a name, a working folder, a temporary folder, a locale, a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support.everywhere import COMMANDS, NOBODY_ELSE, Surroundings, make, public_folder
from support.pictures import picture, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.everywhere import Ended

TERMINAL = f"""{shlex.quote(sys.executable)} -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'"""
SCRIPTS = {
    "no home and no passwd entry": f'exec {NOBODY_ELSE} "$@"',
    "a home that cannot be written": 'HOME=/proc/nowhere exec "$@"',
    "a home that is no path": 'HOME= exec "$@"',
    "a removed working folder": 'mkdir gone; cd gone; rmdir ../gone; exec "$@"',
    "no temporary folder": 'TMPDIR=/nowhere exec "$@"',
    "LANG=C": 'LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 exec "$@"',
    "an ASCII stream": 'PYTHONIOENCODING=ascii exec "$@"',
    "a cp1252 stream": 'PYTHONIOENCODING=cp1252 exec "$@"',
    "an ASCII terminal": f'PYTHONIOENCODING=ascii exec {TERMINAL} "$@"',
    "a terminal of no width": f'COLUMNS=0 LINES=0 exec {TERMINAL} "$@"',
    "a terminal of nonsense": f'COLUMNS=banana LINES=-3 TERM=nonsense exec {TERMINAL} "$@"',
    "a terminal without a type": f'unset TERM; exec {TERMINAL} "$@"',
    "a time zone of nonsense": 'TZ=Nowhere/Nowhere exec "$@"',
}
FORKS: dict[str, dict[str, Any]] = {
    "a home that cannot be written": {"env": {"HOME": "/proc/nowhere"}},
    "a home that is no path": {"env": {"HOME": ""}},
    "a removed working folder": {"lost": True},
    "no temporary folder": {"env": {"TMPDIR": "/nowhere"}},
    "an ASCII stream": {"env": {"PYTHONIOENCODING": "ascii"}},
    "a cp1252 stream": {"env": {"PYTHONIOENCODING": "cp1252"}},
    "an ASCII terminal": {"env": {"PYTHONIOENCODING": "ascii"}, "terminal": True},
    "a terminal of no width": {"env": {"COLUMNS": "0", "LINES": "0"}, "terminal": True},
    "a terminal of nonsense": {
        "env": {"COLUMNS": "banana", "LINES": "-3", "TERM": "nonsense"},
        "terminal": True,
    },
    "a terminal without a type": {"env": {"TERM": None}, "terminal": True},
    "a time zone of nonsense": {"env": {"TZ": "Nowhere/Nowhere"}},
}
"""The same for a fork, but for what only another user or a fresh interpreter can have."""
AS_ROOT = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="needs root and setpriv, to become somebody else",
)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


@pytest.fixture(scope="module")
def place() -> Iterator[Surroundings]:
    with public_folder() as folder:
        made = make(folder)
        subprocess.run(["chmod", "-R", "a+rwX", folder], check=True)  # others may do everything here, too
        yield made


def check(place: Surroundings, surrounding: str, name: str) -> None:
    if "setpriv" in SCRIPTS[surrounding] and (os.geteuid() or not shutil.which("setpriv")):
        pytest.skip("needs root and setpriv, to become somebody else")
    shutil.rmtree(place.root / "new", ignore_errors=True)
    judge(place, name, place.shell(SCRIPTS[surrounding], name))


def judge(place: Surroundings, name: str, done: Ended) -> None:
    assert place.complaints(done.stderr + done.stdout) == []
    assert done.returncode == COMMANDS[name][1], done.stderr


def check_fork(place: Surroundings, surrounding: str, name: str) -> None:
    shutil.rmtree(place.root / "new", ignore_errors=True)
    how = {"terminal": False, **FORKS[surrounding]}
    if how.get("lost"):
        os.mkdir(place.root / "gone")
        how |= {"cwd": place.root / "gone", "env": {"PWD": str(place.root / "gone")}}
    judge(place, name, on_a_terminal(place, name, **how) if how["terminal"] else place.fork(name, **how))


def on_a_terminal(place: Surroundings, name: str, **how: Any) -> Ended:
    """What the command writes there is all that is known of it."""
    master, slave = os.openpty()
    with ThreadPoolExecutor(1) as pool:
        shown = pool.submit(read_all, master)
        done = place.fork(name, (slave, slave, slave), **how)
        os.close(slave)
        return subprocess.CompletedProcess(name, done.returncode, shown.result(), b"")


def read_all(master: int) -> bytes:
    """All that is written to a terminal, until nobody has it any more."""
    shown = b""
    with contextlib.suppress(OSError):  # then
        while block := os.read(master, 1 << 16):
            shown += block
    os.close(master)
    return shown


@pytest.mark.parametrize("surrounding", SCRIPTS)
def test_commands_work_in_any_surroundings(place: Surroundings, surrounding: str) -> None:
    check(place, surrounding, "config")
    check(place, surrounding, "run")


@pytest.mark.slow
@pytest.mark.parametrize("surrounding", SCRIPTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_works_in_any_surroundings(place: Surroundings, surrounding: str, name: str) -> None:
    if surrounding in FORKS and sys.platform == "linux":
        check_fork(place, surrounding, name)
    else:
        check(place, surrounding, name)


@pytest.mark.parametrize("surrounding", [name for name in SCRIPTS if "terminal" in name])
def test_a_report_on_any_terminal_can_be_read(place: Surroundings, tmp_path: Path, surrounding: str) -> None:
    words = ["run", str(place.root / "in"), "--out", str(tmp_path / "out"), "--local", "--min-free", "0"]
    done = subprocess.run(
        ["sh", "-c", SCRIPTS[surrounding], "sh", sys.executable, "-m", "pixian_batch", *words],
        env=place.environment({"COLUMNS": None, "TERM": "xterm"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    shown = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", done.stdout)
    assert b"Finished: 2 images" in shown
    assert place.complaints(done.stdout) == []


@pytest.mark.parametrize(
    "line",
    [
        "run photos --out cut --local",
        "plan photos --out cut --local",
        "status cut",
        "doctor --local --out cut",
    ],
)
def test_relative_names_in_a_removed_folder_are_told(place: Surroundings, line: str) -> None:
    done = subprocess.run(
        [
            "sh",
            "-c",
            SCRIPTS["a removed working folder"],
            "sh",
            sys.executable,
            "-m",
            "pixian_batch",
            *line.split(),
        ],
        env=place.environment({}),
        cwd=place.root,
        capture_output=True,
        check=False,
    )
    assert done.returncode in {2, 8} or line.startswith("plan"), done.stderr
    assert b"the working folder was removed" in done.stderr
    assert place.complaints(done.stderr) == []


def test_names_are_the_same_in_every_locale(place: Surroundings, tmp_path: Path) -> None:
    names = [b"\xc3\xa9.png", b"\xe9.png", b"plain.png"]
    for number, name in enumerate(names):
        put(tmp_path / "in" / os.fsdecode(name), picture("png", shade=number))
    words = [
        "run",
        str(tmp_path / "in"),
        "--out",
        str(tmp_path / "out"),
        "--local",
        "--json",
        "--min-free",
        "0",
    ]
    ends = []
    for changes in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C.UTF-8"}):
        done = subprocess.run(
            [sys.executable, "-m", "pixian_batch", *words],
            env=place.environment(changes),
            capture_output=True,
            check=True,
        )
        ends.append([part for part in (b'"done":3', b'"skipped":3') if part in done.stdout])
    assert ends == [[b'"done":3'], [b'"skipped":3']]
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == sorted([b".pixian-batch", *names])


@AS_ROOT
def test_a_container(place: Surroundings) -> None:
    """A read-only root, a tmpfs for the results, no folder for temporary files, an unknown user without a home."""
    out, mnt = place.root / "new", place.root / "mnt"
    for folder in (out, mnt):
        folder.mkdir(exist_ok=True)
    prepare = [
        f"mount --bind / {mnt}",
        f"mount -o remount,ro,bind {mnt}",
        f"mount -t tmpfs -o mode=777 none {mnt}{out}",
        f"mount -t proc none {mnt}/proc",
        f"mount --bind /dev {mnt}/dev",
    ]
    # A user's path may have no folder of the administrator's tools.
    prepare.append("PATH=$PATH:/usr/sbin:/sbin")
    script = f'set -e; {"; ".join(prepare)}; exec chroot {mnt} {NOBODY_ELSE} TMPDIR=/nowhere "$@"'
    words = [sys.executable, "-m", "pixian_batch", *place.words("run")]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *words],
        env=place.environment({}),
        capture_output=True,
        check=False,
    )
    if b"mount" in done.stderr or b"unshare" in done.stderr:
        pytest.skip(f"no such container can be made here: {done.stderr!r}")
    assert place.complaints(done.stderr) == []
    assert (done.returncode, b'"done":2' in done.stdout) == (0, True), done.stderr
