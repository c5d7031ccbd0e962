"""Files and their lock, compared: every file is read, no ledger and no network is needed. Blocking; writes nothing.

Proved by tests/cli/test_verify.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pixian_batch.pipeline.hashing import looking
from pixian_batch.policy.lockfile import FindingKind, LockFinding, judge, locked_twice, not_locked, read_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pixian_batch.adapters.walking import Walked
    from pixian_batch.policy.lockfile import LockLine

_AT_ONCE: Final = 200
"""Lines whose files are read side by side."""


def read_lock_file(path: str) -> list[LockLine]:
    """The lines of the lock at `path`. Raises OSError and `LockError`."""
    with open(path, "rb") as stream:
        return read_lock(stream.read())


def verify(lines: Sequence[LockLine], folder: str) -> Iterator[LockFinding]:
    """What is not as the lock in `folder` says; each file is read once. No finding comes twice."""
    yield from locked_twice(lines)
    with looking() as look:
        for start in range(0, len(lines), _AT_ONCE):
            part = lines[start : start + _AT_ONCE]
            names = list(dict.fromkeys(name for line in part for name in line.files))
            seen = dict(zip(names, look([_path(folder, name) for name in names]), strict=True))
            found = (item for line in part for item in judge(line, seen[line.input], seen[line.output]))
            yield from dict.fromkeys(found)


def unlocked(walk: Iterable[Walked], lines: Sequence[LockLine], folder: str) -> Iterator[LockFinding]:
    """Inputs of the `walk` that have no line, and what cannot be walked. Results of the lock are no inputs."""
    from pixian_batch.adapters.walking import Batch, Trouble  # only where inputs are named

    locked = {_path(folder, name) for line in lines for name in line.files}
    for walked in walk:
        if isinstance(walked, Trouble):
            yield LockFinding(FindingKind.UNREADABLE, walked.path, walked.message, walked.hint)
        elif isinstance(walked, Batch):
            paths = map(walked.path, walked.names)
            yield from (not_locked(path) for path in paths if os.path.abspath(path) not in locked)


def _path(folder: str, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))
