"""Which files in the output folder are inputs of this run: no result may take their place, whatever the options say.

Files are told apart by device and inode, never by their names. Blocking; opens nothing but a list of inputs.
tests/cli/test_originals.py proves it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.adapters.walking import fixed_prefix, read_list
from pixian_batch.policy.outcome import Failed, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.pipeline.inputs import Inputs

_HINT = "name another --out, where no photos are"


@dataclass(slots=True)
class Originals:
    """Asked only about files that stand where a result would go, and that the ledger did not make: they are few."""

    inputs: Inputs
    out: str
    _files: set[int] | None = None
    """Hashes of the identities of all inputs that are named one by one; None until somebody asks."""
    _roots: set[tuple[int, int]] = field(default_factory=set)

    def holds(self, path: str, source: str) -> bool:
        """Whether the file at `path`, where the result of `source` would go, is an input of this run, or a link to one.

        A list that comes from a pipe cannot be read ahead: then every file beside `source` counts as one.
        """
        there = identity(path)
        if there is None:
            return False
        if there == identity(source):
            return True
        if self._files is None:
            self._learn()
        if hash(there) in (self._files or ()) or self._is_walked(path):
            return True
        folders = identity(os.path.dirname(path) or "."), identity(os.path.dirname(source) or ".")
        return self._is_piped and folders[0] == folders[1]

    @property
    def _is_piped(self) -> bool:
        return self.inputs.listed is not None and not os.path.isfile(self.inputs.listed)

    def _learn(self) -> None:
        self._files = set()
        for name in self._names():
            try:
                status = os.stat(name)
            except (OSError, ValueError):  # a glob, a URL, or nothing
                if (root := identity(fixed_prefix(name))) is not None:
                    self._roots.add(root)
                continue
            here = status.st_dev, status.st_ino
            if stat.S_ISDIR(status.st_mode):
                self._roots.add(here)
            else:
                self._files.add(hash(here))

    def _names(self) -> Iterator[str]:
        yield from self.inputs.paths
        if self.inputs.listed is not None and not self._is_piped:
            yield from read_list(self.inputs.listed, nul=self.inputs.nul)

    def _is_walked(self, path: str) -> bool:
        """Whether a folder among the inputs leads to it. The walk never enters the output folder itself."""
        folder, out = os.path.realpath(os.path.dirname(path)), identity(self.out)
        while (here := identity(folder)) != out:
            if here in self._roots:
                return True
            if folder == (folder := os.path.dirname(folder)):
                break
        return False


def identity(path: str) -> tuple[int, int] | None:
    """The file that `path` leads to, links followed; None when there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def stands_on_itself(place: str) -> Failed:
    """Why an image has no result: the photo itself is where it would go."""
    return Failed(
        Problem("collision", f"its result would take the place of the photo itself, {place}", _HINT)
    )


def stands_on_another(place: str) -> Failed:
    """Why an image has no result: another photo is where it would go."""
    return Failed(
        Problem("collision", f"its result would take the place of {place}, which is an input too", _HINT)
    )
