"""What runs have left under an output folder beside its results: partials, and results that are kept. Blocking.

Looks at names only: whether a partial is settled is known to the ledger, whose attempt it names. tests/cli/test_clean.py proves
it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing.keeping import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARTIAL: Final = re.compile(r"(\.pixian-(\d+)-[0-9a-f]{8}\.part)(\.rebuilt|\.bare)?")
_KEPT_NAME: Final = re.compile(r"[0-9a-f]{64}-[0-9a-f]{16}(\.attempt-\d+)?\.[a-z.]+")


@dataclass(frozen=True, slots=True)
class Partial:
    """A spool, or what was made beside one. attempt: whose it is; spool: the spool's name."""

    path: str
    size: int
    attempt: int
    spool: str


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A result that was replaced, and its place."""

    path: str
    size: int
    place: str


def partials(out: str) -> Iterator[Partial]:
    """All spools under an output folder, of any ledger."""
    for folder, _folders, names in os.walk(out):
        for name in sorted(names):
            match = _PARTIAL.fullmatch(name)
            path = os.path.join(folder, name)
            if match and os.path.isfile(path) and not os.path.islink(path):
                yield Partial(path, os.path.getsize(path), int(match[2]), match[1])


def kept_files(out: str) -> Iterator[KeptFile]:
    """All results that are kept under an output folder."""
    root = os.path.join(out, *KEPT.split("/"))
    for folder, _folders, names in os.walk(root):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if _KEPT_NAME.fullmatch(name) and os.path.isfile(path) and not os.path.islink(path):
                yield KeptFile(path, os.path.getsize(path), f"{KEPT}/{os.path.basename(folder)}/{name}")
