"""Makes what is planned, over all cores, and keeps the index: the corridor of `render`. Decides nothing about pixels."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.rendering.index import Index
from pixian_batch.rendering.planning import WishState
from pixian_batch.rendering.work import Task, Variant, lost, work

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pixian_batch.rendering.meeting import Stored
    from pixian_batch.rendering.planning import Wish
    from pixian_batch.rendering.work import Outcome

BIG_ENLARGEMENT = 1.1
"""From this factor on somebody should know that there were fewer pixels than asked for."""


@dataclass(slots=True)
class MadeSoFar:
    """What became of all variants so far. stopped: the outcome after which nothing more could be written."""

    made: int = 0
    exists: int = 0
    failed: int = 0
    bytes: int = 0
    enlarged: int = 0
    left: int = 0
    stopped: Outcome | None = None
    by_recipe: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Variants made now, and their bytes."""

    def add(self, wish: Wish, outcome: Outcome) -> None:
        """One more has ended."""
        self.left -= 1
        if outcome.problem is not None:
            self.failed += 1
            return
        self.made += 1
        self.bytes += outcome.bytes
        self.enlarged += outcome.scale > BIG_ENLARGEMENT
        number, size = self.by_recipe.get(wish.recipe.name, (0, 0))
        self.by_recipe[wish.recipe.name] = number + 1, size + outcome.bytes


@dataclass(slots=True)
class Interest:
    """Whether somebody wants to stop: once, what is begun is ended; twice, it is dropped.

    signal: the number of the last one that said so.
    """

    times: int = 0
    signal: int = 0

    def stopping(self) -> bool:
        """Nothing new is begun."""
        return self.times > 0

    def dropping(self) -> bool:
        """Nothing is waited for."""
        return self.times > 1


@dataclass(slots=True)
class Making:
    """`make(wishes)`. told: of each variant when it has ended; looked: now and then, with what was made so far."""

    to: str
    jobs: int
    interest: Interest
    told: Callable[[Wish, Outcome], None]
    looked: Callable[[MadeSoFar], None]
    made: MadeSoFar = field(default_factory=MadeSoFar)

    def make(self, wishes: Sequence[Wish]) -> MadeSoFar:
        """Make those that are to be made. Raises OSError and the index's errors before anything is begun."""
        todo = [wish for wish in wishes if wish.standing is WishState.MAKE]
        self.made.exists = sum(wish.standing is WishState.EXISTS for wish in wishes)
        self.made.failed = sum(wish.standing is WishState.FAILED for wish in wishes)
        self.made.left = len(todo)
        if not todo:
            return self.made
        with Index.open(self.to) as index:
            index.intend((wish.place, wish.made_of) for wish in todo)
            self._work(index, todo)
        return self.made

    def _work(self, index: Index, todo: Sequence[Wish]) -> None:
        tasks = self._tasks(todo, index.parts)
        with closing(self._outcomes(tasks)) as results:
            for outcomes in results:
                for outcome in outcomes or ():
                    self._ended(index, todo[outcome.number], outcome)
                self.looked(self.made)

    def _outcomes(self, tasks: Sequence[Task]) -> Generator[list[Outcome] | None]:
        jobs = min(self.jobs, len(tasks))
        if jobs == 1:
            return _here(tasks, self._stopping)
        from pixian_batch.adapters.processes import Processes  # not for one

        over_cores = Processes(
            work, lost, jobs=jobs, stopping=self._stopping, dropping=self.interest.dropping
        )
        return over_cores.as_they_end(tasks)

    def _stopping(self) -> bool:
        return self.interest.stopping() or self.made.stopped is not None

    def _tasks(self, todo: Sequence[Wish], parts: str) -> list[Task]:
        """One for each result: it is decoded once."""
        together: defaultdict[Stored, list[Variant]] = defaultdict(list)
        for number, wish in enumerate(todo):
            path = os.path.join(self.to, *wish.place.split("/"))
            if wish.stored is not None:
                together[wish.stored].append(Variant(number, wish.recipe, path))
        return [Task(stored, tuple(variants), parts) for stored, variants in together.items()]

    def _ended(self, index: Index, wish: Wish, outcome: Outcome) -> None:
        if outcome.problem is None:
            index.made(wish.place, outcome.bytes)
        elif not os.path.lexists(os.path.join(self.to, *wish.place.split("/"))):
            index.forget(wish.place)
        if outcome.ends and self.made.stopped is None:
            self.made.stopped = outcome
        self.made.add(wish, outcome)
        self.told(wish, outcome)


def _here(tasks: Sequence[Task], stopping: Callable[[], bool]) -> Generator[list[Outcome] | None]:
    """What becomes of tasks, made in this process, one after the other, until somebody wants to stop."""
    for task in tasks:
        if stopping():
            return
        yield work(task)
