"""The options that choose among the photos: by date, size, changes, number and order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pixian_batch.cli.declaring import choice, in_panel, text
from pixian_batch.cli.values import byte_size
from pixian_batch.policy.selection import Order

_INPUTS = "Inputs"
_Bytes = int | None
_Number = int | None


def _size(name: str, help_: str) -> Any:
    return in_panel(_INPUTS, name, help_, parser=byte_size, metavar="SIZE")


@dataclass(frozen=True, kw_only=True)
class SelectOptions:
    """What is meant of that which is found. The values are as the user wrote them, but for sizes."""

    newer_than: Annotated[
        str | None,
        text(
            _INPUTS, "--newer-than", "WHEN", "Only files changed since a date, a moment or an age: 2d, 12h."
        ),
    ] = None
    changed_since: Annotated[
        str | None,
        text(
            _INPUTS,
            "--changed-since",
            "REV",
            "Only files that git says were added, changed or renamed since a commit; if it cannot say, nothing is sent.",
        ),
    ] = None
    min_size: Annotated[_Bytes, _size("--min-size", "Only files of at least this size: 500K, 20MB.")] = None
    max_size: Annotated[_Bytes, _size("--max-size", "Only files of at most this size.")] = None
    sample: Annotated[
        _Number,
        text(_INPUTS, "--sample", "N", "Take N photos, spread over the folders, the same ones each time."),
    ] = None
    limit: Annotated[
        _Number,
        text(_INPUTS, "--limit", "N", "Buy at most N images in this run; what is done is not counted."),
    ] = None
    order: Annotated[
        str,
        choice(_INPUTS, "--order", Order, "Which come first; for newest and smallest all are found first."),
    ] = Order.NAME.value
