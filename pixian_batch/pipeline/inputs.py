"""What to walk, and the walk itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pixian_batch.adapters.walking import Batch, Url, Walker, WalkRules, read_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.adapters.walking import Walked


@dataclass(frozen=True, slots=True)
class Inputs:
    """What to walk. listed: a file with more inputs (`-`: standard input); nul: its names end with NUL.

    only: absolute paths and URLs; with it, nothing else is let through.
    """

    paths: tuple[str, ...]
    listed: str | None = None
    nul: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False
    only: frozenset[str] | None = None

    @property
    def several(self) -> bool:
        """Whether results of different roots may want the same place."""
        return len(self.paths) > 1 or self.listed is not None

    def walk(
        self, *, out: str, result_place: Callable[[str], str] | None, go_on: Callable[[], bool] = lambda: True
    ) -> Iterator[Walked]:
        """All inputs; the folder `out` is never one. Blocking. Raises OSError for an unreadable list.

        result_place: None when only the names are wanted; go_on: asked while a list comes from a pipe that may stay silent; False ends the walk.
        """
        rules = WalkRules(result_place, (out,), self.include, self.exclude, self.follow_symlinks)
        yield from self._chosen(Walker(rules).walk(self.paths))
        if self.listed is not None:
            names = read_list(self.listed, nul=self.nul, go_on=go_on)
            yield from self._chosen(Walker(rules).walk(names, listed=True))

    def _chosen(self, walk: Iterator[Walked]) -> Iterator[Walked]:
        """What `only` lets through. Troubles always: they say why something was not looked at."""
        for walked in walk:
            if self.only is None:
                yield walked
            elif isinstance(walked, Batch):
                names = [name for name in walked.names if os.path.abspath(walked.path(name)) in self.only]
                if names:
                    yield replace(walked, names=names)
            elif not isinstance(walked, Url) or walked.url in self.only:
                yield walked
