"""Writes to a stream from a thread of its own, so that a stalled reader never stalls the uploads.

A terminal stopped with Ctrl-S, a sleeping ssh session or a pager that nobody scrolls blocks `write`. On
the event loop that would freeze every upload until the service drops it, and an upload that is dropped is
in doubt. The thread knows no clock and decides nothing; errors of the stream end the writing quietly.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Final

from pixian_batch.display.streams import ESCAPES

if TYPE_CHECKING:
    from typing import TextIO

_MOST_WAITING: Final = 20_000
"""Texts that may wait; some ten megabytes of JSON records."""


class Writer:
    """Hands texts to `stream` in order. `lossless`: a full queue makes `put` wait instead of dropping."""

    def __init__(self, stream: TextIO, *, lossless: bool = False) -> None:
        self._stream = stream
        self._lossless = lossless
        self._waiting: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self.broken = False
        """Whether nobody reads any more; everything put since is discarded."""

    @property
    def idle(self) -> bool:
        """Whether everything put so far has been written."""
        return self._waiting.unfinished_tasks == 0

    def put(self, text: str) -> None:
        """Have `text` written soon; never raises."""
        if self.broken:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="writer", daemon=True)
            self._thread.start()
        with contextlib.suppress(queue.Full):
            self._waiting.put(text, block=self._lossless)

    def flush(self) -> None:
        """Wait until everything put so far has been written."""
        self._waiting.join()

    def close(self) -> None:
        """Wait until everything is written, and end the thread."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _write_all(self) -> None:
        while (text := self._waiting.get()) is not None:
            self._write(text, flush=self._waiting.empty())
            self._waiting.task_done()
        self._write("", flush=True)
        self._waiting.task_done()

    def _write(self, text: str, *, flush: bool) -> None:
        if self.broken:
            return
        try:
            self._stream.write(encodable(text, self._stream))
            if flush:
                self._stream.flush()
        except (OSError, ValueError):  # the reader went away, or the stream was closed
            self.broken = True


def encodable(text: str, stream: TextIO) -> str:
    """`text` with stand-ins or escapes for what `stream` cannot encode."""
    encoding = stream.encoding or "utf-8"  # an in-memory stream has none
    return text.encode(encoding, ESCAPES).decode(encoding)
