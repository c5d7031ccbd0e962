"""One row's two thumbnails, and what is measured of its result: both from one decoding. Blocking; works in any process.

Never raises for a strange picture: what cannot be read has no thumbnail, and its measures say why. Thumbnails are files
beside their report, each there whole or not at all, named by what they were made of. Proved by tests/review/test_thumbnails.py.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from PIL import Image

import pixian_batch
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.contract.params import MAX_INPUT_PIXELS, ParamError, Params, Size
from pixian_batch.imaging.converting import convert
from pixian_batch.imaging.errors import ImagingError
from pixian_batch.imaging.foreign import foreign_header
from pixian_batch.imaging.layout import limited
from pixian_batch.imaging.pixels import load_upright
from pixian_batch.imaging.probe import probe
from pixian_batch.review.asking import is_bare_delta, params_of
from pixian_batch.review.looking import ResultFile, look
from pixian_batch.review.measures import Asked
from pixian_batch.review.remembering import Seen, shape

if TYPE_CHECKING:
    from typing import BinaryIO

    from pixian_batch.review.rows import Row

PIXELS: Final = 150_000
"""Of a thumbnail: 475 x 316, sharp on a card of half that width on a screen of twice the density."""
FOLDER: Final = "thumbnails"
_VERSION: Final = 1
_QUALITY: Final = 78
_METHOD: Final = 0
"""The quickest of WebP's: a tenth of the time of its best for a fifth more bytes."""


@dataclass(frozen=True, slots=True)
class ThumbnailTask:
    """One row to look at. folder: the report's; key: names its thumbnails."""

    key: str
    folder: str
    photo: str | None
    result: str | None
    parameters: str
    headers: ResultHeaders | None


def task_of(row: Row, folder: str) -> ThumbnailTask:
    """The task of a row. Its key is another one as soon as one of its files is."""
    marks = [_mark(path) for path in (row.photo, row.result)]
    words = f"{pixian_batch.__version__}|{_VERSION}|{shape()}|{row.parameters}|{row.headers}|{marks}"
    key = blake2b(words.encode(errors="surrogateescape"), digest_size=12).hexdigest()
    return ThumbnailTask(
        key,
        folder,
        photo=row.photo,
        result=row.result,
        parameters=row.parameters,
        headers=row.headers,
    )


def photo_name(key: str) -> str:
    """Where the photo's thumbnail is, under the report's folder, with `/`."""
    return f"{FOLDER}/{key[:2]}/{key}-photo.jpg"


def result_name(key: str) -> str:
    """Where the result's thumbnail is, under the report's folder, with `/`."""
    return f"{FOLDER}/{key[:2]}/{key}-result.webp"


def is_whole(key: str, seen: Seen, folder: str) -> bool:
    """Whether the thumbnails that were made are still there."""
    made = ((photo_name(key), seen.photo_bytes), (result_name(key), seen.result_bytes))
    return all(size is None or _size(os.path.join(folder, name)) == size for name, size in made)


def make(task: ThumbnailTask) -> tuple[str, Seen]:
    """Make the thumbnails of a task, and measure its result. Raises OSError only where the report cannot be written."""
    photo = result = measures = None
    if task.result is not None:
        looked = look(_file(task, task.result))
        photo, result, measures = looked.photo, looked.result, looked.measures
    photo_size = _header_size(task.photo)
    if photo is None and task.photo is not None:
        photo = _photo(task.photo)
    seen = Seen(
        photo_size=photo_size or (photo.size if photo is not None else None),
        result_size=None if result is None else result.size,
        photo_bytes=_save(photo, os.path.join(task.folder, photo_name(task.key))),
        result_bytes=_save(result, os.path.join(task.folder, result_name(task.key))),
        measures=measures,
    )
    return task.key, seen


def _file(task: ThumbnailTask, result: str) -> ResultFile:
    try:
        params = params_of(task.parameters)
    except ParamError:  # of a version that knew others
        params = Params()
    asked = Asked(params, task.headers or ResultHeaders())
    return ResultFile(result, asked, photo=task.photo, delta=is_bare_delta(task.parameters))


def _header_size(path: str | None) -> tuple[int, int] | None:
    """Width and height of a photo, upright; None where its header does not say."""
    if path is None:
        return None
    try:
        with open(path, "rb") as stream:
            size = probe(stream).upright
    except (OSError, ImagingError):
        return None
    return size.width, size.height


def _photo(path: str) -> Image.Image | None:
    """A photo of any kind, upright and small; None where it cannot be read."""
    try:
        with open(path, "rb") as stream:
            header = foreign_header(stream)
            return _small(stream if header is None else io.BytesIO(convert(stream, header)))
    except (OSError, ImagingError, MemoryError):
        return None


def _small(stream: BinaryIO) -> Image.Image | None:
    header = probe(stream)
    if header.size.pixels > MAX_INPUT_PIXELS:
        return None
    return load_upright(stream, header, max_pixels=PIXELS).image


def _save(image: Image.Image | None, path: str) -> int | None:
    """The bytes of the thumbnail that was written; None for no picture."""
    if image is None:
        return None
    out = io.BytesIO()
    small = _shrunk(image)
    if path.endswith(".jpg"):  # five times as quick as WebP, which only what is transparent needs
        (small if small.mode == "RGB" else _on_white(small)).save(out, "JPEG", quality=_QUALITY)
    else:
        small.save(out, "WEBP", quality=_QUALITY, method=_METHOD)
    content = out.getvalue()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    beside = f"{path}.part"  # always the same: what a kill has left is written over
    with open(beside, "wb") as stream:
        stream.write(content)
    os.replace(beside, path)
    return len(content)


def _shrunk(image: Image.Image) -> Image.Image:
    """In bounds: first by a whole factor, which takes a third of the time, then to the size."""
    target = limited(Size(image.width, image.height), PIXELS)
    factor = image.width // target.width
    small = image.reduce(factor) if factor > 1 else image
    return small.resize((target.width, target.height), Image.Resampling.BILINEAR)


def _on_white(image: Image.Image) -> Image.Image:
    """A photo that has clear places of its own."""
    clear = image.convert("RGBA")
    ground = Image.new("RGBA", clear.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, clear).convert("RGB")


def _mark(path: str | None) -> tuple[str, int, int] | None:
    """What tells one content of a path from another without reading it."""
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return path, found.st_size, found.st_mtime_ns


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
