"""What to walk, and the walk itself.

Proved by tests/cli/test_run_input.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pixian_batch.adapters.walking import Batch, FoundUrl, Walker, WalkRules, read_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.adapters.walking import ResultNames, Walked
    from pixian_batch.policy.left_out import LeftOut


@dataclass(frozen=True, slots=True)
class Inputs:
    """What to walk. listed: a file with more inputs (`-`: standard input); nul: its names end with NUL.

    only: absolute paths and URLs; with it, nothing else is let through. placed: of `paths`, files with the places of
    their folders, where these are known already: nothing is walked then.
    """

    paths: tuple[str, ...]
    listed: str | None = None
    nul: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False
    include_system: bool = False
    only: frozenset[str] | None = None
    placed: tuple[tuple[str, str], ...] = ()

    @property
    def several(self) -> bool:
        """Whether results of different roots may want the same place."""
        return len(self.paths) > 1 or self.listed is not None

    def walk(
        self,
        *,
        out: str,
        result_names: ResultNames | None,
        left_out: LeftOut | None = None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> Iterator[Walked]:
        """All inputs; the folder `out` is never one. Blocking. Raises OSError for an unreadable list.

        result_names: None when only the inputs' names are wanted; left_out: counts what is passed by; go_on:
        asked while a list comes from a pipe that may stay silent; False ends the walk.
        """
        if self.placed:
            yield from self._placed(result_names)
            return
        rules = WalkRules(
            result_names,
            avoid=(out,),
            include=self.include,
            exclude=self.exclude,
            follow_symlinks=self.follow_symlinks,
            include_system=self.include_system,
        )
        yield from self._chosen(Walker(rules, left_out).walk(self.paths))
        if self.listed is not None:
            names = read_list(self.listed, nul=self.nul, go_on=go_on)
            yield from self._chosen(Walker(rules, left_out).walk(names, listed=True))

    def _placed(self, result_names: ResultNames | None) -> Iterator[Walked]:
        for path, place in self.placed:
            folder, name = os.path.split(path)
            yield Batch(folder, place, [name], [] if result_names is None else result_names([name]))

    def _chosen(self, walk: Iterator[Walked]) -> Iterator[Walked]:
        """What `only` lets through. Troubles always: they say why something was not looked at."""
        for walked in walk:
            if self.only is None:
                yield walked
            elif isinstance(walked, Batch):
                if kept := _kept(walked, self.only):
                    yield kept
            elif not isinstance(walked, FoundUrl) or walked.url in self.only:
                yield walked


def _kept(batch: Batch, only: frozenset[str]) -> Batch | None:
    """The files of a batch that are among `only`."""
    kept = [
        (name, result)
        for name, result in zip(batch.names, batch.results, strict=True)
        if os.path.abspath(batch.path(name)) in only
    ]
    names, results = [name for name, _ in kept], [result for _, result in kept]
    return replace(batch, names=names, results=results) if kept else None
