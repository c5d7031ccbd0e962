"""Each input once, however often it was named: `photos photos/a.jpg`, or a line twice in a list. Pure but for the names' paths."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pixian_batch.adapters.walking.tree import Batch, FoundUrl, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pixian_batch.adapters.walking.tree import Walked


def may_repeat(paths: Sequence[str]) -> bool:
    """Whether one of `paths` lies in another one, or may do so: a pattern's reach is only known by walking it."""
    if any("*" in path or "?" in path or "[" in path for path in paths):
        return len(paths) > 1
    parts = sorted(os.path.abspath(path).split(os.sep) for path in paths)
    return any(longer[: len(shorter)] == shorter for shorter, longer in pairwise(parts))


def once(walk: Iterable[Walked]) -> Iterator[Walked]:
    """`walk` without what it has told before: the same file (by its path) for the same place.

    A file that is wanted at two places is two inputs: its second result is made from the first.
    """
    # Hashes in place of strings: a list file may hold millions of names.
    told: set[int] = set()
    for walked in walk:
        match walked:
            case Batch():
                if (fresh := _fresh(walked, told)) is not None:
                    yield fresh
                continue
            case FoundUrl(url, place):
                key = hash((url, place))
            case Trouble(path, code):
                key = hash((os.path.abspath(path), code))
        if key not in told:
            told.add(key)
            yield walked


def _fresh(batch: Batch, told: set[int]) -> Batch | None:
    """The names of `batch` that were not told before; None when all were."""
    folder = hash((os.path.abspath(batch.folder), batch.place))
    keys = [hash((folder, name)) for name in batch.names]
    fresh = [number for number, key in enumerate(keys) if key not in told]
    told.update(keys)
    if len(fresh) == len(keys):
        return batch
    names = [batch.names[number] for number in fresh]
    return (
        replace(batch, names=names, results=[batch.results[number] for number in fresh if batch.results])
        if names
        else None
    )
