"""Questions at a real terminal (a pty), and nowhere else."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import forks
from support.forks import PATIENCE

from pixian_batch.emulator.weather import Fault, FaultKind, Weather

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.workspaces import Workspace

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
ROOT = Path(__file__).parents[2]
RESET = Fault(FaultKind.RESET_AFTER_CHARGE)


def talk(arguments: list[str], answers: Mapping[str, str | signal.Signals]) -> tuple[int, str]:
    """Run the command on a terminal; after each text that appears, type its answer (or send a signal)."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "dumb", "COLUMNS": "200", "PYTHONPATH": forks.PACKAGE}
    process = forks.begin(arguments, env=env, cwd=ROOT, streams=(slave, "null", slave))
    os.close(slave)
    screen, left, end = "", dict(answers), time.monotonic() + PATIENCE
    with contextlib.suppress(OSError):  # the terminal's other end is closed
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.5)[0]:
                continue
            block = os.read(master, 4096)
            if not block:
                break
            screen += block.decode("utf-8", "replace")
            for text, answer in list(left.items()):
                if text in screen:
                    del left[text]
                    if isinstance(answer, str):
                        os.write(master, answer.encode())
                    else:
                        process.send(answer)
    os.close(master)
    code = process.wait().code
    assert left == {}, screen
    return code, screen


def doubtful(workspace: Callable[..., Workspace]) -> Workspace:
    """A workspace with two images in doubt of three."""
    home = workspace()
    home.add("a.png", "b.png", "c.png")
    made = workspace(weather=Weather(by_image={home.digest(name): (RESET,) for name in ("a.png", "b.png")}))
    made.root = home.root
    assert made.run()[0] == 10
    return made


def command(home: Workspace, *options: str) -> list[str]:
    return ["run", str(home.photos), "--out", str(home.out), *home.common, "--no-progress", *options]


QUESTION = "[q]uit?"


@pytest.mark.parametrize("answer", ["h\n", "\n", "what?\nhold\n"])
def test_hold_sends_nothing_again(workspace: Callable[..., Workspace], answer: str) -> None:
    home = doubtful(workspace)
    before = home.emulator.requests
    code, screen = talk(command(home, "--in-doubt", "ask"), {QUESTION: answer})
    assert code == 10
    assert "2 images in doubt, charged or not:" in screen
    assert screen.index(QUESTION) > screen.index("a.png, sent 20")
    assert home.emulator.requests == before


def test_resend_sends_exactly_those(workspace: Callable[..., Workspace]) -> None:
    home = doubtful(workspace)
    before = home.emulator.requests
    code, _ = talk(command(home, "--in-doubt", "ask"), {QUESTION: "r\n"})
    assert code == 0
    again = {digest for digest, number in home.emulator.requests.items() if number != before[digest]}
    assert again == {home.digest("a.png"), home.digest("b.png")}
    assert home.status()["in_doubt"] == []


@pytest.mark.parametrize(("answer", "expected"), [("q\n", 10), ("\x04", 10), (signal.SIGINT, 130)])
def test_quit_and_ctrl_c_send_nothing(
    workspace: Callable[..., Workspace], answer: str | signal.Signals, expected: int
) -> None:
    home = doubtful(workspace)
    home.add("new.png")
    before = home.emulator.requests
    code, _ = talk(command(home, "--in-doubt", "ask"), {QUESTION: answer})
    assert code == expected
    assert home.emulator.requests == before
    assert len(home.status()["in_doubt"]) == 2


def test_yes_and_no_terminal_hold_without_a_question(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = doubtful(workspace)
    before = home.emulator.requests
    code, screen = talk(command(home, "--in-doubt", "ask", "--yes"), {})
    assert code == 2, "both as flags cannot be meant"
    assert "--yes and --in-doubt cannot both be meant" in screen
    monkeypatch.setenv("PIXIAN_BATCH_IN_DOUBT", "ask")
    code, screen = talk(command(home, "--yes"), {})
    assert code == 10
    assert QUESTION not in screen
    code, _, err = home.run("--in-doubt", "ask")
    assert code == 10
    assert "--in-doubt ask needs a terminal" in err
    assert QUESTION not in err
    assert home.emulator.requests == before


def test_nothing_in_doubt_asks_nothing(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    code, screen = talk(command(home, "--in-doubt", "ask"), {})
    assert code == 0
    assert QUESTION not in screen


@pytest.mark.parametrize(("answer", "expected", "sent"), [("n\n", 2, 1), ("\n", 2, 1), ("y\n", 0, 4)])
def test_a_dear_run_is_asked_about(
    workspace: Callable[..., Workspace], answer: str, expected: int, sent: int
) -> None:
    home = workspace()
    home.add("a.png", size=(500, 500))
    assert home.run()[0] == 0
    home.add("b.png", "c.png", "d.png", size=(500, 500))
    code, screen = talk(command(home, "--ask-above", "0.10"), {"[y/N]": answer})
    assert code == expected, screen
    assert "it may cost more than 0.10 credits" in screen
    assert home.emulator.bill.totals.charges == sent


def test_an_unknown_price_is_asked_about_and_a_low_one_is_not(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    code, screen = talk(command(home, "--ask-above", "1000"), {"[y/N]": "n\n"})
    assert (code, home.emulator.total) == (2, 0)
    assert "its cost is not known" in screen
    assert "nothing was spent" in screen
    assert not home.out.exists()
    assert talk(command(home, "--ask-above", "0", "--yes"), {})[0] == 0
    home.add("b.png")
    code, screen = talk(command(home, "--ask-above", "1000"), {})
    assert code == 0
    assert "[y/N]" not in screen
    assert home.emulator.bill.totals.charged == 2 * Decimal("0.05")


def test_from_cron_nobody_is_asked(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    assert home.run("--ask-above", "0")[0] == 0
    assert home.emulator.bill.totals.charges == 1
