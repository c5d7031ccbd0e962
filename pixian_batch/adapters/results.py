"""Looks at results where they stand. Writes nothing.

Proved by tests/pipeline/test_looking.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pixian_batch.contract.kinds import HEAD_BYTES, Kind, sniff
from pixian_batch.imaging.errors import UnreadableImageError
from pixian_batch.policy.look import Look, Shares, judged, judged_by_headers

if TYPE_CHECKING:
    from pixian_batch.contract.headers import ResultHeaders


def look_at(path: str, headers: ResultHeaders, *, cropped: bool, delta: bool) -> Look | None:
    """What the result at `path` shows; None where it cannot be read. Blocking.

    cropped: the photo was cropped to its foreground; delta: the file is a Delta PNG.
    """
    try:
        with open(path, "rb") as stream:
            if sniff(stream.read(HEAD_BYTES)) is not Kind.PNG:
                return judged_by_headers(headers, cropped=cropped)
            from pixian_batch.imaging.alpha import count_alpha  # loads Pillow: only for a PNG

            counts = count_alpha(stream, headers.result_foreground, delta=delta)
    except (OSError, UnreadableImageError, MemoryError):
        return None
    whole = Shares.of(counts.whole) if counts is not None else None
    if counts is None or whole is None:
        return judged_by_headers(headers, cropped=cropped)
    inside = Shares.of(counts.inside) if counts.inside is not None else None
    return judged(whole, inside, headers, cropped=cropped)
