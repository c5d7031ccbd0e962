"""Endings, messages and summaries that the tests of the displays share."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pixian_batch.contract.headers import Box, ResultHeaders
from pixian_batch.contract.params import Size
from pixian_batch.policy.look import Look, Shares, Suspicion
from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Ending,
    Failed,
    InDoubt,
    Kept,
    Lost,
    NotStarted,
    Problem,
    Skipped,
    SkipReason,
)
from pixian_batch.policy.progress import Doubt, Launch, Snapshot, Summary
from pixian_batch.policy.stopping import Exit, Stop, exit_code
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from typing import TextIO

NASTY = b"[bold]\x1b[31m\nred\xff[/].jpg".decode("utf-8", "surrogateescape")
UNREADABLE = Problem(1006, "Failed to read the supplied image. ", "open the file in an image viewer")
HEADERS = ResultHeaders(
    credits_charged=Decimal("0.250"),
    input_orientation=6,
    input_size=Size(4000, 3000),
    result_size=Size(3000, 4000),
    input_foreground=Box(10, 20, 300, 400),
    result_foreground=Box(20, 10, 400, 300),
)
FINE = Look()
DONE = Ending("in/a.jpg", "out/a.png", Done(HEADERS, 200, look=FINE), attempts=1, seconds=2.10049)
REPAIRED = Ending("in/r.jpg", "out/r.png", Done(HEADERS, 200, repaired=True, look=FINE))
NEARLY_EMPTY = Look(Shares(0.004, 0.001, 0.0035), Suspicion.EMPTY, "nearly empty: 0.4 % of it is visible")
WALL = Ending("in/w.jpg", "out/w.png", Done(HEADERS, 200, look=NEARLY_EMPTY), attempts=1, seconds=1.5)
SKIPPED = Ending("in/s.jpg", "out/s.png", Skipped(SkipReason.DONE))
EXISTS = Ending("in/e.jpg", "out/e.png", Skipped(SkipReason.EXISTS))
DUPLICATE = Ending("in/d.jpg", "out/d.png", Duplicate(of="in/a.jpg"))
FAILED = Ending("in/f.jpg", None, Failed(UNREADABLE, 400), attempts=1, seconds=0.3)
NASTY_FAILED = Ending(NASTY, NASTY, Failed(Problem("unreadable", "cannot read " + NASTY)))
NO_ANSWER = Problem(None, "no answer came within 180 s")
IN_DOUBT = Ending("in/q.jpg", "out/q.png", InDoubt(NO_ANSWER, Decimal("0.25")), attempts=1, seconds=181.0)
LOST = Ending(
    "in/l.jpg",
    "out/l.png",
    Lost(
        Problem(None, "the answer broke off"), ResultHeaders(warnings=("no size",)), 200, "out/l.part", None
    ),
    attempts=1,
)
DISK_FULL = Problem("disk", "paid for and kept at out/k.part: no space", "the next run finishes it for free")
KEPT = Ending("in/k.jpg", "out/k.png", Kept(DISK_FULL, HEADERS, 200, "out/k.part", None), attempts=1)
LAUNCH = Launch(
    pid=4711,
    version="1",
    started_at="2026-11-25T10:00:00.000+00:00",
    inputs=("in", "caf\udce9.jpg"),
    listed="-",
    out="cut",
    ledger="cut/.pixian-batch/ledger.db",
    parameters="",
    service="https://api.pixian.ai/api/v2",
)
NOT_STARTED = Ending("in/n.jpg", "out/n.png", NotStarted())
ALL = (
    DONE,
    WALL,
    REPAIRED,
    SKIPPED,
    EXISTS,
    DUPLICATE,
    FAILED,
    NASTY_FAILED,
    IN_DOUBT,
    LOST,
    KEPT,
    NOT_STARTED,
)


def tally_of(*endings: Ending) -> Tally:
    """The fold of `endings`."""
    tally = Tally()
    for ending in endings:
        tally = tally.plus(ending)
    return tally


def summary_of(*endings: Ending, stop: Stop | None = None, free: bool = False, **changes: Any) -> Summary:
    """The end of a run with these endings."""
    tally = tally_of(*endings)
    doubts = tuple(
        Doubt(
            ending.input,
            "2026-11-22T13:10:04Z",
            ending.outcome.at_most,
            lost=isinstance(ending.outcome, Lost),
        )
        for ending in endings
        if isinstance(ending.outcome, InDoubt | Lost)
    )
    values: dict[str, Any] = {
        "tally": tally,
        "stop": stop,
        "exit_code": exit_code(tally, stop),
        "seconds": 754.2,
        "out": "cut",
        "ledger": "cut/.pixian-batch/ledger.db",
        "free": free,
        "credits_ever": Decimal("12.5"),
        "doubts": doubts,
        "problems": ((UNREADABLE.message, tally.failed),) if tally.failed else (),
    }
    return Summary(**{**values, **changes})


def snapshot_of(tally: Tally, **changes: Any) -> Snapshot:
    """A moment of a run of 400 images."""
    values: dict[str, Any] = {
        "elapsed": 3723.0,
        "tally": tally,
        "found": 400,
        "counted": True,
        "workers": 7,
        "busy": 6,
        "resting": 1,
        "cap": 40,
        "next_worker": 192.0,
        "per_second": 3.4,
        "eta": 7790.0,
    }
    return Snapshot(**{**values, **changes})


BUDGET = Stop(Exit.BUDGET, "the next image could exceed --max-credits 10")
SIGINT = Stop(Exit.SIGINT, "Ctrl-C was pressed")


def console(stream: TextIO, width: int = 80, **options: Any) -> Console:
    """A terminal of 40 rows in `stream`."""
    values = {"force_terminal": True, "color_system": "standard", "legacy_windows": False, **options}
    return Console(file=stream, width=width, height=40, _environ={}, **values)
