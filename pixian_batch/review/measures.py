"""All that is measured of one result, from its pixels, what was asked for and what the answer said. Pure.

No file, no clock, no judgement: what the numbers are worth is said in `suspicion.py`; how each comes about in `matte.py` and
`colours.py`. A result that was cropped, or that stands on a canvas, is measured as the photo's part that it is, as far as
the answer's headers tell which.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from pixian_batch.contract.headers import Box, ResultHeaders
from pixian_batch.contract.params import Color, OutputFormat, Params, Size
from pixian_batch.imaging.alpha import count_decoded
from pixian_batch.imaging.errors import LayoutError
from pixian_batch.imaging.layout import lay_out, limited, scaled_box
from pixian_batch.imaging.mist import mist
from pixian_batch.policy.look import (
    Look,
    Shares,
    foreground_part,
    judged,
    judged_by_headers,
    visible_part,
)
from pixian_batch.review.colours import fringe, left_behind, sampled, sharp_ground
from pixian_batch.review.matte import Side, box, by_ground, edge_width, frame, outline, parts, small

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pixian_batch.review.matte import Matte

_WHITE: Final = Color(255, 255, 255)
_ROUNDING: Final = 2
"""Pixels a side that a size may be off where something was scaled or cropped: how the service rounds is not told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a result beside its pixels."""

    params: Params = field(default_factory=Params)
    """What was asked for."""
    headers: ResultHeaders = field(default_factory=ResultHeaders)
    """What the answer said of it, as the ledger holds it."""

    @property
    def cropped(self) -> bool:
        """Only the foreground's box of the photo is in the result."""
        return self.params.crop_to_foreground and self.params.result_format is not OutputFormat.DELTA_PNG

    @property
    def plain(self) -> bool:
        """The result shows the whole photo and nothing around it."""
        if self.params.result_format is OutputFormat.DELTA_PNG:
            return True
        return not self.cropped and self.params.target_size is None and self.params.margin == Params().margin

    @property
    def ground(self) -> Color | None:
        """The colour that lies under the result; None where it should be transparent."""
        if self.params.result_format is OutputFormat.JPEG:
            return self.params.background_color or _WHITE
        return self.params.background_color


@dataclass(frozen=True, slots=True)
class MatteMeasures:
    """What was measured of one result. None: it cannot be known (no alpha, a crop of nobody knows what, no photo)."""

    problem: str = ""
    """Why nothing could be measured ("it is cut off"); empty where something was."""
    size: Size | None = None
    """Pixels of the result."""
    wanted: Size | None = None
    """The size that it should have, only where it has another one."""
    look: Look = field(default_factory=Look)
    """What the run itself looks for: empty, half transparent, full. By the same samples, the same rules, the same words."""
    area: float | None = None
    """Of the photo, visible: the mean alpha. 0 is empty, 1 is uncut."""
    place: tuple[float, float] | None = None
    """The middle of the foreground's box in the photo, from the left and from the top, 0..1."""
    sides: tuple[Side, ...] = ()
    """The sides of the photo's frame that the foreground reaches."""
    frame: float = 0.0
    """Of the photo's frame, the mean share of its four sides that the foreground covers (by its box alone: at most)."""
    islands: int = 0
    """Pieces that do not touch each other, without dust."""
    stray: float = 0.0
    """Of what is visible, outside the largest piece."""
    holes: int = 0
    """Clear places that the foreground encloses, without dust."""
    hollow: float = 0.0
    """Of the foreground with its holes filled, hole."""
    outline: float | None = None
    """The outline's length over that of a disc of the same area: 1 is a disc, 1.1 a square, 4 is ragged."""
    edge_width: float | None = None
    """How wide the soft edge is on average, over the longer side: 0.002 is four pixels of 2000."""
    mist: float | None = None
    """Of the picture, half transparent where no edge is."""
    lighter: float | None = None
    """How much lighter (or, negative, darker) soft edges are than what they belong to, -1..1 of full brightness."""
    halo: float | None = None
    """Of the colour in soft edges, the share that is the photo's background: 0 clean, 1 nothing but background."""
    left_behind: float | None = None
    """Beside the subject on a plain ground, what is no ground, over the subject's area; None where no ground is plain."""
    sharp_ground: float | None = None
    """How sharp what was cut away is, over how sharp what was kept is: 0 a plain or blurred ground, 1 as sharp."""


def measure(
    pixels: NDArray[np.uint8], asked: Asked | None = None, *, photo: NDArray[np.uint8] | None = None
) -> MatteMeasures:
    """All measures of a decoded result: H x W x 4, or H x W x 3 (JPEG, a coloured ground), at least 1 x 1.

    photo: the upright photo that it was made from (h x w x 3), in any size; without it some measures are None.
    Raises ValueError for another shape.
    """
    if pixels.ndim != 3 or pixels.shape[2] not in {3, 4} or not pixels.size:  # H, W, C
        raise ValueError(f"no result has the shape {pixels.shape}")
    asked = asked or Asked()
    size = Size(pixels.shape[1], pixels.shape[0])
    known = MatteMeasures(size=size, wanted=_missed(size, asked))
    if asked.ground is not None:
        return _of_flat(known, pixels[..., :3], asked, asked.ground)
    return _of_cutout(known, pixels, asked, photo)


def wanted_size(asked: Asked) -> Size | None:
    """The size that a result should have by what was asked for; None where that cannot be known."""
    params, headers = asked.params, asked.headers
    if params.target_size is not None and params.result_format is not OutputFormat.DELTA_PNG:
        return params.target_size
    if headers.input_size is None:
        return headers.result_size
    photo = limited(headers.input_size, params.max_pixels)
    if asked.plain:
        return photo
    if headers.input_foreground is None and asked.cropped:
        return headers.result_size
    foreground = headers.input_foreground or Box(0, 0, 0, 0)
    if foreground.width:
        foreground = scaled_box(foreground, before=headers.input_size, after=photo)
    try:
        return lay_out(photo, foreground, params).canvas
    except LayoutError:
        return None


def _missed(size: Size, asked: Asked) -> Size | None:
    """The wanted size, where the result has another one."""
    wanted = wanted_size(asked)
    if wanted is None:
        return None
    exact = asked.params.target_size is not None or wanted == asked.headers.input_size
    off = max(abs(size.width - wanted.width), abs(size.height - wanted.height))
    return wanted if off > (0 if exact else _ROUNDING) else None


def _of_cutout(
    known: MatteMeasures, pixels: NDArray[np.uint8], asked: Asked, photo: NDArray[np.uint8] | None
) -> MatteMeasures:
    matte = _matte(pixels)
    counts = count_decoded(Image.fromarray(matte), asked.headers.result_foreground)
    whole, inside = (Shares.of(one) if one else None for one in (counts.whole, counts.inside))
    if whole is None:
        return known
    own = photo if asked.plain else None
    rim = fringe(sampled(pixels), sampled(matte), own)
    little = small(matte)
    known = replace(
        _of_shape(known, matte, little, asked),
        look=judged(whole, inside, asked.headers, cropped=asked.cropped),
        area=_area(whole, inside, asked),
        edge_width=edge_width(matte),
        mist=mist(matte),
    )
    known = replace(known, lighter=rim.lighter, halo=rim.ground)
    return known if own is None else _by_photo(known, own, little)


def _of_flat(known: MatteMeasures, rgb: NDArray[np.uint8], asked: Asked, ground: Color) -> MatteMeasures:
    """A result on a ground of one colour: its matte is guessed by that, and its edges say nothing."""
    matte = by_ground(rgb, (ground.red, ground.green, ground.blue))
    known = replace(known, look=judged_by_headers(asked.headers, cropped=asked.cropped))
    whole = Shares.of(np.bincount(matte.ravel(), minlength=256).tolist())
    area = _area(whole, None, asked) if whole is not None else None
    return replace(_of_shape(known, matte, small(matte), asked), area=area)


def _matte(pixels: NDArray[np.uint8]) -> Matte:
    """What was to be transparent, and is a picture without alpha, is uncut."""
    if pixels.shape[2] == 3:
        return np.full(pixels.shape[:2], 255, np.uint8)
    return np.ascontiguousarray(pixels[..., 3])


def _of_shape(known: MatteMeasures, matte: Matte, little: Matte, asked: Asked) -> MatteMeasures:
    """What a guess at a matte tells, too."""
    touched = _touched(matte, asked)
    found = parts(little)
    known = replace(known, sides=tuple(touched), frame=sum(touched.values()) / 4, outline=outline(little))
    known = replace(known, islands=found.islands, stray=found.stray, holes=found.holes, hollow=found.hollow)
    return replace(known, place=_place(little, asked))


def _area(whole: Shares, inside: Shares | None, asked: Asked) -> float | None:
    """Of the photo, visible."""
    if not asked.cropped:
        return visible_part(whole, asked.headers, cropped=False)
    part = foreground_part(asked.headers)
    return None if part is None else min(1.0, (inside or whole).visible * part)


def _place(little: Matte, asked: Asked) -> tuple[float, float] | None:
    edges = box(little) if asked.plain else _told_box(asked.headers)
    return None if edges is None else ((edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2)


def _touched(matte: Matte, asked: Asked) -> dict[Side, float]:
    """The sides of the photo that the foreground reaches, and how much of each it covers."""
    if asked.plain:
        return frame(matte)
    edges = _told_box(asked.headers)
    if edges is None:
        return {}
    left, top, right, bottom = edges
    reached = {Side.TOP: top <= 0, Side.RIGHT: right >= 1, Side.BOTTOM: bottom >= 1, Side.LEFT: left <= 0}
    across = {Side.TOP: right - left, Side.RIGHT: bottom - top}
    across |= {Side.BOTTOM: across[Side.TOP], Side.LEFT: across[Side.RIGHT]}
    return {side: across[side] for side, is_reached in reached.items() if is_reached}


def _told_box(headers: ResultHeaders) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of the foreground in the photo, 0..1, as the answer told them."""
    told, size = headers.input_foreground, headers.input_size
    if told is None or size is None or not told.width * told.height:
        return None
    right, bottom = told.left + told.width, told.top + told.height
    return told.left / size.width, told.top / size.height, right / size.width, bottom / size.height


def _by_photo(known: MatteMeasures, photo: NDArray[np.uint8], little: Matte) -> MatteMeasures:
    """What the photo tells of that which was cut away."""
    same = Image.fromarray(photo).resize(little.shape[::-1], Image.Resampling.BOX)
    sharp = sharp_ground(np.asarray(same.convert("L")), little)
    return replace(known, sharp_ground=sharp, left_behind=left_behind(np.asarray(same), little))
