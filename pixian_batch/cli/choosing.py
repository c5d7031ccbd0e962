"""The options that choose among the photos -> one frozen group.

Raises `typer.BadParameter`: exit code 2, nothing spent.

Proved by tests/cli/test_choosing.py.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import typer

from pixian_batch.adapters.clock import now
from pixian_batch.policy.selection import Order, Selection

if TYPE_CHECKING:
    from pixian_batch.cli.options import InputOptions

_AGE: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(m|h|d|w)", re.ASCII)
_AGES: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_URLS: Final = ("http://", "https://")


def read_selection(options: InputOptions) -> Selection:
    """What the user chose; a choice that nothing can meet is refused."""
    since = options.newer_than
    selection = Selection(
        newer_than=None if since is None else _moment(since, datetime.fromisoformat(now())),
        min_size=options.min_size,
        max_size=options.max_size,
        order=_order(options.order),
        sample=options.sample,
        limit=options.limit,
    )
    if problem := selection.contradiction():
        raise typer.BadParameter(problem)
    return selection


def _order(text: str) -> Order:
    if text not in set(Order):
        raise typer.BadParameter(f"--order: {text!r} is none of {', '.join(Order)}")
    return Order(text)


def _moment(text: str, present: datetime) -> float:
    """Seconds since 1970 of a date, a moment or an age; what names no time zone is of the local one."""
    try:
        if age := _AGE.fullmatch(text.strip()):
            moment = present - timedelta(**{_AGES[age[2]]: float(age[1])})
        else:
            moment = datetime.fromisoformat(text.strip()).astimezone()
        seconds = moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise typer.BadParameter(
            f"--newer-than: {text!r} is neither a date nor an age; for example 2026-11-20, 2026-11-20T08:30 or 2d"
        ) from None
    if moment > present:
        raise typer.BadParameter(f"--newer-than {text}: is in the future, where no photo was taken yet")
    return seconds
