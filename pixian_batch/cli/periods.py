"""`--since` and `--until`: a month, a day or a moment -> the ledger's own text. Days are UTC, as the ledger's are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

from pixian_batch.policy.statement import Period

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST_MONTH: Final = timedelta(days=31)


def read_period(since: str | None, until: str | None) -> Period:
    """From the beginning of `since` to the end of `until`. Raises `BadParameter`."""
    first = _span(since, "--since")[0] if since else ""
    last = _span(until, "--until")[1] if until else ""
    if first and last and first >= last:
        raise typer.BadParameter(f"--since {since} is not before --until {until}")
    return Period(first, last)


def _span(text: str, option: str) -> tuple[str, str]:
    """The first moment of a month, a day or a moment, and the first one after it."""
    try:
        if month := _MONTH.fullmatch(text):
            first = datetime(int(month[1]), int(month[2]), 1, tzinfo=UTC)
            return _text(first), _text((first + _LONGEST_MONTH).replace(day=1))
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return _text(moment), _text(moment + timedelta(days=1) if _DAY.fullmatch(text) else moment)
    except (ValueError, OverflowError):
        message = f"{option}: {text!r} is no date; for example 2026-11, 2026-11-30 or 2026-11-30T18:00"
        raise typer.BadParameter(message) from None


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
