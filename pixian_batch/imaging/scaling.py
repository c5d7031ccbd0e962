"""Cut-outs made larger or smaller, and put onto a canvas: as `layout` says, with colours weighted by their alpha.

What is transparent has no colour of its own: unweighted, a seam of it (mostly black) would be drawn into the edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from pixian_batch.contract.headers import Box

if TYPE_CHECKING:
    from pixian_batch.contract.params import Size
    from pixian_batch.imaging.layout import Layout


def scaled(part: Image.Image, placed: Box) -> Image.Image:
    """`part` (RGBA, or RGBa: its colours already weighted) in the size of `placed`, in its own mode."""
    size = (placed.width, placed.height)
    if part.size == size:
        return part
    if part.mode == "RGBA":
        return scaled(part.convert("RGBa"), placed).convert("RGBA")
    return part.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def on_canvas(image: Image.Image, layout: Layout) -> Image.Image:
    """The scaled part where the layout puts it, all around it transparent: RGBA."""
    placed, canvas = layout.placed, layout.canvas
    if placed == whole(canvas):
        return image
    around = Image.new("RGBA", (canvas.width, canvas.height))
    around.paste(image, (placed.left, placed.top))
    return around


def whole(size: Size) -> Box:
    """The box of everything."""
    return Box(0, 0, size.width, size.height)
