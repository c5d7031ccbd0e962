"""Which of the photos that a walk finds are meant: by date, size, changes, number and order. Pure: it is handed what files
are, and what git says of them.
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from enum import StrEnum

from pixian_batch.policy.left_out import Reason


class Order(StrEnum):
    """In which order photos are taken."""

    NAME = "name"
    """As the walk finds them: folder by folder, names sorted."""
    NEWEST = "newest"
    SMALLEST = "smallest"


@dataclass(frozen=True, slots=True)
class WorkTree:
    """What git says of one work tree. top: its folder; all are real, absolute paths.

    changed: files that were added, changed or renamed. nested: folders in it that are repositories of their own.
    """

    top: str
    changed: frozenset[str]
    nested: tuple[str, ...] = ()

    def has(self, path: str) -> bool:
        """Whether it is a path in this work tree."""
        return _is_below(path, self.top)

    def against(self, path: str) -> Reason | None:
        """Why the file there is not meant; None when it is."""
        if path in self.changed:
            return None
        return Reason.NESTED if any(_is_below(path, folder) for folder in self.nested) else Reason.UNCHANGED


@dataclass(frozen=True, slots=True)
class Changes:
    """What git says of all work trees in which inputs lie (`--changed-since`)."""

    trees: tuple[WorkTree, ...]

    def against(self, path: str) -> Reason | None:
        """Why the file at a real, absolute path is not meant; None when it is. What git was not asked about is not."""
        trees = [tree for tree in self.trees if tree.has(path)]
        if not trees:
            return Reason.OUTSIDE
        return max(trees, key=lambda tree: len(tree.top)).against(path)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the user chose among what was found; by default everything.

    newer_than: seconds since 1970, compared with a file's mtime. min_size, max_size: bytes, both included.
    changes: what git says has changed, where only that is meant. sample: how many photos, spread over the folders. limit:
    how many may be bought in this run.
    """

    newer_than: float | None = None
    min_size: int | None = None
    max_size: int | None = None
    order: Order = Order.NAME
    sample: int | None = None
    limit: int | None = None
    changes: Changes | None = None

    @property
    def by_facts(self) -> bool:
        """Whether it asks for a file's size or date."""
        return any(bound is not None for bound in (self.newer_than, self.min_size, self.max_size))

    @property
    def of_all(self) -> bool:
        """Whether all inputs have to be known before the first can be taken."""
        return self.sample is not None or self.order is not Order.NAME

    def against(self, size: int, mtime: float) -> Reason | None:
        """Why a file of this size and date is not meant; None when it is."""
        if self.newer_than is not None and mtime < self.newer_than:
            return Reason.OLDER
        if self.min_size is not None and size < self.min_size:
            return Reason.SMALLER
        if self.max_size is not None and size > self.max_size:
            return Reason.LARGER
        return None

    def contradiction(self) -> str:
        """Why nothing can be meant by it, with what to do; empty when something can."""
        if self.limit is not None and self.limit < 1:
            return f"--limit {self.limit}: would buy nothing; name 1 or more, or use --dry-run"
        if self.sample is not None and self.sample < 1:
            return f"--sample {self.sample}: would take nothing; name 1 or more"
        if self.sample is not None and self.limit is not None:
            return "--sample and --limit: use one of them; a sample is bought whole, a limit goes on in the next run"
        if self.max_size == 0:
            return "--max-size 0: would take nothing; name a size like 20MB"
        if self.min_size is not None and self.max_size is not None and self.min_size > self.max_size:
            return "--min-size is more than --max-size: no photo can be both; exchange them"
        return ""
