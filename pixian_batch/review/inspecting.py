"""One image file -> what can be measured of it. Blocking; works in any process. Judges nothing.

Whatever the file is, the answer is facts or the reason why there are none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from pixian_batch.contract.kinds import ForeignKind, Kind
from pixian_batch.contract.params import Color, Size
from pixian_batch.imaging.errors import DecoderMissingError, ImagingError, TooManyPixelsError, only_unreadable
from pixian_batch.imaging.foreign import MOST_DECODED, ForeignHeader, foreign_header
from pixian_batch.imaging.ground import measure_ground
from pixian_batch.imaging.icc import read_profile
from pixian_batch.imaging.opening import open_lazily, png_profile, quiet
from pixian_batch.imaging.pixels import open_picture
from pixian_batch.imaging.probe import check_complete, probe
from pixian_batch.policy.disk import reading_hint, system_word
from pixian_batch.review.facts import ColorSpace, ImageFacts, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GREY_MODES: Final = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I", "F"})
_CMYK_MODES: Final = frozenset({"CMYK"})
_WHITE: Final = Color(255, 255, 255)
_BAND: Final = 256
Form = tuple[int, ColorSpace, str]
"""Pictures in the file, their colours, and what their profile calls itself."""


def inspect(path: str, grounds: Sequence[Color | None]) -> ImageFacts | UnreadableFile:
    """Measure the file at `path` against each of these colours (None: whatever its ground is)."""
    try:
        with open(path, "rb") as stream:
            return _inspected(path, stream, grounds)
    except DecoderMissingError as error:
        return UnreadableFile(str(error), error.hint)
    except TooManyPixelsError as error:
        return UnreadableFile(str(error), "make it smaller")
    except ImagingError as error:
        return UnreadableFile(str(error), "open it in an image viewer; make it again if it is damaged")
    except OSError as error:
        return UnreadableFile(f"it cannot be read: {system_word(error)}", reading_hint(error))
    except MemoryError:
        return UnreadableFile("its pixels do not fit into the memory of this machine", "take fewer --jobs")


def _inspected(path: str, stream: BinaryIO, grounds: Sequence[Color | None]) -> ImageFacts:
    header = foreign_header(stream)
    kind: Kind | ForeignKind
    if header is None:
        kind = probe(stream).kind
        check_complete(stream, kind)
        form = _form(stream, kind)
        picture = open_picture(stream, max_input_pixels=MOST_DECODED, max_pixels=MOST_DECODED)
        rgb, alpha, size = picture.rgb, picture.alpha, picture.size
    else:
        kind = header.kind
        rgb, alpha, form = _foreign(stream, header)
        size = Size(rgb.shape[1], rgb.shape[0])
    suffix = os.path.splitext(path)[1].lower()
    return ImageFacts(
        format=kind.name.lower(),
        suffix=suffix,
        suffix_fits=suffix in kind.value.suffixes,
        bytes=os.fstat(stream.fileno()).st_size,
        size=size,
        pictures=form[0],
        colors=form[1],
        color_name=form[2],
        transparent=0.0 if alpha is None else float(np.count_nonzero(alpha != 255) / alpha.size),
        grounds=tuple(
            (color, measure_ground(_laid(rgb, alpha, color or _WHITE), color)) for color in grounds
        ),
    )


def _laid(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8] | None, ground: Color) -> NDArray[np.uint8]:
    """The picture on a ground, where it lets one through."""
    if alpha is None:
        return rgb
    laid = np.empty_like(rgb)
    base = np.array([ground.red, ground.green, ground.blue], np.uint32)
    for top in range(0, len(rgb), _BAND):
        rows = slice(top, top + _BAND)
        share = alpha[rows, :, None].astype(np.uint32)
        laid[rows] = (rgb[rows] * share + base * (255 - share) + 127) // 255
    return laid


def _form(stream: BinaryIO, kind: Kind) -> Form:
    with only_unreadable(), quiet():
        image = open_lazily(stream, kind)
        icc = image.info.get("icc_profile")
        if icc is None and kind is Kind.PNG:
            icc = png_profile(stream)
        return getattr(image, "n_frames", 1), *_colors(image.mode, icc)


def _colors(mode: str, icc: object) -> tuple[ColorSpace, str]:
    """What the numbers mean, by how they are stored and by the profile."""
    profile = read_profile(icc) if isinstance(icc, bytes) else None
    name = "" if profile is None else profile.name
    if mode in _CMYK_MODES:
        return ColorSpace.CMYK, name
    if mode in _GREY_MODES:
        return ColorSpace.GREY, name
    if mode == "LAB" or (profile is not None and profile.space == "RGB" and not profile.is_srgb):
        return ColorSpace.OTHER, name
    return ColorSpace.SRGB, name


def _foreign(
    stream: BinaryIO, header: ForeignHeader
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, Form]:
    """Pixels and form of a WebP, AVIF or HEIC. Raises `DecoderMissingError` where a kind cannot be decoded here."""
    from pixian_batch.imaging.converting import decode_foreign  # its decoders, for these kinds only

    image = decode_foreign(stream, header)
    form: Form = (2 if header.sequence else 1, *_colors(image.mode, image.info.get("icc_profile")))
    pixels = np.asarray(image if image.mode == "RGBA" else image.convert("RGB"))
    if pixels.shape[2] == 4:
        return np.ascontiguousarray(pixels[..., :3]), pixels[..., 3], form
    return pixels, None, form
