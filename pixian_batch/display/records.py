"""`--json`: one JSON object a line on stdout: what was asked for, an image record for each ending, every change of
concurrency, now and then how it stands, and a summary at last.

Lines are pure ASCII and strictly valid JSON whatever a file is called; `docs/reference/json.md` says how.
A reader that goes away ends the writing quietly; the run goes on. What else fails there is told by `streams`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, assert_never

from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.display.run_records import concurrency_record, launch_record, progress_record
from pixian_batch.display.schema_parts import VERSION
from pixian_batch.display.text import plain_decimal
from pixian_batch.display.values import named, rounded, unicode_text
from pixian_batch.display.writer import Writer
from pixian_batch.policy.left_out import Reason
from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Failed,
    InDoubt,
    Kept,
    Lost,
    NotStarted,
    Skipped,
)
from pixian_batch.policy.progress import Watcher
from pixian_batch.policy.stopping import run_status

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from decimal import Decimal
    from typing import TextIO

    from pixian_batch.contract.headers import Box
    from pixian_batch.contract.params import Size
    from pixian_batch.policy.concurrency import ConcurrencyChange
    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.policy.outcome import Ending, Outcome, Problem
    from pixian_batch.policy.progress import Flow, Launch, Snapshot, Summary, Suspect
    from pixian_batch.policy.stopping import Stop
    from pixian_batch.policy.tally import Tally

__all__ = ["EVERY", "Records", "image_record", "left_out_record", "named", "summary_record"]

Record = dict[str, Any]
EVERY: Final = 30.0
"""Seconds between two records of how it stands."""


class Records(Watcher):
    """Writes the records to `stream` (stdout)."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = Writer(stream, lossless=True)
        self._snapshot: Callable[[], Snapshot] | None = None
        self._begun = False

    @property
    def tells_skipped(self) -> bool:
        """Each has a record of its own."""
        return True

    def launched(self, launch: Launch) -> None:
        """Write what was asked for, before anything else."""
        self._write(launch_record(launch))

    def concurrency(self, change: ConcurrencyChange) -> None:
        """Write how many workers are allowed from now on."""
        self._write(concurrency_record(change))

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins."""
        self._snapshot = snapshot

    def ended(self, ending: Ending) -> None:
        """Write the record of one image, if it has one."""
        record = image_record(ending)
        if record is not None:
            self._begun = True
            self._write(record)

    def finished(self, summary: Summary) -> None:
        """Write the summary, and wait until the reader has taken everything."""
        self._write(summary_record(summary))
        self._writer.close()

    async def attend(self) -> None:
        """Write how it stands every `EVERY` seconds, once there is an image's record, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            if self._begun and self._snapshot is not None:
                self._write(progress_record(self._snapshot()))

    def _write(self, record: Record) -> None:
        line = json.dumps(record, separators=(",", ":"), allow_nan=False)
        # GitHub's runner takes `##[` for a command wherever it stands in a line; in a string it means the same so.
        self._writer.put(line.replace("##[", "#\\u0023[") + "\n")


# --- one image -----------------------------------------------------------------------------------

_NO_HEADERS: Final = ResultHeaders()


def image_record(ending: Ending) -> Record | None:
    """The record of one image; None for an image whose turn never came."""
    outcome = ending.outcome
    if isinstance(outcome, NotStarted):
        return None
    headers = outcome.headers if isinstance(outcome, Done | Kept | Lost) else _NO_HEADERS
    return {
        "v": VERSION,
        "type": "image",
        **named("input", ending.input),
        **named("output", ending.output),
        "status": _status(outcome),
        "reason": outcome.reason.value if isinstance(outcome, Skipped) else None,
        **named("of", outcome.of if isinstance(outcome, Duplicate) else None),
        "repaired": isinstance(outcome, Done) and outcome.repaired,
        "replaced": isinstance(outcome, Done | Duplicate) and outcome.replaced,
        "earlier": isinstance(outcome, Kept | InDoubt | Lost) and outcome.earlier,
        "credits_charged": _credits(headers.credits_charged),
        "credits_calculated": _credits(headers.credits_calculated),
        "credits_in_doubt": _credits(_at_most(outcome)),
        "http_status": None if isinstance(outcome, Skipped | Duplicate | InDoubt) else outcome.http_status,
        "error": _problem(outcome.problem if isinstance(outcome, Kept | InDoubt | Lost | Failed) else None),
        **named("kept", outcome.kept if isinstance(outcome, Kept | Lost) else None),
        "converted": ending.converted,
        "attempts": ending.attempts,
        "seconds": rounded(ending.seconds),
        **_picture(headers),
        **_seen(outcome),
    }


def _at_most(outcome: Done | Kept | InDoubt | Lost | Skipped | Duplicate | Failed) -> Decimal | None:
    """The most that an image can have cost of which nobody knows what it did."""
    match outcome:
        case Done(headers=headers) | Kept(headers=headers) if headers.credits_charged is not None:
            return None
        case Done() | Kept() | InDoubt() | Lost():
            return outcome.at_most
        case _:
            return None


def _status(outcome: Done | Kept | InDoubt | Lost | Skipped | Duplicate | Failed) -> str:
    match outcome:
        case Done():
            return "done"
        case Kept():
            return "kept"
        case InDoubt():
            return "in_doubt"
        case Lost():
            return "lost"
        case Skipped():
            return "skipped"
        case Duplicate():
            return "duplicate"
        case Failed():
            return "failed"
        case other:
            assert_never(other)


def _picture(headers: ResultHeaders) -> Record:
    return {
        "input_orientation": headers.input_orientation,
        "input_size": _size(headers.input_size),
        "result_size": _size(headers.result_size),
        "input_foreground": _box(headers.input_foreground),
        "result_foreground": _box(headers.result_foreground),
    }


def _seen(outcome: Outcome) -> Record:
    """What is odd about it, and how much of its picture is visible."""
    warnings = outcome.headers.warnings if isinstance(outcome, Kept | Lost) else ()
    done = outcome if isinstance(outcome, Done) else None
    warnings = done.warnings if done is not None else warnings
    shares = done.look.shares if done is not None and done.look is not None else None
    return {
        "warnings": [unicode_text(warning) for warning in warnings],
        "suspicion": done.suspicion if done is not None else None,
        "alpha": None
        if shares is None
        else {
            "visible": round(shares.visible, 4),
            "half_transparent": round(shares.half, 4),
            "opaque": round(shares.opaque, 4),
        },
    }


def _size(size: Size | None) -> Record | None:
    return None if size is None else {"width": size.width, "height": size.height}


def _box(box: Box | None) -> Record | None:
    if box is None:
        return None
    return {"top": box.top, "left": box.left, "width": box.width, "height": box.height}


# --- the end -------------------------------------------------------------------------------------


def summary_record(summary: Summary) -> Record:
    """The last record of a run."""
    tally = summary.tally
    return {
        "v": VERSION,
        "type": "summary",
        "status": run_status(tally, summary.stop),
        "done": tally.done,
        "skipped": tally.skipped,
        **_left_alone(tally),
        **_ended(tally),
        "found": summary.found,
        "counted": summary.counted,
        "repaired": tally.repaired,
        "replaced": tally.replaced,
        "attempts": tally.attempts,
        "warnings": tally.warnings,
        **_looked_at(summary),
        **_summed(summary),
        "problems": [{"message": unicode_text(text), "count": number} for text, number in summary.problems],
        "left_out": left_out_record(summary.left_out),
        "stop": _stop(summary.stop),
        **named("out", summary.out),
        **named("ledger", summary.ledger),
        "seconds": rounded(summary.seconds),
        **_moved(summary.flow),
        "exit_code": int(summary.exit_code),
    }


def _ended(tally: Tally) -> Record:
    return {
        "duplicates": tally.duplicates,
        "failed": tally.failed,
        "in_doubt": tally.in_doubt,
        "lost": tally.lost,
        "kept": tally.kept,
        "not_started": tally.not_started,
    }


def _looked_at(summary: Summary) -> Record:
    tally = summary.tally
    return {
        "empty": tally.empty,
        "half_transparent": tally.half_transparent,
        "full": tally.full,
        "not_looked_at": tally.not_looked_at,
        "suspect_images": [_suspect(suspect) for suspect in summary.suspects],
    }


def _moved(flow: Flow) -> Record:
    return {"bytes_sent": flow.up, "bytes_received": flow.down}


def _suspect(suspect: Suspect) -> Record:
    return {
        **named("input", suspect.input),
        **named("output", suspect.output),
        "suspicion": suspect.suspicion,
        "warning": unicode_text(suspect.text),
    }


def _left_alone(tally: Tally) -> Record:
    return {"exists": tally.exists, "bought": tally.bought, "trusted": tally.trusted}


def _summed(summary: Summary) -> Record:
    tally = summary.tally
    return {
        "free": summary.free,
        "credits_charged": plain_decimal(tally.credits_charged),
        "credits_calculated": plain_decimal(tally.credits_calculated),
        "credits_unknown": tally.credits_unknown,
        "credits_in_doubt": plain_decimal(tally.credits_in_doubt),
        "credits_ever": _credits(summary.credits_ever),
        "in_doubt_images": [
            {
                **named("input", doubt.input),
                "state": "lost" if doubt.lost else "in_doubt",
                "sent_at": doubt.sent_at,
                "at_most": _credits(doubt.at_most),
                "credits_charged": _credits(doubt.charged),
            }
            for doubt in summary.doubts
        ],
    }


def left_out_record(left_out: LeftOut) -> Record:
    """What the walk has passed by; the most frequent suffix first."""
    return {
        "system_folders": left_out.folders,
        "system_files": left_out.files,
        "suffixes": _by_suffix(left_out.suffixes),
        "others": _by_suffix(left_out.others),
        **{reason.value: left_out.not_chosen[reason] for reason in Reason},
    }


def _by_suffix(counts: Counter[str]) -> list[Record]:
    return [{"suffix": unicode_text(suffix), "count": count} for suffix, count in counts.most_common()]


def _stop(stop: Stop | None) -> Record | None:
    if stop is None:
        return None
    cause = stop.cause.name.lower()
    return {"cause": cause, "message": unicode_text(stop.message), "hint": unicode_text(stop.hint)}


# --- values --------------------------------------------------------------------------------------


def _problem(problem: Problem | None) -> Record | None:
    if problem is None:
        return None
    code = unicode_text(problem.code) if isinstance(problem.code, str) else problem.code
    return {"code": code, "message": unicode_text(problem.message), "hint": unicode_text(problem.hint)}


def _credits(amount: Decimal | None) -> str | None:
    return None if amount is None else plain_decimal(amount)
