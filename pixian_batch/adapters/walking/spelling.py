"""A path that leads nowhere -> the one that was probably meant, among what stands beside it. Only looks at names.

Proved by tests/cli/test_missing.py.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 10_000
"""Names of a folder that are looked at: the answer has to come at once, on a network share, too."""


def path_meant(path: str) -> str | None:
    """`path` with its first part that is not there corrected, as the user would write it; None where nothing is near."""
    head, missing, rest = _parted(path)
    near = nearest(missing, _names(head or os.curdir))
    if near is None:
        return None
    meant = os.path.join(head, near)
    whole = os.path.join(meant, rest) if rest else meant
    return whole if os.path.lexists(whole) else meant


def did_you_mean(path: str, otherwise: str = "check the spelling of the path") -> str:
    """What to do about a path that leads nowhere."""
    meant = path_meant(path)
    return f"did you mean {meant}?" if meant is not None else otherwise


def _parted(path: str) -> tuple[str, str, str]:
    """What is there of a path, the first name that is not, and the rest."""
    head, missing, rest = path.rstrip(os.sep + (os.altsep or "")), "", ""
    while head and not os.path.lexists(head):
        above, name = os.path.split(head)
        if missing:
            rest = os.path.join(missing, rest) if rest else missing
        if above == head:
            break
        head, missing = above, name
    return head, missing, rest


def _names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from [entry.name for entry in itertools.islice(entries, _MOST) if entry.name[0] != "."]
    except OSError:
        return
