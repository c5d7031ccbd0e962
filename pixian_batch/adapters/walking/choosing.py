"""What a walk has found -> what the user chose of it, in the order that was asked for. Blocking; opens no photo.

It stands behind the walk's own naming of results, so that a choice never changes what a result is called: what is
chosen today and what was chosen yesterday find each other in the ledger.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pixian_batch.adapters.walking.tree import Batch, FoundUrl, Trouble, Walked, size_of
from pixian_batch.policy.left_out import LeftOut, Reason
from pixian_batch.policy.selection import Order, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.policy.selection import Changes

_UNKNOWN = 0
"""Stands for the rank where the order is the walk's own."""


def choose(
    walk: Iterator[Walked],
    selection: Selection,
    left_out: LeftOut,
    *,
    counting: bool = False,
    go_on: Callable[[], bool] = lambda: True,
) -> Iterator[Walked]:
    """What is chosen of `walk`; the rest is counted in `left_out`. Troubles come through at once.

    counting: only how many there are matters, neither which nor their order.
    """
    if selection.changes is not None:
        walk = _changed(walk, selection.changes, left_out)
    if selection.by_facts or (selection.order is not Order.NAME and not counting):
        sifted = (_sifted(walked, selection, left_out) for walked in walk)
    else:
        sifted = ((walked, []) for walked in walk)
    if not selection.of_all:
        yield from (walked for walked, _ranks in sifted if size_of(walked))
    elif counting:
        yield from _first((walked for walked, _ranks in sifted), selection.sample, left_out)
    else:
        yield from _sorted(sifted, selection, left_out, go_on)


def _changed(walk: Iterator[Walked], changes: Changes, left_out: LeftOut) -> Iterator[Walked]:
    """What git says has changed; the rest is counted."""
    for walked in walk:
        if isinstance(walked, Trouble):
            yield walked
        elif isinstance(walked, FoundUrl):
            left_out.not_chosen[Reason.URL] += 1
        else:
            # Git knows no way through a link: a folder is asked about by what it is. A file that is a link is one to git.
            folder = os.path.join(os.path.realpath(walked.folder), "")
            reasons = [changes.against(folder + name) for name in walked.names]
            left_out.not_chosen.update(filter(None, reasons))
            yield walked.part([number for number, reason in enumerate(reasons) if reason is None])


def _sifted(walked: Walked, selection: Selection, left_out: LeftOut) -> tuple[Walked, list[int]]:
    """What is chosen by its size and date, with ranks for the order that is asked for."""
    if isinstance(walked, Trouble):
        return walked, []
    if isinstance(walked, FoundUrl):
        if not selection.by_facts:
            return walked, []
        left_out.not_chosen[Reason.URL] += 1
        return Batch("", "", []), []
    chosen: list[int] = []
    ranks: list[int] = []
    folder = os.path.join(walked.folder, "")
    for number, name in enumerate(walked.names):
        status = _status(folder + name)
        # Of a file that cannot be looked at, the run tells why.
        reason = status and selection.against(status.st_size, status.st_mtime)
        if reason:
            left_out.not_chosen[reason] += 1
        else:
            chosen.append(number)
            ranks.append(_rank(status, selection.order))
    return walked.part(chosen), ranks


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _rank(status: os.stat_result | None, order: Order) -> int:
    from pixian_batch.adapters.walking.listing import LAST

    match order:
        case Order.NAME:
            return _UNKNOWN
        case Order.NEWEST:
            return LAST if status is None else -status.st_mtime_ns
        case Order.SMALLEST:
            return LAST if status is None else status.st_size


def _first(walk: Iterator[Walked], sample: int | None, left_out: LeftOut) -> Iterator[Walked]:
    """As many as a sample will have; the others are counted."""
    room = sample
    for walked in walk:
        if room is None or isinstance(walked, Trouble):
            yield walked
            continue
        number = size_of(walked)
        left_out.not_chosen[Reason.NOT_SAMPLED] += max(0, number - room)
        if number and room:
            yield walked.part(range(min(number, room))) if isinstance(walked, Batch) else walked
        room = max(0, room - number)


def _sorted(
    sifted: Iterator[tuple[Walked, list[int]]],
    selection: Selection,
    left_out: LeftOut,
    go_on: Callable[[], bool],
) -> Iterator[Walked]:
    from pixian_batch.adapters.walking.listing import listing  # most runs take things as they come

    with listing() as names:
        for walked, ranks in sifted:
            if not go_on():
                return
            if isinstance(walked, Trouble):
                yield walked
            elif isinstance(walked, FoundUrl):
                names.add_url(walked)
            elif walked.names:
                names.add(walked, ranks or [_UNKNOWN] * len(walked.names))
        if selection.sample is not None:
            left_out.not_chosen[Reason.NOT_SAMPLED] += max(0, len(names) - selection.sample)
        yield from names.chosen(selection.sample)
