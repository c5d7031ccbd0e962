"""Counts of a run as a Prometheus text file, for node_exporter's textfile collector.

Written as a whole and renamed into place, every 30 seconds and at the end, so a scraper never reads half a
file. All are gauges of the latest run: a counter would have to live on from run to run, and the ledger is
where sums live. The wall clock is handed in. A file that cannot be written is told once and harms nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import threading
from typing import TYPE_CHECKING, Final

from pixian_batch.display.streams import is_plain_file, without_waiting
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.progress import Watcher
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.policy.progress import Flow, Snapshot, Summary
    from pixian_batch.policy.tally import Tally

EVERY: Final = 30.0
"""Seconds between two writes."""
_SUCCESS: Final = "last_success_timestamp_seconds"
_log = logging.getLogger(__name__)


class Metrics(Watcher):
    """A watcher that keeps the file at `path`. now: seconds since 1970, UTC."""

    def __init__(self, path: str, *, now: Callable[[], float], every: float = EVERY) -> None:
        self._path = path
        self._now = now
        self._every = every
        self._snapshot: Callable[[], Snapshot] | None = None
        self._success = _last_success(path)
        self._writing = threading.Lock()
        self._warned = False
        self._closed = False

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins."""
        self._snapshot = snapshot

    def finished(self, summary: Summary) -> None:
        """Write the last counts. A run that ended well is the last success from now on."""
        if summary.exit_code is Exit.LEDGER_IN_USE:
            return  # another run is at work, and the file is its
        if summary.exit_code is Exit.OK:
            self._success = self._now()
        throttled = self._snapshot().throttled if self._snapshot is not None else 0
        lines = _run_lines(summary.tally, throttled, summary.seconds, flow=summary.flow)
        lines += _sample("exit_code", "Exit code of the latest run.", int(summary.exit_code))
        self._write(lines, last=True)

    async def attend(self) -> None:
        """Write the counts every `every` seconds, until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            if self._snapshot is not None:
                now = self._snapshot()
                lines = _run_lines(
                    now.tally, now.throttled, now.elapsed, flow=now.flow, workers=now.workers, running=True
                )
                # A thread: a disk that hangs must not hold the uploads.
                await asyncio.to_thread(self._write, lines)

    def _write(self, lines: list[str], *, last: bool = False) -> None:
        if self._success is not None:
            lines += _sample(_SUCCESS, "When a run last ended with exit code 0.", f"{self._success:.3f}")
        lines += _sample("updated_timestamp_seconds", "When this file was written.", f"{self._now():.3f}")
        with self._writing:
            if self._closed:
                return  # a thread that came late
            self._closed = last
            try:
                _put(self._path, "".join(f"{line}\n" for line in lines))
            except OSError as error:
                self._warn(error)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("--metrics-file %s cannot be written: %s", self._path, system_word(error))


def _put(path: str, text: str) -> None:
    """Replace the file, at the end of links; a device, a pipe or a stream of ours is only written to."""
    if not is_plain_file(path):
        with open(path, "a", encoding="utf-8", opener=without_waiting) as stream:
            stream.write(text)
        return
    target = os.path.realpath(path)
    beside = f"{target}.{os.getpid()}.tmp"  # the collector reads *.prom only, so this must not end so
    try:
        with open(beside, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(beside, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _run_lines(
    tally: Tally, throttled: int, seconds: float, *, flow: Flow, workers: int = 0, running: bool = False
) -> list[str]:
    return [
        *_tally_lines(tally),
        *_sample("throttled", "Answers 429 in the latest run.", throttled),
        *_sample("run_seconds", "Seconds that the latest run has taken.", f"{seconds:.3f}"),
        *_sample("sent_bytes", "Bytes of photos sent in the latest run.", flow.up),
        *_sample("received_bytes", "Bytes of results received in the latest run.", flow.down),
        *_sample("workers", "Workers that are open.", workers),
        *_sample("running", "Whether a run is going on.", int(running)),
    ]


def _tally_lines(tally: Tally) -> Iterator[str]:
    counts = {
        "done": tally.done,
        "skipped": tally.skipped,
        "duplicate": tally.duplicates,
        "failed": tally.failed,
        "in_doubt": tally.in_doubt,
        "lost": tally.lost,
        "kept": tally.kept,
        "not_started": tally.not_started,
    }
    yield from _head("images", "Images of the latest run by how they ended.")
    for outcome, number in counts.items():
        yield f'pixian_batch_images{{outcome="{outcome}"}} {number}'
    suspicions = {"empty": tally.empty, "half_transparent": tally.half_transparent, "full": tally.full}
    yield from _head("suspects", "Results of the latest run that somebody should look at.")
    for suspicion, number in suspicions.items():
        yield f'pixian_batch_suspects{{suspicion="{suspicion}"}} {number}'
    amounts = {
        "charged": tally.credits_charged,
        "calculated": tally.credits_calculated,
        "in_doubt": tally.credits_in_doubt,
    }
    yield from _head("credits", "Credits of the latest run: charged, calculated, at most in doubt.")
    for kind, amount in amounts.items():
        yield f'pixian_batch_credits{{kind="{kind}"}} {amount:f}'
    yield from _sample("requests", "Requests for images in the latest run.", tally.attempts)


def _sample(name: str, meaning: str, value: object) -> list[str]:
    return [*_head(name, meaning), f"pixian_batch_{name} {value}"]


def _head(name: str, meaning: str) -> list[str]:
    return [f"# HELP pixian_batch_{name} {meaning}", f"# TYPE pixian_batch_{name} gauge"]


def _last_success(path: str) -> float | None:
    """What the file of an earlier run says."""
    try:
        if not is_plain_file(path):
            return None
        with open(path, encoding="utf-8", errors="replace") as stream:
            line = re.search(rf"^pixian_batch_{_SUCCESS} ([0-9.]+)$", stream.read(100_000), re.MULTILINE)
    except OSError:
        return None
    return float(line[1]) if line else None
