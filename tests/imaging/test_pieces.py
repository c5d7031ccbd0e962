"""Connected pieces: drawn ones, and random ones against a plain flood fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pixian_batch.imaging.pieces import pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRAIGHT = ((0, 1), (1, 0), (0, -1), (-1, 0))
SLANTING = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def mask(drawing: str) -> NDArray[np.bool_]:
    return np.array([[sign == "#" for sign in line] for line in drawing.split()])


def flooded(bits: NDArray[np.bool_], steps: tuple[tuple[int, int], ...]) -> list[tuple[int, bool]]:
    """Area and whether it reaches the frame, of each piece."""
    height, width = bits.shape
    left, found = {(int(row), int(column)) for row, column in zip(*np.nonzero(bits), strict=True)}, []
    while left:
        line = [left.pop()]
        area, at_frame = 0, False
        while line:
            row, column = line.pop()
            area += 1
            at_frame |= row in {0, height - 1} or column in {0, width - 1}
            near = {(row + down, column + across) for down, across in steps} & left
            left -= near
            line += near
        found.append((area, at_frame))
    return sorted(found)


def test_pieces_of_drawn_masks() -> None:
    drawing = mask("##...#  ##....  ....#.  ...#..  .#....")
    corners, sides = pieces(drawing, diagonal=True), pieces(drawing, diagonal=False)
    assert corners.areas.tolist() == [4, 2, 1, 1]
    assert sides.areas.tolist() == [4, 1, 1, 1, 1]
    assert corners.at_frame.tolist() == [True, False, True, True]
    spiral = mask("######  #....#  #.##.#  #.#..#  #.####")
    assert pieces(spiral, diagonal=False).areas.tolist() == [20]
    assert pieces(~spiral, diagonal=False).areas.tolist() == [10]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 7)])
def test_nothing_and_all_of_it(shape: tuple[int, int]) -> None:
    assert pieces(np.zeros(shape, np.bool_), diagonal=True).areas.tolist() == []
    whole = pieces(np.ones(shape, np.bool_), diagonal=True)
    assert (whole.areas.tolist(), whole.at_frame.tolist()) == ([shape[0] * shape[1]], [True])


def test_random_masks_fall_apart_as_a_flood_fill_says() -> None:
    random = np.random.default_rng(3)
    for number in range(60):
        bits = random.random(random.integers(1, 25, 2)) < random.choice([0.2, 0.5, 0.6, 0.8])
        diagonal = bool(number % 2)
        found = pieces(bits, diagonal=diagonal)
        ours = sorted(zip(found.areas.tolist(), found.at_frame.tolist(), strict=True))
        assert ours == flooded(bits, STRAIGHT + SLANTING if diagonal else STRAIGHT), number
        assert (np.diff(found.areas) <= 0).all(), "largest first"
