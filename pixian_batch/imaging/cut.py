"""Where a photo's own frame has cut the subject off, told after a margin was added: an edge that is straight and hard. Pure.

Such an edge lies in one row or column of pixels, and is wholly there from that pixel on. A product's own edge is seldom so
exactly parallel to the frame, and soft in a photo; of a box that is seen from the front it may be. So this is a hint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pixian_batch.contract.headers import Box

_DEPTH: Final = 6
"""Pixels from the subject's box inward in which its edge is looked for: a JPEG's noise may stand before it."""
_INWARD: Final = 3
"""Pixels from the edge on which it is compared with the subject itself."""
_HARD: Final = 0.6
"""Of the subject's own distance from the ground, that the edge's first pixel has."""


def straight_edge(far: NDArray[np.uint8], box: Box, *, edge: float) -> float:
    """Of the sides of the subject's box the most that is straight and hard, 0..1; sides at the picture's frame not counted.

    far (H x W): distances from the ground; edge: from which distance on a pixel is the subject's.
    """
    inner = far[box.top : box.top + box.height, box.left : box.left + box.width]
    height, width = far.shape
    sides = (
        (box.top > 0, inner),
        (box.top + box.height < height, inner[::-1]),
        (box.left > 0, inner.T),
        (box.left + box.width < width, inner.T[::-1]),
    )
    return max((_straight(strip, edge) for free, strip in sides if free), default=0.0)


def _straight(strip: NDArray[np.uint8], edge: float) -> float:
    """Of the columns of `strip`, whose first row is the outermost, those that begin in the same row, and at once."""
    if len(strip) < _DEPTH + _INWARD:
        return 0.0
    standing = strip[:_DEPTH] > edge
    first = standing.argmax(axis=0)
    columns = np.arange(strip.shape[1])
    hard = strip[first, columns] >= _HARD * strip[first + _INWARD, columns]
    counts = np.bincount(first[standing.any(axis=0) & hard], minlength=1)
    return float(counts.max() / strip.shape[1])
