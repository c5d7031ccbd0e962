"""An engine for rehearsals: a soft ellipse in the middle, whatever the picture shows. Costs next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REACH: Final = 0.8
"""The ellipse's half axes as a part of half the sides."""
_SOFT: Final = 0.04
"""Width of its soft edge, in the same unit."""


class PlainEngine:
    """Takes the middle of every picture for its subject."""

    def matte(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The matte (H x W, 0..255) for a picture (H x W x 3)."""
        rows, columns = (_squares(side) for side in rgb.shape[:2])
        distance = np.sqrt(rows[:, np.newaxis] + columns[np.newaxis, :])
        cover = np.clip((_REACH - distance) / _SOFT + 0.5, 0.0, 1.0)
        return np.asarray(np.rint(cover * 255), dtype=np.uint8)


def _squares(side: int) -> NDArray[np.float32]:
    centred = (np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1
    return np.asarray(centred * centred, dtype=np.float32)
