"""Thumbnails and measures of many rows, over all cores: what was seen before is not looked at again. Blocking.

The work is done in other processes, and written down soon after, so that what was done when somebody pulls the plug is not
done again. Proved by tests/review/test_making.py.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.processes import Processes, usable_cores
from pixian_batch.review import thumbnails
from pixian_batch.review.measures import MatteMeasures
from pixian_batch.review.remembering import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pixian_batch.review.remembering import Memory
    from pixian_batch.review.thumbnails import ThumbnailTask

    Pair = tuple[str, Seen]

_FEW: Final = 12
"""So many are looked at in this process: another one takes half a second to begin."""
_PART: Final = 25
"""So many are written down together."""
_UNLOOKED: Final = Seen(measures=MatteMeasures(problem="it ended the process (not enough memory?)"))


def make_all(
    tasks: Sequence[ThumbnailTask],
    memory: Memory,
    *,
    told: Callable[[int], None],
    processes: int | None = None,
) -> dict[str, Seen]:
    """Make the thumbnails of all tasks and write down what was seen; `told` hears how many are done.

    Gives what is not written down: the pictures that ended the process which looked at them, and may not the next time.

    Raises OSError where the report's folder cannot be written, `MemoryFileError` where its cache cannot.
    """
    waiting: list[Pair] = []
    unlooked: dict[str, Seen] = {}
    try:
        for number, pair in enumerate(_made(tasks, processes or usable_cores()), 1):
            told(number)
            if pair[1] is _UNLOOKED:
                unlooked[pair[0]] = pair[1]
                continue
            waiting.append(pair)
            if len(waiting) >= _PART:
                memory.keep(waiting)
                waiting = []
    finally:
        memory.keep(waiting)
    return unlooked


def _made(tasks: Sequence[ThumbnailTask], processes: int) -> Iterator[Pair]:
    if len(tasks) <= _FEW:
        yield from map(thumbnails.make, tasks)
        return
    with contextlib.closing(
        Processes(thumbnails.make, _unlooked, jobs=processes).as_they_end(tasks)
    ) as pairs:
        yield from (pair for pair in pairs if pair is not None)


def _unlooked(task: ThumbnailTask) -> Pair:
    return task.key, _UNLOOKED
