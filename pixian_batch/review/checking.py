"""Files -> what became of each of them by each profile: measured once, over all cores or here. Blocking; prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from pixian_batch.review.compliance import Checked, judge
from pixian_batch.review.facts import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pixian_batch.review.profiles import Profile

_FEW: Final = 12
"""So many files are measured here sooner than other processes have started."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that is to be checked. trouble: why it cannot be, where that is known without opening it."""

    path: str
    trouble: UnreadableFile | None = None


def check_all(
    files: Iterable[FoundFile], profiles: Sequence[Profile], *, jobs: int
) -> Iterator[list[Checked]]:
    """For each file, in their order, one `Checked` a profile."""
    waiting = iter(files)
    first = list(islice(waiting, _FEW + 1))
    check = partial(check_file, profiles=tuple(profiles))
    if jobs == 1 or len(first) <= _FEW:
        yield from map(check, chain(first, waiting))
        return
    from pixian_batch.adapters.processes import Processes  # not for a few files

    lost = partial(_lost, profiles=tuple(profiles))
    yield from Processes(check, lost, jobs=jobs).in_order(chain(first, waiting))


def check_file(file: FoundFile, profiles: Sequence[Profile]) -> list[Checked]:
    """Measure one file once, and judge it by each profile."""
    from pixian_batch.review.inspecting import inspect  # Pillow and numpy, where they are needed

    grounds = list(dict.fromkeys(profile.background for profile in profiles))
    facts = file.trouble or inspect(file.path, grounds)
    return [judge(file.path, facts, profile) for profile in profiles]


def _lost(file: FoundFile, profiles: Sequence[Profile]) -> list[Checked]:
    ended = UnreadableFile(
        "the process that measured it was ended by the system", "most often its memory: --jobs 1"
    )
    return [judge(file.path, ended, profile) for profile in profiles]
