"""Cuts out a subject with a network: a coarse map of the whole picture, a closer look, decisions, fine edges.

A network sees few pixels, whatever the picture (the built-in one 320 x 320). When the subject fills only a
part of it, the network looks a second time, at the subject's surroundings alone. Its output is used as it
comes (a probability); stretching it to the full range, as is often done, invents a subject on an empty page.
Pictures of any size cost about the same: only tiles with an edge are worked on at full resolution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from pixian_batch.emulator.engine.deciding import decided
from pixian_batch.emulator.engine.refine import reduced, refine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pixian_batch.emulator.engine.network import Network

    Map = NDArray[np.float32]
    Window = tuple[slice, slice]

_SUBJECT: Final = 0.5
"""From this probability on a pixel counts as subject when its box is sought."""
_PADDING: Final = 0.12
"""How far beyond the subject's box the second look reaches, as a part of the box's side."""
_LEAST_PADDING: Final = 1 / 80
_WORTH_A_LOOK: Final = 0.6
"""The second look is taken when its window is at most this part of the picture."""
_AGREEMENT: Final = 0.6
"""The second look is believed when both looks overlap at least this much (IoU)."""


class Cutter:
    """An `Engine` around a network."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def matte(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `Engine.matte`."""
        small = reduced(rgb)
        coarse = self.network.look(small)
        window = _window(coarse, *rgb.shape[:2])
        if window is not None:
            part = rgb[window]
            small_part = reduced(part)
            closer = self.network.look(small_part)
            if _agree(coarse, closer, window, rgb.shape[:2]):
                alpha = np.zeros(rgb.shape[:2], np.uint8)
                alpha[window] = self._fine(part, small_part, closer)
                return alpha
        return self._fine(rgb, small, coarse)

    def _fine(self, rgb: NDArray[np.uint8], small: Image.Image, coarse: Map) -> NDArray[np.uint8]:
        return refine(rgb, small, decided(coarse, small) if self.network.recipe.unsure else coarse)


def _window(coarse: Map, height: int, width: int) -> Window | None:
    """Rows and columns of the picture around the subject; None when a closer look would show no more."""
    mask = coarse >= _SUBJECT
    rows, columns = (_padded(np.flatnonzero(mask.any(axis=axis)), mask.shape[1 - axis]) for axis in (1, 0))
    if rows is None or columns is None:
        return None
    part = (rows[1] - rows[0]) * (columns[1] - columns[0])
    if part > _WORTH_A_LOOK:
        return None
    return _slice(rows, height), _slice(columns, width)


def _padded(indices: NDArray[np.intp], length: int) -> tuple[float, float] | None:
    """Where the subject lies along one axis, with some surroundings; 0 and 1 are the picture's ends."""
    if not indices.size:
        return None
    first, last = float(indices[0]) / length, float(indices[-1] + 1) / length
    room = max((last - first) * _PADDING, _LEAST_PADDING)
    return max(0.0, first - room), min(1.0, last + room)


def _slice(ends: tuple[float, float], length: int) -> slice:
    first = int(ends[0] * length)
    return slice(first, max(first + 1, round(ends[1] * length)))


def _agree(coarse: Map, closer: Map, window: Window, shape: tuple[int, ...]) -> bool:
    """Whether the closer look found about the same subject as the first one."""
    (top, bottom), (left, right) = (
        (ends.start * side / length, ends.stop * side / length)
        for ends, length, side in zip(window, shape, coarse.shape, strict=True)
    )
    before = Image.fromarray(coarse).resize(
        closer.shape[::-1], Image.Resampling.BILINEAR, box=(left, top, right, bottom)
    )
    first, second = np.asarray(before) >= _SUBJECT, closer >= _SUBJECT
    return int((first & second).sum()) >= _AGREEMENT * int((first | second).sum())
