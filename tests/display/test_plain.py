"""Plain lines: as many as the clock says, complaints once each up to a limit, next steps at the end."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import looptime
import pytest
from support import display_samples as samples

from pixian_batch.display.plain import REPEATS, Limiter, Plain
from pixian_batch.policy.outcome import Ending, Failed, Problem
from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Coroutine

WARNING = Message(Level.WARNING, "3 results came without a price", "see `pixian-batch status cut`")
NOTE = Message(Level.INFO, "resuming: 300 images are done already")


def in_virtual_time(main: Coroutine[None, None, None]) -> None:
    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()


async def watched(plain: Plain, seconds: float) -> None:
    plain.started(lambda: samples.snapshot_of(Tally(done=100)))
    clock = asyncio.create_task(plain.attend())
    await asyncio.sleep(seconds)
    clock.cancel()
    plain.finished(samples.summary_of(samples.DONE))


@pytest.mark.parametrize(("every", "expected"), [(30.0, 9 + 1), (60.0, 4 + 1), (7.0, 42 + 1)])
def test_one_line_an_interval_and_one_at_the_end(every: float, expected: int) -> None:
    stream = io.StringIO()
    in_virtual_time(watched(Plain(stream, every=every), 299.0))
    lines = stream.getvalue().splitlines()
    assert sum(line.startswith("100 of 400 images (25.0 %), 3.4/s") for line in lines) == expected


def test_quiet_says_nothing_when_all_went_well() -> None:
    stream = io.StringIO()
    plain = Plain(stream, quiet=True)
    plain.notify(NOTE)
    plain.ended(samples.DONE)
    in_virtual_time(watched(plain, 299.0))
    assert stream.getvalue() == ""


def output(*items: Ending | Message, stop: Stop | None = None, quiet: bool = False) -> list[str]:
    stream = io.StringIO()
    plain = Plain(stream, quiet=quiet, again="pixian-batch in --out cut")
    for item in items:
        if isinstance(item, Message):
            plain.notify(item)
        else:
            plain.ended(item)
    endings = [item for item in items if isinstance(item, Ending)]
    plain.finished(samples.summary_of(*endings, stop=stop))
    return stream.getvalue().splitlines()


def test_quiet_says_what_needs_a_decision() -> None:
    lines = output(NOTE, WARNING, samples.FAILED, samples.IN_DOUBT, quiet=True)
    assert lines[:2] == [
        "warning: 3 results came without a price — see `pixian-batch status cut`",
        "in doubt: in/q.jpg: no answer came within 180 s",
    ]
    assert "  failed: 1 (nothing was charged for these)" in lines
    assert "    pixian-batch resolve cut" in lines
    assert not any("resuming" in line or line.startswith("failed: in/f.jpg") for line in lines)


def test_quiet_tells_why_the_run_stopped() -> None:
    lines = output(samples.DONE, stop=samples.BUDGET, quiet=True)
    assert lines == [
        "Stopped after 12:34: the next image could exceed --max-credits 10",
        "next: to go on, raise --max-credits and run the same command again",
    ]


def test_complaints_come_as_they_happen() -> None:
    lines = output(NOTE, WARNING, samples.FAILED, samples.DONE)
    assert lines[:3] == [
        "resuming: 300 images are done already",
        "warning: 3 results came without a price — see `pixian-batch status cut`",
        "failed: in/f.jpg: Failed to read the supplied image — open the file in an image viewer",
    ]


def test_a_complaint_that_repeats_is_soon_only_counted() -> None:
    same = [
        Ending(f"{number}.jpg", None, Failed(Problem(1006, "Failed to read."), 400)) for number in range(500)
    ]
    lines = [line for line in output(*same, samples.NASTY_FAILED) if line.startswith("failed: ")]
    assert len(lines) == REPEATS + 1
    assert lines[REPEATS - 1].endswith("; more of these are only counted")
    assert lines[-1].startswith(r"failed: [bold]\x1b[31m\x0ared\xff[/].jpg: cannot read [bold]\x1b[31m")


def test_complaints_that_all_differ_do_not_fill_the_memory() -> None:
    limiter = Limiter()
    shown = sum(limiter.lets(("failed", f"message {number}"))[0] for number in range(5000))
    assert shown == 1000 + REPEATS


def test_the_report_is_aligned_and_says_what_to_do_next() -> None:
    assert output(samples.DONE, samples.FAILED, samples.IN_DOUBT)[2:] == [
        "Finished: 3 images in 12:34, 2 of them without a result",
        "  done                 1",
        "  failed               1  (nothing was charged for these)",
        "  in doubt             1  (sent, but no answer came)",
        "  credits   0.25 charged  (at most 0.25 credits in doubt, 12.50 in all runs of this ledger)",
        "  ledger    cut/.pixian-batch/ledger.db",
        "  1x Failed to read the supplied image.",
        "  in doubt: in/q.jpg, sent 2026-11-22T13:10:04Z, at most 0.25 credits",
        "next: decide about 1 image in doubt: charged or not, send again or not",
        "    pixian-batch resolve cut",
        "next: to try the failed ones again, run the same command again; the rest is not sent",
        "    pixian-batch in --out cut",
    ]


def test_a_stream_that_is_closed_or_ascii_is_survived() -> None:
    closed = io.StringIO()
    closed.close()
    plain = Plain(closed)
    plain.notify(NOTE)
    plain.finished(samples.summary_of(samples.DONE, stop=Stop(Exit.SIGTERM, "SIGTERM")))

    raw = io.BytesIO()
    plain = Plain(io.TextIOWrapper(raw, encoding="ascii"))
    plain.notify(Message(Level.WARNING, "写.jpg is odd", "look"))
    plain.finished(samples.summary_of(samples.DONE))
    assert raw.getvalue().splitlines()[0] == rb"warning: \u5199.jpg is odd - look"
