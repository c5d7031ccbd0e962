"""Answers without work, for rehearsals that are about money and pace: only the input's header is read.

The answer is a whole, valid PNG or JPEG of one colour with true headers: the input's upright size (or
the target size), all of it foreground but for a clear frame. A delta answer says "all this is the input".
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final

from pixian_batch.contract.headers import Box
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import MAX_INPUT_PIXELS, OutputFormat
from pixian_batch.emulator.result import RenderedResult, spooled
from pixian_batch.imaging.errors import DeltaShrunkError, TooManyPixelsError
from pixian_batch.imaging.probe import check_complete, probe

if TYPE_CHECKING:
    from pixian_batch.contract.params import Params, Size

_KEPT: Final = 128
_FRAMED_FROM: Final = 3


def canned(stream: BinaryIO, params: Params, *, spool_bytes: int) -> RenderedResult:
    """An answer that fits the header of the image in `stream`; raises imaging's errors."""
    header = probe(stream)
    if header.size.pixels > MAX_INPUT_PIXELS:
        raise TooManyPixelsError(header.size, MAX_INPUT_PIXELS)
    check_complete(stream, header.kind)
    delta = params.result_format is OutputFormat.DELTA_PNG
    if delta and header.size.pixels > params.max_pixels:
        raise DeltaShrunkError(header.size, header.size)
    size = header.upright if delta or params.target_size is None else params.target_size
    body = _body(size, params.result_format)
    return RenderedResult(
        body=spooled(body, spool_bytes=spool_bytes),
        size=len(body),
        kind=Kind.JPEG if params.result_format is OutputFormat.JPEG else Kind.PNG,
        orientation=header.orientation,
        input_size=header.upright,
        result_size=size,
        input_foreground=_framed(header.upright),
        result_foreground=_framed(size),
    )


@lru_cache(maxsize=_KEPT)
def _body(size: Size, output: OutputFormat) -> bytes:
    from PIL import Image  # heavy

    out = io.BytesIO()
    sides = (size.width, size.height)
    if output is OutputFormat.JPEG:
        Image.new("RGB", sides, (128, 128, 128)).save(out, "JPEG")
    else:
        solid = (255, 255, 255, 0) if output is OutputFormat.DELTA_PNG else (128, 128, 128, 255)
        box = _framed(size)
        picture = Image.new("RGBA", sides)
        picture.paste(solid, (box.left, box.top, box.left + box.width, box.top + box.height))
        picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _framed(size: Size) -> Box:
    """All of a picture but for a frame of a tenth of its sides, where there is room for one."""
    across, down = (max(1, side // 10) if side >= _FRAMED_FROM else 0 for side in (size.width, size.height))
    return Box(down, across, size.width - 2 * across, size.height - 2 * down)
