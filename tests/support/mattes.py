"""Made-up mattes: H x W, 0 = cut away, 255 = kept, whose measures can be told beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = (300, 400)


def plain(alpha: int) -> NDArray[np.uint8]:
    return np.full(SHAPE, alpha, np.uint8)


def disc(
    radius: float = 100, *, middle: tuple[float, float] = (150, 200), soft: float = 1
) -> NDArray[np.uint8]:
    """Around `middle` (row, column); its alpha falls from 1 to 0 over `soft` pixels."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    far = np.hypot(rows - middle[0], columns - middle[1])
    alpha: NDArray[np.uint8] = (np.clip((radius - far) / soft + 0.5, 0, 1) * 255 + 0.5).astype(np.uint8)
    return alpha


def ring(outer: float = 100, inner: float = 50) -> NDArray[np.uint8]:
    return disc(outer) - disc(inner)


def box(top: int, left: int, bottom: int, right: int) -> NDArray[np.uint8]:
    matte = plain(0)
    matte[top:bottom, left:right] = 255
    return matte


def cut_out(
    matte: NDArray[np.uint8],
    *,
    colour: tuple[int, int, int] = (200, 90, 30),
    edge: tuple[int, int, int] | None = None,
) -> NDArray[np.uint8]:
    """A result of one colour; edge: another one where it is neither kept nor cut away."""
    pixels = np.zeros((*matte.shape, 4), np.uint8)
    pixels[..., :3] = colour
    if edge is not None:
        pixels[(matte > 0) & (matte < 255), :3] = edge
    pixels[..., 3] = matte
    pixels[matte == 0] = 0
    return pixels
