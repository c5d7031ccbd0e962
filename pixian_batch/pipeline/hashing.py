"""Many files -> their BLAKE3 hashes, in threads: hashing lets go of the interpreter, so all cores work. Blocking; writes
nothing. Proved by tests/cli/test_verify.py.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.processes import usable_cores
from pixian_batch.adapters.reading import ReadingError, hash_of, starts_with
from pixian_batch.policy.lockfile import SeenFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_LARGEST_POINTER: Final = 1024


@contextmanager
def looking() -> Iterator[Callable[[Sequence[str]], list[SeenFile]]]:
    """What to call with some paths for what is at each. Who leaves early waits for the files that are being read only."""
    pool = ThreadPoolExecutor(2 * usable_cores(), "hashing")  # some wait for the disk while others hash
    try:
        yield lambda paths: list(pool.map(_look, paths))
    finally:
        pool.shutdown(cancel_futures=True)


def _look(path: str) -> SeenFile:
    try:
        return SeenFile(hash_of(path).hex(), is_pointer=_is_pointer(path))
    except ReadingError as error:
        if not os.path.lexists(path):
            return SeenFile(None)
        return SeenFile(None, str(error), error.hint)


def _is_pointer(path: str) -> bool:
    """Whether it is what Git LFS leaves where it did not fetch the file."""
    return os.path.getsize(path) < _LARGEST_POINTER and starts_with(path, _POINTER)
