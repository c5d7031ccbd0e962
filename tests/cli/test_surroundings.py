"""Surroundings that lack something: a home, a name, a working folder, a temporary folder, a locale, a terminal."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.everywhere import COMMANDS, NOBODY_ELSE, Surroundings, make, public_folder
from support.pictures import picture, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    done = place.shell(SCRIPTS[surrounding], name)
    assert place.complaints(done.stderr + done.stdout) == []
    assert done.returncode == COMMANDS[name][1], done.stderr


@pytest.mark.parametrize("surrounding", SCRIPTS)
def test_commands_work_in_any_surroundings(place: Surroundings, surrounding: str) -> None:
    check(place, surrounding, "config")
    check(place, surrounding, "run")


@pytest.mark.slow
@pytest.mark.parametrize("surrounding", SCRIPTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_works_in_any_surroundings(place: Surroundings, surrounding: str, name: str) -> None:
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
