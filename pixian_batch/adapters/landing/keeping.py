"""Results that were replaced, kept: `OUT/.pixian-batch/kept/`, each by the key of its image. Knows no ledger.

A kept result is a link to the one that is about to be replaced, or a copy; it is durable before that is, so at
no moment is there neither. Blocking. tests/money/test_replace.py proves it.
"""

from __future__ import annotations

import os
import posixpath
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing import files

if TYPE_CHECKING:
    from pixian_batch.policy.record import Key

KEPT: Final = ".pixian-batch/kept"
"""Under the output folder, as a place."""


def kept_place(key: Key, place: str, again: int = 0) -> str:
    """The place where the result of `key` that stands at `place` is kept.

    again: the number of the attempt that bought it, when the very same image is bought once more: then it is not
    the latest one of its key, and nothing is made from it.
    """
    params = blake2b(key.params.encode(), digest_size=8).hexdigest()
    name = f"{key.digest.hex()}-{params}" + (f".attempt-{again}" if again else "")
    return posixpath.join(KEPT, name[:2], name + posixpath.splitext(place)[1])


def is_kept(place: str) -> bool:
    """Whether a place is that of a kept result."""
    return place.startswith(KEPT + "/")


def keep(path: str, kept: str) -> int:
    """Link the result at `path` to `kept`, durably, with all folders above it; its size. Raises OSError."""
    missing: list[str] = []
    folder = os.path.dirname(kept)
    while not os.path.isdir(folder) and folder != (above := os.path.dirname(folder)):
        missing.append(folder)
        folder = above
    size = files.link(path, kept)
    for made in missing:
        files.sync_folder(os.path.dirname(made))
    return size
