"""Many watchers as one: all are told, and one that fails harms nobody."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from display import samples

from pixian_batch.display.plain import Plain
from pixian_batch.display.records import Records
from pixian_batch.display.watchers import Watchers
from pixian_batch.display.writer import Writer
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.progress import Message, Snapshot, Summary


class Faulty:
    """A display with a bug."""

    def __init__(self) -> None:
        self.told = 0

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        self.told += 1
        snapshot()

    def ended(self, ending: Ending) -> None:
        self.told += 1
        raise ValueError(ending)

    def notify(self, message: Message) -> None:
        raise AssertionError(message)

    def finished(self, summary: Summary) -> None:
        raise AssertionError(summary)


class FaultyClock(Records):
    async def attend(self) -> None:
        raise RuntimeError


def test_a_faulty_display_is_switched_off_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    faulty, stream = Faulty(), io.StringIO()
    several = Watchers(faulty, Records(stream))
    several.started(lambda: samples.snapshot_of(Tally()))
    for ending in samples.ALL:
        several.ended(ending)
    several.finished(samples.summary_of(*samples.ALL))
    assert len(stream.getvalue().splitlines()) == len(samples.ALL)  # one has no record, one is the summary
    assert faulty.told == 2
    assert caplog.text.count("a display failed and was switched off: Faulty") == 1


@pytest.mark.asyncio
async def test_clocks_run_beside_each_other_and_are_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    several = Watchers(FaultyClock(io.StringIO()), Records(io.StringIO()), Plain(stream, every=0.0))
    several.started(lambda: samples.snapshot_of(Tally()))
    clock = asyncio.create_task(several.attend())
    for _ in range(10):
        await asyncio.sleep(0)
    clock.cancel()
    with pytest.raises(asyncio.CancelledError):
        await clock
    several.finished(samples.summary_of())
    assert stream.getvalue().count("0 of 400 images") > 1
    assert "FaultyClock" in caplog.text


class Stuck(io.StringIO):
    """A terminal stopped with Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.released = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.released.wait()
        return super().write(text)


def test_a_stuck_terminal_never_stops_the_caller() -> None:
    stream = Stuck()
    writer = Writer(stream)
    writer.put("first\n")
    stream.entered.wait()
    for number in range(30_000):  # more than may wait: the rest is dropped, never waited for
        writer.put(f"{number}\n")
    assert not writer.idle
    stream.released.set()
    writer.close()
    assert stream.getvalue().startswith("first\n0\n1\n")
    assert len(stream.getvalue().splitlines()) == 20_001


def test_only_the_live_view_loads_rich() -> None:
    modules = ["plain", "records", "schema", "watchers", "summary", "text"]
    code = f"import sys; from pixian_batch.display import {', '.join(modules)}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rich", "aiohttp", "numpy", "PIL", "typer"} & set(result.stdout.split())
