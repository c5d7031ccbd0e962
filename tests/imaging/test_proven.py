"""Every layout on the list is decoded to the pixels that it was made of; the others are known by their names."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from imaging import layouts

from pixian_batch.imaging.delta import encode_delta, rebuild
from pixian_batch.imaging.errors import UnprovenLayoutError
from pixian_batch.imaging.pixels import open_picture
from pixian_batch.imaging.probe import check_complete, probe
from pixian_batch.imaging.proven import PROVEN


def test_every_layout_on_the_list_has_a_sample() -> None:
    assert set(layouts.proven()) == PROVEN


def test_what_is_rebuilt_is_what_the_original_was_made_of(subtests: pytest.Subtests) -> None:
    for layout, (data, pixels, tolerance) in layouts.proven().items():
        with subtests.test(layout=layout):
            original = io.BytesIO(data)
            header = probe(original)
            check_complete(original, header.kind)
            assert (header.layout, header.is_proven) == (layout, True)
            solid = np.full((*pixels.shape[:2], 4), (255, 255, 255, 0), np.uint8)
            rebuilt = open_picture(io.BytesIO(rebuild(original, layouts_png(solid))))
            assert np.abs(rebuilt.rgb.astype(int) - pixels).max() <= tolerance
            assert rebuilt.alpha is None or (rebuilt.alpha == 255).all()


def layouts_png(rgba: layouts.Pixels) -> io.BytesIO:
    return io.BytesIO(layouts.png(6, 8, [row.tobytes() for row in rgba]))


def test_other_layouts_are_known_and_no_delta_is_rebuilt_from_them(subtests: pytest.Subtests) -> None:
    for layout, data in layouts.unproven().items():
        with subtests.test(layout=layout):
            header = probe(io.BytesIO(data))
            assert (header.layout, header.is_proven) == (layout, False)
            blank = np.zeros((header.size.height, header.size.width, 4), np.uint8)
            delta = io.BytesIO(encode_delta(np.ascontiguousarray(blank[..., :3]), blank))
            with pytest.raises(UnprovenLayoutError, match=re.escape(f"from {layout}, a rebuild")):
                rebuild(io.BytesIO(data), delta)
