"""Titles and progress go only to terminals that take them, change only when something changed, and go at the end."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from support import display_samples as samples

from pixian_batch.display.live import Live
from pixian_batch.display.terminal import Terminal, title_of
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from pixian_batch.policy.progress import Snapshot

XTERM = {"TERM": "xterm-256color"}
TITLE, PROGRESS = "\x1b]2;", "\x1b]9;4;"


def moment(done: int = 100, **changes: Any) -> Snapshot:
    return samples.snapshot_of(Tally(done=done), **changes)


@pytest.mark.parametrize(
    ("environ", "title", "progress"),
    [
        ({}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "linux"}, False, False),
        ({"TERM": "vt220"}, False, False),
        (XTERM, True, False),
        ({"TERM": "screen-256color", "STY": "1.pts"}, False, False),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "WT_SESSION": "1"}, True, False),
        ({"WT_SESSION": "1"}, True, True),
        ({"ConEmuANSI": "ON"}, False, True),
        ({**XTERM, "TERM_PROGRAM": "WezTerm"}, True, True),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, True, True),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app"}, True, False),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app", "TERM_FEATURES": "T3LrMSc7UUw9Ts3BFGsSyHNoSxFP"}, True, True),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, True, False),
        ({**XTERM, "VTE_VERSION": "7600"}, True, False),
        ({**XTERM, "VTE_VERSION": "8000"}, True, True),
        ({**XTERM, "VTE_VERSION": "odd"}, True, False),
    ],
)
def test_only_terminals_that_take_it_are_told(
    environ: dict[str, str], *, title: bool, progress: bool
) -> None:
    codes = Terminal.of(environ).told(moment())
    assert (TITLE in codes, PROGRESS in codes) == (title, progress)


def test_the_title_is_kept_before_and_put_back_after() -> None:
    terminal = Terminal(title=True, progress=True)
    first, same, second = terminal.told(moment()), terminal.told(moment()), terminal.told(moment(200))
    assert first == "\x1b[22;2t\x1b]2;25 % of 400 images - pixian-batch\x07\x1b]9;4;1;25\x07"
    assert same == ""
    assert second == "\x1b]2;50 % of 400 images - pixian-batch\x07\x1b]9;4;1;50\x07"
    assert terminal.cleared() == "\x1b[23;2t\x1b]9;4;0\x07"
    assert terminal.cleared() == ""


def test_states() -> None:
    assert title_of(moment(counted=False)) == "100 images - pixian-batch"
    assert title_of(moment(stop=samples.SIGINT)) == "stopping, 25 % of 400 images - pixian-batch"
    assert title_of(moment(paused=True)) == "paused, 25 % of 400 images - pixian-batch"
    states: list[dict[str, Any]] = [{"counted": False}, {"stop": samples.SIGINT}, {"paused": True}, {}]
    told = [Terminal(progress=True).told(moment(**state)) for state in states]
    assert [codes[6] for codes in told] == ["3", "4", "4", "1"]


def test_the_live_view_tells_and_clears() -> None:
    stream = io.StringIO()
    live = Live(samples.console(stream), terminal=Terminal(title=True, progress=True))
    live.started(moment)
    live._writer.flush()
    assert TITLE in stream.getvalue()
    live.finished(samples.summary_of(samples.DONE))
    shown = stream.getvalue()
    assert shown.rindex("\x1b[23;2t") > shown.rindex(TITLE)
    assert shown.rindex("\x1b]9;4;0\x07") == shown.rindex(PROGRESS)


def test_a_run_that_breaks_off_clears_too() -> None:
    stream = io.StringIO()
    live = Live(samples.console(stream), terminal=Terminal(title=True, progress=True))
    live.started(moment)
    live._leave()  # as at the process's exit
    assert stream.getvalue().endswith("\x1b[23;2t\x1b]9;4;0\x07")
