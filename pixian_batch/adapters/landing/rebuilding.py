"""A delta and its original -> the full picture: opened here, rebuilt in `imaging`. Blocking; writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pixian_batch.policy.disk import system_word

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    Opener: TypeAlias = "str | Callable[[], BinaryIO]"
    """A path, or what opens something else to read; it may raise OSError."""


class RebuildError(Exception):
    """A delta that does not fit its original, or one of them that cannot be read: `__cause__` tells which.

    Nothing was touched: the delta, which was paid for, is where it was.
    """


def rebuild_files(
    original: Opener, delta: Opener, *, orientation: int | None = None, unproven: bool = False
) -> bytes:
    """The full PNG that `delta` stands for. Closes what it opens.

    orientation: the EXIF orientation that the service reported; None takes the original's own. unproven: also
    from an original whose layout is not proven to be read as the service reads it.
    Raises `RebuildError`, from an `ImagingError` whose text it has, or from an OSError.
    """
    from pixian_batch.imaging.delta import rebuild  # numpy, only where deltas are bought
    from pixian_batch.imaging.errors import ImagingError

    try:
        with _opened(original) as photo, _opened(delta) as changes:
            return rebuild(photo, changes, orientation=orientation, unproven=unproven)
    except ImagingError as error:
        raise RebuildError(str(error)) from error
    except OSError as error:
        # One without a number is an opener's of ours: the original is not the one that was sent.
        raise RebuildError(str(error) if error.errno is None else system_word(error)) from error


def _opened(source: Opener) -> BinaryIO:
    return open(source, "rb") if isinstance(source, str) else source()
