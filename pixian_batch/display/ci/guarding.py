"""Standard error on GitHub's runner, where a line may be a command: nothing that is written there becomes one.

What is meant as a command goes to `unguarded`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from pixian_batch.display.ci.commands import harmless

if TYPE_CHECKING:
    from typing import TextIO


class GuardedStream:
    """`unguarded` with every written text made harmless; all else is the stream's own."""

    def __init__(self, unguarded: TextIO) -> None:
        self.unguarded = unguarded

    def write(self, text: str) -> int:
        """Write a text in which nothing is a command."""
        self.unguarded.write(harmless(text))
        return len(text)

    def writelines(self, texts: list[str]) -> None:
        """Write them one after the other."""
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


def guard_standard_error() -> None:
    """From now on; once."""
    if not isinstance(sys.stderr, GuardedStream):
        sys.stderr = cast("TextIO", GuardedStream(sys.stderr))


def unguarded(stream: TextIO) -> TextIO:
    """Where commands are written that are meant."""
    return stream.unguarded if isinstance(stream, GuardedStream) else stream
