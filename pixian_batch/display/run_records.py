"""Records of a run as a whole, before its end: what it was asked for, its pace, how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pixian_batch.display.schema_parts import VERSION
from pixian_batch.display.text import known_eta, plain_decimal
from pixian_batch.display.values import all_named, named, rounded

if TYPE_CHECKING:
    from pixian_batch.policy.concurrency import ConcurrencyChange
    from pixian_batch.policy.progress import Launch, Snapshot


def launch_record(launch: Launch) -> dict[str, Any]:
    """The first record of a run."""
    return {
        "v": VERSION,
        "type": "launch",
        "pid": launch.pid,
        "version": launch.version,
        "started_at": launch.started_at,
        **all_named("inputs", launch.inputs),
        **named("files_from", launch.listed),
        **named("out", launch.out),
        **named("ledger", launch.ledger),
        "parameters": launch.parameters,
        "service": launch.service,
        "control": None,
    }


def progress_record(snapshot: Snapshot) -> dict[str, Any]:
    """How a run stands."""
    tally, eta = snapshot.tally, known_eta(snapshot)
    return {
        "v": VERSION,
        "type": "progress",
        "found": max(snapshot.found, tally.ended),
        "counted": snapshot.counted,
        "done": tally.done,
        "skipped": tally.skipped,
        "duplicates": tally.duplicates,
        "failed": tally.failed,
        "in_doubt": tally.in_doubt,
        "lost": tally.lost,
        "kept": tally.kept,
        "credits_charged": plain_decimal(tally.credits_charged),
        "credits_in_doubt": plain_decimal(tally.credits_in_doubt),
        "workers": snapshot.workers,
        "busy": snapshot.busy,
        "resting": snapshot.resting,
        "rate": round(snapshot.per_second, 3),
        "eta": None if eta is None else rounded(eta),
        "seconds": rounded(snapshot.elapsed),
    }


def concurrency_record(change: ConcurrencyChange) -> dict[str, Any]:
    """How many workers are allowed from now on, and why."""
    return {
        "v": VERSION,
        "type": "concurrency",
        "at": change.at,
        "allowed": change.allowed,
        "in_use": change.in_use,
        "resting": change.resting,
        "reason": change.reason.value,
    }
