"""One image's variants, made and written: what one process does. Opens results and photos, writes variants.

Each file is whole at its place or not there; what goes wrong is told, never raised.
"""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from pixian_batch.adapters.reading import ReadingError, read_content
from pixian_batch.adapters.whole_file import whole_file
from pixian_batch.contract.kinds import HEAD_BYTES, Kind, sniff
from pixian_batch.contract.params import MAX_INPUT_PIXELS, Size
from pixian_batch.imaging.delta import rebuilt
from pixian_batch.imaging.errors import (
    DecoderMissingError,
    ImagingError,
    TooManyPixelsError,
    UnreadableImageError,
)
from pixian_batch.imaging.metadata import Metadata, read_metadata
from pixian_batch.imaging.pixels import load_upright
from pixian_batch.imaging.probe import probe
from pixian_batch.policy.disk import Reach, disk_cause, reading_hint, system_word
from pixian_batch.rendering.encoding import TooManyBytesError
from pixian_batch.rendering.grounds import covering, plain
from pixian_batch.rendering.meeting import Stored, Wholeness
from pixian_batch.rendering.recipe import Backdrop, VariantRecipe
from pixian_batch.rendering.variants import Master, order

if TYPE_CHECKING:
    from pixian_batch.rendering.recipe import Ground


@dataclass(frozen=True, slots=True)
class Variant:
    """A file to be made. number: by which it is told what became of it; path: where it goes."""

    number: int
    recipe: VariantRecipe
    path: str


@dataclass(frozen=True, slots=True)
class Task:
    """All that is made of one result. parts: the folder for files that are not whole yet."""

    source: Stored
    variants: tuple[Variant, ...]
    parts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a variant. problem: None when it is there; ends: whether nothing more can be written."""

    number: int
    bytes: int = 0
    quality: int | None = None
    size: Size | None = None
    scale: float = 1.0
    problem: str | None = None
    hint: str = ""
    ends: bool = False


@dataclass(frozen=True, slots=True)
class _Trouble:
    problem: str
    hint: str
    ends: bool = False


@dataclass(slots=True)
class Opened:
    """A source, decoded, and the metadata of its photo where a recipe keeps it."""

    master: Master
    metadata: Metadata = field(default_factory=Metadata)


def work(task: Task) -> list[Outcome]:
    """Make every variant of a task, until nothing more can be written. Raises nothing but KeyboardInterrupt."""
    variants = sorted(task.variants, key=lambda one: order(one.recipe))
    try:
        opened = _opened(task.source, keep=any(one.recipe.encoding.keeps_metadata for one in variants))
    except (ImagingError, OSError, MemoryError) as error:
        trouble = _source_trouble(error)
        return [_failed(one, trouble) for one in variants]
    outcomes: list[Outcome] = []
    for one in variants:
        outcomes.append(_made(one, opened, task.parts))
        if outcomes[-1].ends:
            break  # nothing more can be written
    return outcomes


def lost(task: Task) -> list[Outcome]:
    """What is told of a task whose process was ended."""
    hint = "most often there was not enough memory: use fewer processes, --jobs 1, and run the same command again"
    what = "the process that made it was ended by the system"
    return [Outcome(number=variant.number, problem=what, hint=hint) for variant in task.variants]


def _made(variant: Variant, opened: Opened, parts: str) -> Outcome:
    keeps = variant.recipe.encoding.keeps_metadata
    try:
        file = opened.master.make(variant.recipe, opened.metadata if keeps else Metadata())
    except (ImagingError, OSError, MemoryError) as error:
        return _failed(variant, _pixel_trouble(error))
    try:
        os.makedirs(os.path.dirname(variant.path), exist_ok=True)
        with whole_file(variant.path, beside=parts) as stream:
            stream.write(file.body)
    except OSError as error:
        return _failed(variant, _disk_trouble(error))
    return Outcome(
        number=variant.number,
        bytes=len(file.body),
        quality=file.quality,
        size=file.size,
        scale=file.scale,
    )


def _failed(variant: Variant, trouble: _Trouble) -> Outcome:
    return Outcome(number=variant.number, problem=trouble.problem, hint=trouble.hint, ends=trouble.ends)


def _source_trouble(error: Exception) -> _Trouble:
    match error:
        case OSError():
            return _Trouble(f"its result cannot be read: {system_word(error)}", reading_hint(error))
        case ImagingError():
            return _Trouble(str(error), "look at the result, and at its photo")
        case _:
            return _Trouble("there is not enough memory to decode it", "use fewer processes: --jobs 1")


def _pixel_trouble(error: Exception) -> _Trouble:
    match error:
        case TooManyBytesError():
            return _Trouble(str(error), "raise max_bytes, lower min_quality, or make target_size smaller")
        case DecoderMissingError():
            return _Trouble(str(error), error.hint)
        case ImagingError():
            return _Trouble(str(error), "change the recipe, or leave this image out with --exclude")
        case OSError():
            return _Trouble(f"its background cannot be read: {system_word(error)}", reading_hint(error))
        case _:
            return _Trouble("there is not enough memory for it", "use fewer processes: --jobs 1")


def _disk_trouble(error: OSError) -> _Trouble:
    cause = disk_cause(error)
    hint = cause.hint.replace("--out", "--to")
    return _Trouble(f"it cannot be written: {system_word(error)}", hint, ends=cause.reach is Reach.RUN)


# --- sources -----------------------------------------------------------------------------------------


def _opened(source: Stored, *, keep: bool) -> Opened:
    """Raises `ImagingError`, OSError, MemoryError."""
    photo = _photo(source) if source.wholeness is Wholeness.DELTA else None
    with open(source.path, "rb") as stream:
        image, icc = _full(stream, source) if photo is None else _rebuilt(photo, stream, source)
        metadata = _metadata(source, stream) if keep else Metadata()
    return Opened(Master(image, icc, _canvas), metadata)


def _full(stream: io.BufferedReader, source: Stored) -> tuple[Image.Image, bytes | None]:
    if sniff(stream.read(HEAD_BYTES)) is not Kind.PNG:
        raise UnreadableImageError("its result is no PNG any more")
    header = probe(stream)
    if header.size.pixels > MAX_INPUT_PIXELS:
        raise TooManyPixelsError(header.size, MAX_INPUT_PIXELS)
    loaded = load_upright(stream, header, orientation=1)
    if loaded.image.mode != "RGBA":
        what = "it has no transparency" if not source.params else "its result has no transparency any more"
        raise ImagingError(f"{what}: nothing is cut out there")
    return loaded.image, loaded.icc


def _rebuilt(photo: bytes, stream: io.BufferedReader, source: Stored) -> tuple[Image.Image, bytes | None]:
    full = rebuilt(io.BytesIO(photo), stream, orientation=source.orientation)
    return Image.fromarray(np.concatenate(list(full.stripes))), full.icc


def _photo(source: Stored) -> bytes:
    """The photo that a delta belongs to, byte for byte."""
    for path in source.photos:
        with contextlib.suppress(ReadingError):
            if source.digest is not None and (content := read_content(path, source.digest)) is not None:
                return content
    raise ImagingError("its result is a Delta PNG, and its photo is gone or was changed")


def _metadata(source: Stored, stream: io.BufferedReader) -> Metadata:
    """Of the photo, where it is there; else what the result itself says."""
    for path in source.photos:
        try:
            with open(path, "rb") as photo:
                return read_metadata(photo)
        except (OSError, ImagingError):
            continue
    try:
        return read_metadata(stream)
    except ImagingError:
        return Metadata()


# --- grounds -----------------------------------------------------------------------------------------


def _canvas(ground: Ground, size: Size) -> Image.Image:
    return _ready(ground, size).copy()


@lru_cache(maxsize=4)
def _ready(ground: Ground, size: Size) -> Image.Image:
    if not isinstance(ground, Backdrop):
        return plain(ground, size)
    try:
        with Image.open(ground.path) as picture:
            return covering(picture, size)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise ImagingError(f"the background {ground.path} is no picture that can be read") from error
