"""Commands that promise no network are traced: nothing but loopback, no name is looked up, nothing left in a home."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.commands import PATIENCE
from support.everywhere import Surroundings, make

if TYPE_CHECKING:
    from pathlib import Path

OUTSIDE = re.compile(
    r"sa_family=AF_INET6?,(?!.*(?:inet_addr\(\"127\.|\"::1\"|\"0\.0\.0\.0\"))|AF_PACKET|\d/udp"
)
"""An address that is not loopback, in a call that names one."""
LOOKED_UP = re.compile(r"\"(/etc/resolv\.conf|/etc/hosts|/run/systemd/resolve[^\"]*|/var/run/nscd[^\"]*)\"")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    return make(tmp_path_factory.mktemp("silence"))


def traced(place: Surroundings, name: str, env: dict[str, str]) -> list[str]:
    """The calls that a command makes of network and files."""
    trace = place.root / "trace"
    words = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=network,openat",
        "-o",
        str(trace),
        sys.executable,
        "-m",
        "pixian_batch",
    ]
    done = subprocess.run(
        [*words, *place.words(name)],
        env=place.environment(env),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    if not trace.exists() or b"PTRACE" in done.stderr:
        pytest.skip("nothing can be traced here")
    assert done.returncode == 0, done.stderr
    return trace.read_text(errors="replace").splitlines()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@pytest.mark.parametrize("name", ["run", "plan", "status", "doctor", "help"])
def test_nothing_leaves_this_machine(place: Surroundings, tmp_path: Path, name: str) -> None:
    env = {"HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "0", "ORT_TELEMETRY": "1"}
    calls = traced(place, name, env)
    assert len(calls) > 10, "the measure is blind"
    assert [call for call in calls if OUTSIDE.search(call)] == []
    assert [call for call in calls if LOOKED_UP.search(call)] == []
    assert list(tmp_path.rglob("*")) == []


def test_the_measure_sees_a_call_and_a_look_up() -> None:
    loopback = 'connect(6, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0'
    assert not OUTSIDE.search(loopback)
    assert OUTSIDE.search(loopback.replace("127.0.0.1", "93.184.216.34"))
    assert LOOKED_UP.search('openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY|O_CLOEXEC) = 7')


def test_a_home_that_cannot_be_written_is_no_topic(place: Surroundings) -> None:
    done = place.shell('HOME=/proc/nowhere "$@" --quiet', "run")
    assert done.returncode == 0
    for word in (
        b"nowhere",
        b"home",
        b"warning",
        b"error",
    ):  # of its results a run may well have something to say
        assert word not in done.stderr.lower()
