"""Room for decoded pictures, counted in pixels: it bounds the memory of whatever is worked on at once.

For threads only; it knows nothing of pictures but how many pixels they have.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class PixelMemory:
    """Room for `pixels` pixels. Who comes first goes in first; who is larger than all of it goes in alone."""

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._changed = threading.Condition()
        self._door = threading.Lock()
        """Held by the one who waits next: without it the small would overtake the large for ever."""

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Wait for the room that so many pixels need, and hold it."""
        needed = min(pixels, self._all)
        with self._door, self._changed:
            self._changed.wait_for(lambda: self._free >= needed)
            self._free -= needed
        try:
            yield
        finally:
            with self._changed:
                self._free += needed
                self._changed.notify_all()
