"""A picture as its ground and what stands on it: where the ground is off its colour, the subject, islands, a shadow. Pure.

A marketplace looks at a finished picture, mostly a JPEG without alpha, so everything is told from colours: what is far from
the ground's colour is the subject, by its mean over small blocks, in which a JPEG's noise is gone. Around the subject, as far
as a JPEG carries its noise and a cut-out its soft edge, nothing is held against the ground; beyond that one step of 255 is
off: a white ground is exactly 255 after JPEG of any quality from 50 on (measured in tests/imaging/test_ground.py).

Distances are the largest of the three channels' differences, 0..255. Shares are 0..1. x is from the left, y from the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from pixian_batch.contract.headers import Box
from pixian_batch.contract.params import Color
from pixian_batch.imaging.cut import straight_edge
from pixian_batch.imaging.faint import find_faint, grown
from pixian_batch.imaging.pieces import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

SMALL: Final = 500
"""Pixels a side, at most, of the copy on which subject, islands and shadow are looked for."""
NOISE: Final = 12
"""What a JPEG adds to a block's mean at most; what is farther from the ground than this is no ground."""
_BORDER: Final = 8
"""Pixels of the picture's border, at most, that tell the ground's colour; of small pictures 1 %."""
_OWN: Final = 0.05
"""Of the border in the colour that is demanded: from this on, that is taken for the ground's."""
PLAIN: Final = 0.25
"""Of the border within `NOISE` of the ground's colour: below it there is no plain ground."""
_SHADE: Final = 64
"""How far a shade of the ground is from it: a subject in the corner is mostly farther."""
_REACH: Final = 18
"""Pixels around the subject that may hold its noise: a JPEG's largest block has 16, and its colours spread by one more."""
_LEAST_PIECE: Final = 0.0002
"""Of the picture: smaller pieces are dust, which is off the ground, and no part of the subject."""
_PART: Final = 0.05
"""Of the largest piece: from this on a piece is a part of the subject (the other shoe), below it an island."""
_EDGE: Final = 0.25
"""Of how far the subject mostly is from the ground: so far its edge is."""
_STRONG_NOISE: Final = 48
"""What a JPEG leaves beside the strongest edge, at most, at a quality of 75."""
_BAND: Final = 256


@dataclass(frozen=True, slots=True)
class OffGround:
    """Where the ground is not the colour that was demanded."""

    share: float
    """Of the ground, or, where the ground is not plain, of the picture's border."""
    worst: int
    """The largest distance."""
    at: tuple[int, int]
    """x and y of a pixel that is that far off."""
    color: Color
    """That pixel's colour."""


@dataclass(frozen=True, slots=True)
class Islands:
    """Pieces beside the subject. at: x and y in the largest of them; count 0: there is none."""

    count: int
    at: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class ShadowResidue:
    """What is left of a shadow. share: of the picture; at: x and y in it."""

    share: float
    at: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Touching:
    """How much of each side of the picture the subject covers."""

    top: float
    right: float
    bottom: float
    left: float


@dataclass(frozen=True, slots=True)
class GroundMeasures:
    """What was measured of one picture. Where the ground is not plain, only `off` says something, of the border."""

    ground: Color
    """The colour that the ground mostly is."""
    plain: float
    """Of the border, within a JPEG's noise of that colour; 0 where it changes from corner to corner."""
    off: OffGround
    subject: Box | None
    """The box of what stands on the ground, its islands not counted; None: nothing does."""
    touching: Touching
    straight: float
    """Of a side of that box, straight and hard: what the photo's own frame cut off looks so."""
    islands: Islands
    shadow: ShadowResidue

    @property
    def is_plain(self) -> bool:
        """Whether ground and subject can be told apart."""
        return self.plain >= PLAIN


def measure_ground(rgb: Bytes, wanted: Color | None = None) -> GroundMeasures:
    """Measure an upright picture (H x W x 3). wanted: the colour of its ground that is demanded; None: whatever it has."""
    border = _border(rgb)
    ground, plain = _ground_of(border, wanted)
    if _slopes(rgb, ground):
        plain = 0.0
    wanted = wanted or ground
    if plain < PLAIN:
        nothing = Touching(0, 0, 0, 0)
        off = _off_border(rgb, wanted)
        return GroundMeasures(
            ground,
            plain,
            off,
            subject=None,
            touching=nothing,
            straight=0.0,
            islands=Islands(0),
            shadow=ShadowResidue(0),
        )
    return _measured(rgb, ground, plain, wanted)


def _measured(rgb: Bytes, ground: Color, plain: float, wanted: Color) -> GroundMeasures:
    far = distances(rgb, ground)
    factor = max(1, -(-max(far.shape) // SMALL))
    small_far = _reduced(far, factor)
    reach = -(-_REACH // factor)
    faint = find_faint(_reduced(rgb, factor), ground, small_far, noise=NOISE, reach=reach)
    pieces = labelled(((small_far > NOISE) & ~faint.shadow) | faint.pale, diagonal=True)
    kept = np.isin(pieces, _kept(pieces))
    subject, islands = _sorted_pieces(pieces, factor, reach)
    edge = _edge_of(small_far, subject)
    box, touching = _subject_box(far, subject, faint.pale, factor, edge=edge)
    straight = 0.0 if box is None else straight_edge(far, box, edge=edge)
    around = _all_but_ground(grown(kept | faint.shadow, reach))
    return GroundMeasures(
        ground,
        plain,
        _off(rgb, far if wanted == ground else distances(rgb, wanted), around, factor),
        subject=box,
        touching=touching,
        straight=straight,
        islands=islands,
        shadow=ShadowResidue(float(faint.shadow.mean()), _somewhere(faint.shadow, factor)),
    )


def distances(rgb: Bytes, color: Color) -> Bytes:
    """How far each pixel (H x W x 3) is from a colour: H x W."""
    far = np.empty(rgb.shape[:2], np.uint8)
    for rows in _bands(len(rgb)):
        part = rgb[rows]
        channels = [_apart(part[..., at], value) for at, value in enumerate(_channels(color))]
        far[rows] = np.maximum(np.maximum(channels[0], channels[1]), channels[2])
    return far


def _apart(samples: Bytes, value: int) -> Bytes:
    if value == 255:
        return 255 - samples
    wide: Bytes = np.maximum(samples, np.uint8(value)) - np.minimum(samples, np.uint8(value))
    return wide


def _channels(color: Color) -> tuple[int, int, int]:
    return color.red, color.green, color.blue


def _bands(height: int) -> Iterator[slice]:
    return (slice(top, min(top + _BAND, height)) for top in range(0, height, _BAND))


def _reduced(samples: Bytes, factor: int) -> Bytes:
    """The mean of each block."""
    return samples if factor == 1 else np.asarray(Image.fromarray(samples).reduce(factor))


# --- the border ------------------------------------------------------------------------------------


def _border(rgb: Bytes) -> Bytes:
    """The pixels along the four sides: N x 3."""
    width = max(1, min(_BORDER, min(rgb.shape[:2]) // 100))
    parts = (rgb[:width], rgb[-width:], rgb[width:-width, :width], rgb[width:-width, -width:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])


def _ground_of(border: Bytes, wanted: Color | None) -> tuple[Color, float]:
    """The ground's colour, and how much of the border has it."""
    if wanted is not None and _near(border, wanted) >= _OWN:
        return wanted, _near(border, wanted)
    packed = border.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    values, counts = np.unique(packed, return_counts=True)
    most = int(values[counts.argmax()])
    color = Color(most >> 16, most >> 8 & 255, most & 255)
    return color, _near(border, color)


def _slopes(rgb: Bytes, ground: Color) -> bool:
    """Whether the ground changes slowly: two corners are another shade of it. Those of a subject are farther away."""
    side = max(1, min(_BORDER, min(rgb.shape[:2]) // 50))
    ends = (slice(None, side), slice(-side, None))
    corners = [distances(rgb[down, across], ground).mean() for down in ends for across in ends]
    return int(sum(NOISE < float(far) <= _SHADE for far in corners)) >= 2


def _near(border: Bytes, color: Color) -> float:
    return float((distances(border[None], color) <= NOISE).mean())


def _off_border(rgb: Bytes, wanted: Color) -> OffGround:
    far = distances(rgb, wanted)
    width = max(1, min(_BORDER, min(far.shape) // 100))
    far[width:-width, width:-width] = 0
    size = far.size - max(0, far.shape[0] - 2 * width) * max(0, far.shape[1] - 2 * width)
    return _worst(rgb, far, np.count_nonzero(far) / size)


# --- the ground ------------------------------------------------------------------------------------


def _off(rgb: Bytes, far: Bytes, around: Mask, factor: int) -> OffGround:
    """What is off `far` from the subject. Writes into `far`."""
    size = 0
    for rows in _bands(len(far)):
        near = _enlarged(around, rows, far.shape[1], factor)
        far[rows][near] = 0
        size += near.size - int(np.count_nonzero(near))
    return _worst(rgb, far, np.count_nonzero(far) / size if size else 0.0)


def _worst(rgb: Bytes, far: Bytes, share: float) -> OffGround:
    y, x = (int(at) for at in np.unravel_index(far.argmax(), far.shape))
    return OffGround(float(share), int(far[y, x]), (x, y), Color(*(int(value) for value in rgb[y, x])))


def _enlarged(mask: Mask, rows: slice, width: int, factor: int) -> Mask:
    """A mask of blocks for some rows of the picture."""
    blocks = mask[rows.start // factor : -(-rows.stop // factor)]
    tall = np.repeat(blocks, factor, axis=0)[rows.start % factor :][: rows.stop - rows.start]
    return np.repeat(tall, factor, axis=1)[:, :width]


def _all_but_ground(around: Mask) -> Mask:
    """What is around the subject, and what it encloses: nobody knows whether that is ground or a white part of it."""
    clear = labelled(~around, diagonal=False)
    at_frame = np.unique(np.concatenate([clear[0], clear[-1], clear[:, 0], clear[:, -1]]))
    enclosed: Mask = ~np.isin(clear, at_frame)
    return around | enclosed


# --- the subject -----------------------------------------------------------------------------------


def _kept(pieces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of the pieces that are no dust."""
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    numbers: NDArray[np.int64] = np.flatnonzero(areas >= max(2, _LEAST_PIECE * pieces.size))
    return numbers


def _sorted_pieces(pieces: NDArray[np.int64], factor: int, reach: int) -> tuple[Mask, Islands]:
    """The subject's own pieces, and the islands beside it: what is within its edge's noise is none."""
    areas, kept = np.bincount(pieces.ravel()), _kept(pieces)
    parts = [number for number in kept if areas[number] >= _PART * areas[1]]
    subject: Mask = np.isin(pieces, parts)
    near = np.unique(pieces[grown(subject, reach)])
    islands = np.setdiff1d(kept, near)  # sorted by size
    at = _somewhere(pieces == islands[0], factor) if islands.size else (0, 0)
    return subject, Islands(len(islands), at)


def _somewhere(mask: Mask, factor: int) -> tuple[int, int]:
    """Where, x and y, in the picture, of a pixel in the middle of what is set; (0, 0) where nothing is."""
    places = np.argwhere(mask)
    if not len(places):
        return 0, 0
    y, x = places[len(places) // 2]
    return int(x) * factor + factor // 2, int(y) * factor + factor // 2


def _edge_of(far: Bytes, subject: Mask) -> float:
    """How far from the ground a pixel of the subject's edge is at least: the noise beside a strong edge is stronger."""
    if not subject.any():
        return NOISE
    return float(np.clip(np.median(far[subject]) * _EDGE, NOISE, _STRONG_NOISE))


def _subject_box(
    far: Bytes, subject: Mask, pale: Mask, factor: int, *, edge: float
) -> tuple[Box | None, Touching]:
    """Where in the picture the subject is, to the pixel."""
    height, width = far.shape
    down, across = np.zeros(height, np.int64), np.zeros(width, np.int64)
    edges = []
    subject = grown(subject, 1)
    for rows in _bands(height):
        standing = (far[rows] > edge) | _enlarged(pale, rows, width, factor)
        own = standing & _enlarged(subject, rows, width, factor)
        down[rows] = own.sum(axis=1)
        across += own.sum(axis=0)
        edges.append(own[:, [0, -1]])
    left, right = np.concatenate(edges).mean(axis=0)
    touching = Touching(float(down[0] / width), float(right), float(down[-1] / width), float(left))
    ys, xs = np.flatnonzero(down), np.flatnonzero(across)
    if not len(ys):
        return None, touching
    return Box(int(ys[0]), int(xs[0]), int(xs[-1] - xs[0] + 1), int(ys[-1] - ys[0] + 1)), touching
