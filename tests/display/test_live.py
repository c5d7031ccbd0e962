"""The live view, rendered into memory: content, width, frames that replace each other, a tidy end."""

from __future__ import annotations

import asyncio
import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import looptime
from rich.cells import cell_len
from rich.console import Console
from support import display_samples as samples

from pixian_batch.display.frame import report_lines, view
from pixian_batch.display.live import Live, suits
from pixian_batch.display.summary import report_on
from pixian_batch.policy.progress import Backoff, Flow, Level, Message, Outage
from pixian_batch.policy.tally import Tally
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.policy.progress import Snapshot

WIDTHS = (1, 20, 40, 80, 200)
TALLY = Tally(
    done=60, skipped=20, duplicates=3, failed=2, in_doubt=1, credits_charged=Decimal("3086.25"),
    credits_in_doubt=Decimal("0.25"),
)  # fmt: skip
MOMENTS: dict[str, Snapshot] = {
    "start": samples.snapshot_of(Tally(), found=0, counted=False, per_second=0.0, eta=None),
    "counting": samples.snapshot_of(TALLY, found=120_000, counted=False, eta=None),
    "mid": samples.snapshot_of(TALLY, credits_ever=Decimal("4000.5")),
    "resumed": samples.snapshot_of(Tally(skipped=300)),
    "paused": samples.snapshot_of(TALLY, paused=True),
    "stopping": samples.snapshot_of(TALLY, stop=samples.SIGINT),
    "slow": samples.snapshot_of(Tally(done=86), busy=1, resting=0),
    "all": samples.snapshot_of(Tally(done=400), busy=0, resting=0, next_worker=None, eta=0.0),
    "too many": samples.snapshot_of(Tally(done=500), found=400),
    "empty": samples.snapshot_of(Tally(), found=0),
    "test": samples.snapshot_of(Tally(done=4, credits_calculated=Decimal("1.5")), free=True),
    "local": samples.snapshot_of(Tally(done=4), free=True),
    "huge": samples.snapshot_of(Tally(done=123_456_789), found=999_999_999, eta=1e12),
}


def terminal(width: int = 80) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return samples.console(stream, width), stream


def rows(moment: str, width: int) -> list[str]:
    return [line.plain for line in view(MOMENTS[moment], width)]


def without_codes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def test_no_line_is_wider_than_the_terminal() -> None:
    for moment in MOMENTS:
        for width in WIDTHS:
            fits(moment, width)


def fits(moment: str, width: int) -> None:
    console, stream = terminal(width)
    live = Live(console, again="x")
    live.ended(samples.NASTY_FAILED)
    live.notify(Message(Level.WARNING, "写真" * 60, "a hint"))
    live.started(lambda: MOMENTS[moment])
    live._writer.flush()
    shown = without_codes(stream.getvalue())
    assert max(cell_len(line) for line in shown.splitlines()) <= max(1, width - 1), (moment, width)
    live.finished(samples.summary_of(*samples.ALL))
    if width >= 40:  # below, the report's commands and paths are folded by the terminal
        shown = without_codes(stream.getvalue()).replace("\r", "\n")
        lines = [
            line for line in shown.splitlines() if "ledger.db" not in line and "pixian-batch" not in line
        ]
        assert max(cell_len(line) for line in lines) <= width, (moment, width)


def test_a_run_half_way() -> None:
    lines = rows("mid", 79)
    assert re.fullmatch(r"images    ━+╸?─+   86 of 400 · 21\.5 %", lines[0].replace("  86", "   86"))
    assert lines[1:] == [
        "pace      3.4 images/s · about 2 h 10 min left · running 1:02:03",
        "workers   7 of 40 · 6 busy · 1 backing off · next in 03:12",
        "credits   3,086.25 charged · at most 0.25 in doubt · 4,000.50 in all runs",
        "          10,493.25 a minute · about 19,237.62 at the end",
        "so far    60 done · 20 skipped · 3 duplicates · 2 failed · 1 in doubt",
    ]


def test_counting_shows_no_percent_and_an_empty_bar() -> None:
    for moment, end in (("start", "0 of 0 · counting…"), ("counting", "86 of 120,000 · counting…")):
        first = rows(moment, 79)[0]
        assert first.endswith(end)
        assert "%" not in first
        assert "━" not in first


def test_the_bar_is_full_at_the_end_and_never_more() -> None:
    for moment, end in (("all", "400 of 400 · 100.0 %"), ("too many", "500 of 500 · 100.0 %")):
        first = rows(moment, 79)[0]
        assert first.endswith(end)
        assert len(first) == 79
        assert "─" not in first
    assert rows("empty", 79)[0].endswith("no images")


def test_a_resumed_run_begins_where_it_stopped() -> None:
    assert rows("resumed", 79)[0].endswith("300 of 400 · 75.0 %")
    assert rows("resumed", 79)[-1] == "so far    0 done · 300 skipped"


def test_pausing_and_stopping_are_sentences() -> None:
    paused = " ".join(" ".join(rows("paused", 79)).split())
    assert "state paused: the service fails for every image; one at a time is tried until it" in paused
    stopping = " ".join(" ".join(rows("stopping", 79)).split())
    assert "state stopping: Ctrl-C was pressed; nothing new is sent, 6 images in flight are being" in stopping
    assert "left" not in paused + stopping
    assert "next in" not in stopping


def test_a_step_that_only_use_can_earn_is_told_so() -> None:
    assert "6 busy · 1 backing off · next in 03:12" in " ".join(rows("mid", 79))
    for short in ("slow", "paused"):
        assert "next after 03:12 of full use" in " ".join(rows(short, 109)), short


def test_free_runs_say_free() -> None:
    assert "credits   free · 1.50 calculated" in rows("test", 79)
    assert "credits   free" in rows("local", 79)


def test_forty_columns_keep_every_fact() -> None:
    whole = " ".join(" ".join(rows("mid", 39)).split())
    for fact in ("86 of 400 · 21.5 %", "1 backing off", "next in 03:12", "2 failed", "1 in doubt"):
        assert fact in whole


def test_an_ascii_terminal_gets_an_ascii_picture() -> None:
    raw = io.BytesIO()
    console = Console(
        file=io.TextIOWrapper(raw, encoding="ascii"), force_terminal=True, width=80, height=40, _environ={}
    )
    live = Live(console)
    live.notify(Message(Level.WARNING, "写.jpg is odd", "look"))
    live.started(lambda: MOMENTS["mid"])
    live.finished(samples.summary_of(samples.FAILED))
    shown = without_codes(raw.getvalue().decode("ascii"))
    assert re.search(r"images    #+-+   86 of 400 \| 21\.5 %", shown.replace("  86", "   86"))
    assert r"\u5199.jpg is odd - look" in shown


def test_no_color_has_no_colour_and_loses_no_word() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, height=40, _environ={"NO_COLOR": "1"})
    live = Live(console)
    live.ended(samples.FAILED)
    live.started(lambda: MOMENTS["mid"])
    live.finished(samples.summary_of(samples.FAILED))
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7])[;m]", stream.getvalue())
    assert "failed    in/f.jpg: Failed to read the supplied image" in without_codes(stream.getvalue())


def test_names_are_neither_markup_nor_escape_codes() -> None:
    console, stream = terminal(200)
    live = Live(console)
    live.ended(samples.NASTY_FAILED)
    live.started(lambda: MOMENTS["mid"])
    live.finished(samples.summary_of(samples.NASTY_FAILED, out=samples.NASTY, ledger=samples.NASTY))
    assert r"[bold]\x1b[31m\x0ared\xff[/].jpg" in stream.getvalue()
    assert "\x1b[31m\nred" not in stream.getvalue()


def test_only_the_last_messages_stay_and_the_others_are_counted() -> None:
    console, stream = terminal()
    live = Live(console)
    for number in range(10):
        live.notify(Message(Level.INFO, f"message {number}"))
    live.started(lambda: MOMENTS["mid"])
    live._writer.flush()
    shown = without_codes(stream.getvalue())
    assert re.findall(r"message \d", shown) == [f"message {number}" for number in (6, 7, 8, 9)]
    assert "and 6 before" in shown


class Screen:
    """A terminal that knows the few codes the live view uses: cursor up, erase all below, carriage return."""

    def __init__(self, text: str) -> None:
        self.rows: list[str] = [""]
        self.at = 0
        self.feed(text)

    def feed(self, text: str) -> None:
        for code, char in re.findall(r"\x1b\[([0-9;]*[A-Za-z])|([\s\S])", text):
            if code.endswith("A"):
                self.at = max(0, self.at - int(code[:-1]))
            elif code.endswith("J"):
                self.rows[self.at :] = [""]
            elif char == "\n":
                self.at += 1
                self.rows += [""] * (self.at + 1 - len(self.rows))
            elif char not in ("", "\r"):
                self.rows[self.at] += char


def test_frames_replace_each_other_and_leave_a_tidy_end() -> None:
    console, stream = terminal()
    stream.write("before\n")
    live = Live(console, again="pixian-batch in --out cut")
    now = {"moment": "stopping"}
    live.started(lambda: MOMENTS[now["moment"]])
    for moment in ("counting", "mid", "paused", "resumed", "all"):
        live._writer.flush()
        now["moment"] = moment
        live.draw()
    live.finished(samples.summary_of(samples.DONE, samples.IN_DOUBT))
    left = [line.rstrip() for line in Screen(stream.getvalue()).rows]
    assert left[0] == "before"
    assert left[1].endswith("400 of 400 · 100.0 %")
    assert left[3] == "Finished: 2 images in 12:34, 1 of them without a result"
    assert left[-4:] == [
        "",
        "Next: decide about 1 image in doubt: charged or not, send again or not",
        "  pixian-batch resolve cut",
        "",
    ]


def test_between_frames_the_cursor_is_above_all_that_a_resize_may_fold() -> None:
    console, stream = terminal(100)
    stream.write("before\n")
    live = Live(console)
    live.started(lambda: MOMENTS["mid"])
    live._writer.flush()
    screen = Screen(stream.getvalue())
    assert (screen.rows[screen.at], screen.at) == ("", 1)
    assert "images" in screen.rows[2]
    # The terminal was made narrower, and has folded what is below the cursor: none of it is left.
    folded = Screen(stream.getvalue())
    folded.rows[2:] = [part for row in folded.rows[2:] for part in (row[:50], row[50:])]
    console.width, was = 50, len(stream.getvalue())
    live.draw()
    live._writer.flush()
    folded.feed(stream.getvalue()[was:])
    assert folded.rows[:2] == ["before", ""]
    assert [row for row in folded.rows[2:] if row] == [row.plain for row in view(MOMENTS["mid"], 49)]


def test_a_resize_alone_draws_the_frame_anew() -> None:
    console, stream = terminal(100)
    live = Live(console)
    live.started(lambda: MOMENTS["all"])
    live._writer.flush()
    before = len(stream.getvalue())
    console.height = 20
    live.draw()
    live._writer.flush()
    assert "images" in stream.getvalue()[before:]


def test_what_somebody_else_writes_stays_above_the_frame() -> None:
    console, stream = terminal()
    live = Live(console)
    moment = {"now": "mid"}
    live.started(lambda: MOMENTS[moment["now"]])
    live._writer.flush()
    stream.write("a warning of another library\n")
    moment["now"] = "paused"
    live.draw()
    live._writer.flush()
    rows = Screen(stream.getvalue()).rows
    assert rows[:2] == ["a warning of another library", ""]
    assert sum("images" in row and "━" in row for row in rows) == 1


def test_the_rows_say_why_workers_rest_what_came_last_and_what_moves() -> None:
    moment = samples.snapshot_of(
        TALLY,
        backoffs=(
            Backoff(why=Verdict.THROTTLED, status=429, workers=4, times=41, seconds=130.0, next_in=8.0),
            Backoff(why=Verdict.UNAVAILABLE, status=503, workers=1, times=1, seconds=3.0, next_in=2.0),
        ),
        newest="photos/\x1b[31mred.jpg",
        flow=Flow(up=1_240_000_000, down=51_200_000, up_rate=12_300_000.0, down_rate=0.0),
    )
    shown = [row.plain for row in view(moment, 79)]
    assert "resting   4 workers: 429, slow down · 41 times in 02:10" in shown
    assert "          the first sends again in 00:08" in shown
    assert "resting   1 worker: HTTP 503 · once in 00:03 · the first sends again in 00:02" in shown
    assert "wire      up 12.3 MB/s, 1.24 GB · down 51.2 MB" in shown
    assert r"newest    photos/\x1b[31mred.jpg" in shown
    outage = samples.snapshot_of(TALLY, paused=True, outage=Outage(130.0, "HTTP 503 from the gateway"))
    told = " ".join(" ".join(row.plain for row in view(outage, 79)).split())
    assert "paused for 02:10: the service fails for every image" in told
    assert "the last answer: HTTP 503 from the gateway" in told


def test_a_frame_is_only_written_when_something_changed() -> None:
    console, stream = terminal()
    live = Live(console)
    live.started(lambda: MOMENTS["mid"])
    live._writer.flush()
    before = stream.getvalue()
    live.draw()
    live._writer.flush()
    assert stream.getvalue() == before


def test_at_most_four_looks_a_second() -> None:
    console, _ = terminal()
    live = Live(console)
    looks: list[float] = []

    async def main() -> None:
        def snapshot() -> Snapshot:
            live._writer.flush()
            looks.append(asyncio.get_running_loop().time())
            return MOMENTS["mid"]

        live.started(snapshot)
        clock = asyncio.create_task(live.attend())
        await asyncio.sleep(9.9)
        clock.cancel()
        live.finished(samples.summary_of(samples.DONE))

    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert 0 < len(looks) <= 1 + 39 + 1


def test_only_a_real_terminal_gets_the_live_view() -> None:
    forced = Console(file=io.StringIO(), _environ={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert forced.is_terminal
    assert not suits(forced)


def test_the_style_of_a_label_does_not_reach_into_its_row() -> None:
    for row in view(MOMENTS["mid"], 79):
        assert not row.style
        labels = [span.end for span in row.spans if span.start == 0]
        assert row.plain.startswith(" " * 10) or max(labels) == 10
    lines = report_lines(report_on(samples.summary_of(*samples.ALL)), width=79)
    assert not [line for line in lines if line.style]
