"""Walks in a thread of its own, a batch ahead at most: whoever takes gets all that was found meanwhile.

So a visit to a thread is shared by many small folders, or by many lines of a list, and yet nothing that was
found waits for what comes after it: a pipe may stay silent, and a tree may hold a million other files.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pixian_batch.adapters.walking import BATCH, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.adapters.walking import Walked


class Prefetch:
    """One walk, and who waits for it. `take` until it gives nothing; `close` in any case."""

    def __init__(self, walk: Iterator[Walked]) -> None:
        self._walk = walk
        self._turn = threading.Condition()
        self._found: list[Walked] = []
        self._names = 0
        self._over = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._go, name="walk", daemon=True)
        self._thread.start()

    def take(self) -> list[Walked]:
        """What has been found since the last time, at least one; nothing at the end. Blocking.

        Raises what the walk raised.
        """
        with self._turn:
            self._turn.wait_for(lambda: self._found or self._over)
            found, self._found, self._names = self._found, [], 0
            self._turn.notify()
        if not found and self._error is not None:
            raise self._error
        return found

    def close(self) -> None:
        """Walk no further. What the walk holds open is closed by its own thread."""
        with self._turn:
            self._over = True
            self._turn.notify()

    def _go(self) -> None:
        try:
            for walked in self._walk:
                if not self._add(walked):
                    break
        except Exception as error:  # noqa: BLE001  # belongs to whoever takes
            self._error = error
        self.close()

    def _add(self, walked: Walked) -> bool:
        """Put it with the others, when there is room; False when nobody wants it any more."""
        with self._turn:
            self._turn.wait_for(lambda: self._names < BATCH or self._over)
            self._found.append(walked)
            self._names += size_of(walked)
            self._turn.notify()
            return not self._over
