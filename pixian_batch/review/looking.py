"""One result file -> its pixels and its measures, never raising for a strange file. Blocking; works in any process.

Writes nothing. What it is given and what it gives can be pickled. A file is opened by its content, never by its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from PIL import Image

from pixian_batch.contract.params import MAX_INPUT_PIXELS
from pixian_batch.imaging.alpha import MOST_PIXELS, rebuilt_alpha
from pixian_batch.imaging.errors import ImagingError, TooManyPixelsError
from pixian_batch.imaging.pixels import load_upright
from pixian_batch.imaging.probe import probe
from pixian_batch.policy.disk import system_word
from pixian_batch.review.measures import Asked, MatteMeasures, measure

PHOTO_SIDE: Final = 800
"""Pixels of a photo's longer side, at most, where it is decoded for a look: a JPEG is decoded smaller for it."""
_GREY: Final = (128, 128, 128)
"""What stands for a photo that is not here."""


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result to be looked at."""

    path: str
    asked: Asked = field(default_factory=Asked)
    photo: str | None = None
    """The photo that it was made from, where that is still there: some measures need it."""
    delta: bool = False
    """The file is a Delta PNG itself, not one that a run has rebuilt: what is opaque in it is marked, not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was seen of one result file."""

    measures: MatteMeasures
    result: Image.Image | None
    """Decoded, upright, RGB or RGBA, full size; None where it cannot be read. A Delta PNG is rebuilt with its photo, or grey."""
    photo: Image.Image | None
    """Decoded, upright, RGB, shrunk to `PHOTO_SIDE`; None where it cannot be read."""


def look(file: ResultFile) -> Looked:
    """Decode a result (and its photo) once: for its measures, and for whoever wants thumbnails of the same pixels.

    Nothing is raised for a file: what is wrong with it is `measures.problem`. At most two pictures are in memory.
    """
    photo = _photo(file)
    try:
        result = _decoded(file.path, MOST_PIXELS)
        if file.delta:
            result = _rebuilt(result, photo)
        own = np.asarray(photo) if photo is not None else None
        return Looked(measure(np.asarray(result), file.asked, photo=own), result, photo)
    except ImagingError as error:
        return Looked(MatteMeasures(problem=str(error)), None, photo)
    except OSError as error:
        return Looked(MatteMeasures(problem=f"it cannot be read: {system_word(error)}"), None, photo)
    except MemoryError:
        return Looked(MatteMeasures(problem="there is not enough memory for it"), None, photo)


def _decoded(path: str, most_pixels: int, *, side: int | None = None) -> Image.Image:
    """The picture at `path`, upright, RGB or RGBA; side: what its longer side is shrunk to."""
    with open(path, "rb") as stream:
        header = probe(stream)
        if header.size.pixels > most_pixels:
            raise TooManyPixelsError(header.upright, most_pixels)
        longer = max(header.size.width, header.size.height)
        scale = min(1.0, side / longer) if side is not None else 1.0
        return load_upright(stream, header, max_pixels=max(1, int(header.size.pixels * scale * scale))).image


def _photo(file: ResultFile) -> Image.Image | None:
    """A photo that is gone, or damaged since, is no reason: it is the result that is looked at."""
    if file.photo is None:
        return None
    try:
        image = _decoded(file.photo, MAX_INPUT_PIXELS, side=PHOTO_SIDE)
    except (ImagingError, OSError, MemoryError):
        return None
    return image if image.mode == "RGB" else image.convert("RGB")


def _rebuilt(delta: Image.Image, photo: Image.Image | None) -> Image.Image:
    """What a Delta PNG stands for: with its photo's colours as far as they are here, for a look only."""
    if delta.mode != "RGBA":
        return delta
    alpha = rebuilt_alpha(delta)
    solid = Image.new("RGB", delta.size, _GREY) if photo is None else photo.resize(delta.size)
    picture = Image.composite(delta.convert("RGB"), solid, delta.getchannel("A").point([0] + [255] * 255))
    picture.putalpha(alpha)
    return picture
