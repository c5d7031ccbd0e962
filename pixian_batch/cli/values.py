"""Texts of the command line -> values: durations, sizes, credits. Each error shows a right example."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

import typer

from pixian_batch.policy.byte_size import read_byte_size

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def duration(text: str | float) -> float:
    """Seconds of `5m`, `300s`, `300`, `1.5h`."""
    match = _DURATION.fullmatch(str(text).strip())
    if not match:
        raise typer.BadParameter(f"{text!r} is not a duration; for example 5m, 300s or 300")
    return float(match[1]) * _SECONDS[match[2]]


def byte_size(text: str | int) -> int:
    """Bytes of `100MB`, `2g`, `4096`, `100MiB`."""
    try:
        return read_byte_size(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def credit(text: str | Decimal) -> Decimal:
    """An amount of credits."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter(f"{text!r} is not an amount of credits; for example 100 or 12.5")
    return amount
