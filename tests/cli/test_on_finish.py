"""`--on-finish`: a command after every run, whatever ended it; the run's money and exit code are its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import command
from support.forks import PATIENCE
from support.pictures import picture, put

from pixian_batch.emulator.weather import Latency, Weather

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

PIPES: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
HOOK = (
    "import json, os, sys; summary = json.load(sys.stdin);"
    "facts = {name: value for name, value in os.environ.items() if name.startswith('PIXIAN_RUN')};"
    "facts['again'] = os.environ.get('PIXIAN_BATCH_ON_FINISH');"
    "open(sys.argv[1], 'a').write(json.dumps([summary, facts]) + chr(10));"
    "print('words of the hook'); sys.exit(int(sys.argv[2]))"
)


def hook(there: Path, code: int = 0) -> str:
    """The command line of one that writes down what it is told."""
    return f"'{sys.executable}' -c \"{HOOK}\" '{there}' {code}"


def told(there: Path) -> list[tuple[dict[str, Any], dict[str, str]]]:
    return [tuple(json.loads(line)) for line in there.read_text().splitlines()]


def test_it_is_told_the_summary_and_where_the_results_are(
    workspace: Callable[..., Workspace], tmp_path: Path
) -> None:
    home, there = workspace(), tmp_path / "there"
    home.add("a.png", "b.png")
    code, out, err = home.run("--json", "--no-progress", "--on-finish", hook(there))
    assert code == 0
    [(summary, facts)] = told(there)
    records = [json.loads(line) for line in out.splitlines()]
    assert records[-1] == summary
    assert (summary["type"], summary["done"], summary["exit_code"]) == ("summary", 2, 0)
    assert facts == {
        "PIXIAN_RUN_EXIT_CODE": "0",
        "PIXIAN_RUN_STATUS": "ok",
        "PIXIAN_RUN_OUT": str(home.out),
        "PIXIAN_RUN_LEDGER": home.ledger,
        "again": "",
    }
    assert "on-finish" not in err


@pytest.mark.parametrize(("run_code", "expected"), [(0, 12), (3, 3)])
def test_that_it_failed_is_said_and_never_hides_how_the_run_ended(
    workspace: Callable[..., Workspace], tmp_path: Path, run_code: int, expected: int
) -> None:
    home = workspace()
    home.add("a.png")
    if run_code:
        put(home.photos / "b.png", b"\x89PNG\r\n\x1a\nnonsense")
    code, out, err = home.run("--quiet", "--json", "--on-finish", hook(tmp_path / "there", 7))
    assert code == expected
    assert f"ended with exit code 7; the run itself ended with exit code {run_code}" in err
    assert json.loads(out.splitlines()[-1])["exit_code"] == run_code
    assert home.emulator.bill.totals.charges == 1
    assert home.run()[0] == run_code
    assert home.emulator.bill.totals.charges == 1


def test_it_runs_after_a_halt_and_when_nothing_began(
    workspace: Callable[..., Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, there = workspace(), tmp_path / "there"
    home.add("a.png", "b.png")
    assert home.run("--max-credits", "0", "--on-finish", hook(there))[0] == 6
    monkeypatch.delenv("PIXIAN_API_SECRET")
    assert home.run("--on-finish", hook(there))[0] == 4
    assert [(summary["exit_code"], facts["PIXIAN_RUN_STATUS"]) for summary, facts in told(there)] == [
        (6, "halted"),
        (4, "halted"),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_it_runs_after_a_signal_and_another_one_ends_it(
    workspace: Callable[..., Workspace], tmp_path: Path
) -> None:
    home, there = workspace(weather=Weather(latency=Latency(0.3))), tmp_path / "there"
    home.add(*(f"{number}.png" for number in range(300)))
    script = tmp_path / "hook.sh"
    script.write_text(
        f"#!/bin/sh\necho words of the hook; cat > {there}.part; mv {there}.part {there}; exec sleep 600\n"
    )
    script.chmod(0o755)
    words = [
        sys.executable,
        "-m",
        "pixian_batch",
        "run",
        str(home.photos),
        "--out",
        str(home.out),
        *home.common,
    ]
    with subprocess.Popen([*words, "--no-progress", "--on-finish", str(script)], **PIPES) as run:
        _until(lambda: home.emulator.bill.totals.charges > 0)
        run.send_signal(signal.SIGTERM)
        _until(there.exists)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=PATIENCE)
    assert (run.returncode, out) == (143, ""), "standard output carries results only"
    assert "words of the hook\n" in err
    assert "hook.sh was stopped by a signal; the run itself ended with exit code 143" in err
    assert json.loads(there.read_text())["stop"]["cause"] == "sigterm"


def _until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_one_that_never_ends_is_ended(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    never = f"'{sys.executable}' -c 'import time; time.sleep(600)'"
    code, _, err = home.run("--on-finish", never, "--on-finish-timeout", "300ms")
    assert code == 12
    assert "did not end within 0.3 s, and was stopped; the run itself ended with exit code 0" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on-finish", "no-such-program-anywhere x"), "there is no program 'no-such-program-anywhere'"),
        (("--on-finish", "notify 'never ends"), "a quotation mark has no end"),
        (("--on-finish", " "), "names no command"),
        (("--on-finish", "true", "--on-finish-timeout", "0"), "no command ends in no time"),
    ],
)
def test_one_that_cannot_be_started_is_said_before_anything_is_spent(
    workspace: Callable[..., Workspace], words: tuple[str, ...], said: str
) -> None:
    home = workspace()
    home.add("a.png")
    code, _, err = home.run(*words)
    assert code == 2
    assert said in " ".join(err.split())
    assert (home.emulator.total, home.out.exists()) == (0, False)


def test_a_projects_file_may_not_name_it(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png", picture())
    (tmp_path / "pixian-batch.toml").write_text('on-finish = "touch pwned"\n')
    ran = command("in", "--out", "cut", "--local", cwd=str(tmp_path))
    assert ran.code == 2
    assert "may not run a command: on-finish" in ran.err
    assert not os.path.exists(tmp_path / "cut")
