"""What can be wrong with an image or with what is asked of it. Imports nothing heavy."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.contract.params import Size


class ImagingError(Exception):
    """The base of every error that imaging raises on purpose; its text is a message for the user."""


class UnreadableImageError(ImagingError):
    """The bytes are no image that the service reads, or not all of one."""


class ForeignImageError(UnreadableImageError):
    """The image is of a kind that the service does not read; `convertible`: one of which another can be made here."""

    def __init__(self, message: str, *, convertible: bool) -> None:
        super().__init__(message)
        self.convertible = convertible


class DecoderMissingError(ImagingError):
    """A kind that could be read here if something were installed; `hint` says what."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class TooManyPixelsError(ImagingError):
    """The image's header announces more pixels than allowed; nothing was decoded."""

    def __init__(self, size: Size, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(
            f"{size.width} x {size.height} is {size.pixels:,} pixels; at most {limit:,} are allowed"
        )


class LayoutError(ImagingError):
    """Crop, margin and target size ask for a result that cannot be."""


class DeltaShrunkError(ImagingError):
    """A Delta PNG needs the input's size, but the pixel limit shrinks the input."""

    def __init__(self, original: Size, limit: Size) -> None:
        self.original = original
        self.limit = limit
        super().__init__(
            f"delta_png needs the result to have the input's size, but max_pixels shrinks "
            f"{original.width} x {original.height} to {limit.width} x {limit.height}; raise max_pixels "
            f"or ask for png"
        )


class UnprovenLayoutError(ImagingError):
    """An original whose pixels are stored in a way that is not proven to be read as the service reads it."""

    def __init__(self, layout: str) -> None:
        self.layout = layout
        super().__init__(f"from {layout}, a rebuild is not proven to be exact")


class DeltaMismatchError(ImagingError):
    """A Delta PNG and an original that do not belong together: their upright sizes differ."""

    def __init__(self, original: Size, delta: Size) -> None:
        self.original = original
        self.delta = delta
        super().__init__(
            f"the original is {original.width} x {original.height} when upright, "
            f"the Delta PNG {delta.width} x {delta.height}: they do not belong together"
        )


@contextmanager
def only_unreadable() -> Iterator[None]:
    """Turn whatever is raised on bad bytes into `UnreadableImageError`."""
    try:
        yield
    except UnreadableImageError:
        raise
    except Exception as error:  # Pillow raises nearly anything on hostile input
        raise UnreadableImageError(f"the image cannot be read: {_reason(error)}") from error


_CUT_OFF: Final = (
    "truncat",
    "too short",
    "not enough data",
    "unexpected end",
    "bytes not processed",
    "buffer",
)
_FOREIGN: Final = ("identify", "not a ", "unknown")


def _reason(error: Exception) -> str:
    """What is wrong, in our words: a decoder's are for programmers, and stay in the exception's `__cause__`."""
    text = str(error).lower()
    if isinstance(error, EOFError | struct.error | IndexError) or any(part in text for part in _CUT_OFF):
        return "it is cut off"
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if any(part in text for part in _FOREIGN):
        return "it is damaged at its beginning"
    return "its data is damaged"
