"""The old background's colour, taken out of soft edges: despill. Pure arithmetic on a cut-out's own pixels.

A pixel that was cut out without it shows the mixture a F + (1 - a) B in place of the object's colour F. Nobody tells B
here; but where it shows, colours drift the further, the less opaque they are: C - F = (1 - a) (B - F). So around each
soft pixel that drift is measured (least squares over what is near, F being the mean of what is opaque there) and taken
back. Edges without a drift, which were cleaned already, stay as they are.
Pixels that are wholly opaque or wholly transparent are never touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_TILE: Final = 128
_REACH: Final = 1 / 200
"""How far "nearby" reaches, as a part of the longer side."""
_SHORTEST, _LONGEST = 3, 16
_OPAQUE: Final = 250
"""From this alpha on a pixel shows the object's own colour."""
_FAINTEST: Final = 8
"""Below this alpha a colour is mostly rounding."""
_ENOUGH: Final = 0.02
"""The least weight, of a full window, from which a mean is believed."""


def despilled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`pixels` (H x W x 4, straight alpha) without the colour fringe of its soft edges; a new array."""
    cleaned = pixels.copy()
    alpha = pixels[..., 3]
    soft = (alpha > 0) & (alpha < 255)
    reach = int(min(_LONGEST, max(_SHORTEST, max(alpha.shape) * _REACH)))
    for rows, columns in _tiles(soft):
        around = _grown(rows, 2 * reach, alpha.shape[0]), _grown(columns, 2 * reach, alpha.shape[1])
        inner = (
            slice(rows.start - around[0].start, rows.stop - around[0].start),
            slice(columns.start - around[1].start, columns.stop - around[1].start),
        )
        clean = _clean(pixels[around], reach)[inner]
        part = soft[rows, columns]
        cleaned[rows, columns, :3][part] = clean[part]
    return cleaned


def _tiles(soft: NDArray[np.bool_]) -> Iterator[tuple[slice, slice]]:
    for top in range(0, soft.shape[0], _TILE):
        for left in range(0, soft.shape[1], _TILE):
            window = soft[top : top + _TILE, left : left + _TILE]
            if window.any():
                yield slice(top, top + window.shape[0]), slice(left, left + window.shape[1])


def _grown(part: slice, by: int, limit: int) -> slice:
    return slice(max(0, part.start - by), min(limit, part.stop + by))


def _clean(window: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """The colours of a window (h x w x 3) without their drift."""
    alpha = window[..., 3].astype(np.float32)[..., np.newaxis]
    colours = window[..., :3].astype(np.float32)
    solid = (alpha >= _OPAQUE).astype(np.float32)
    near = _blurred(solid, reach)
    own = _blurred(solid * colours, reach) / np.maximum(near, 1e-6)
    missing = 1 - alpha / 255
    weight = ((alpha >= _FAINTEST) & (alpha < _OPAQUE) & (near > _ENOUGH)).astype(np.float32)
    # Least squares through the origin: colour - own = missing * drift.
    drift = _blurred(weight * missing * (colours - own), reach)
    drift /= np.maximum(_blurred(weight * missing * missing, reach), 1e-6)
    corrected = np.where(near > _ENOUGH, colours - missing * drift, colours)
    return np.clip(np.rint(corrected), 0, 255).astype(np.uint8)


def _blurred(values: NDArray[np.floating[Any]], reach: int) -> NDArray[np.float32]:
    """Means over squares of 2 reach + 1 pixels, what is outside counted as 0."""
    for axis in (0, 1):
        padding = [(reach + 1, reach) if axis == other else (0, 0) for other in range(values.ndim)]
        sums = np.cumsum(np.pad(values, padding), axis=axis, dtype=np.float64)
        length, width = values.shape[axis], 2 * reach + 1
        upper = sums.take(range(width, width + length), axis=axis)
        values = (upper - sums.take(range(length), axis=axis)) / width
    return values.astype(np.float32)
