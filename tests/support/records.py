"""Ledger entries with sensible defaults."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pixian_batch.contract.headers import read_result_headers
from pixian_batch.policy.concurrency import ChangeReason, ConcurrencyChange
from pixian_batch.policy.record import Answered, Ended, Key, Sending
from pixian_batch.policy.verdict import Verdict


def key(number: int = 1, params: str = "") -> Key:
    return Key(number.to_bytes(32, "big"), params)


def sending(attempt: int, number: int | None = None, **changes: Any) -> Sending:
    values: dict[str, Any] = {
        "key": key(attempt if number is None else number),
        "input": f"in/{attempt}.jpg",
        "place": f"{attempt}.png",
        "spool": f"out/.pixian-{attempt}.part",
        "pixels": 1000,
        "at_most": Decimal("0.25"),
        "free": False,
    }
    return Sending(attempt, **{**values, **changes})


def answered(charged: str | None = "0.25", calculated: str | None = None, **more: Any) -> Answered:
    headers = {"X-Credits-Charged": charged, "X-Credits-Calculated": calculated}
    heads = read_result_headers({name: value for name, value in headers.items() if value is not None})
    return Answered(200, heads, more.get("length"))


def ended(verdict: Verdict = Verdict.DELIVERED, **more: Any) -> Ended:
    return Ended(verdict, more.pop("http_status", 200), **more)


def change(reason: ChangeReason = ChangeReason.START, **changes: Any) -> ConcurrencyChange:
    values: dict[str, Any] = {"at": "2026-11-25T10:00:00.000+00:00", "allowed": 5, "in_use": 1, "resting": 0}
    return ConcurrencyChange(reason=reason, **{**values, **changes})
