"""Decodes an image into upright 8-bit arrays, within bounds that are checked before decoding.

Whatever the input (palette, grey, CMYK, 16 bits, one bit, animation), the picture is RGB plus, if the
input has transparency, an alpha. 16-bit samples give their high byte. Only the first frame counts.
CMYK is converted without its profile. Bad bytes raise `UnreadableImageError`, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from PIL import Image

from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import DEFAULT_MAX_PIXELS, MAX_INPUT_PIXELS, Size
from pixian_batch.imaging.errors import TooManyPixelsError, UnreadableImageError, only_unreadable
from pixian_batch.imaging.layout import limited
from pixian_batch.imaging.opening import bare, open_lazily, png_profile, quiet
from pixian_batch.imaging.probe import Probe, probe, upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TRANSPOSE: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_UNDOES: Final = {6: 8, 8: 6}
"""Orientations that are not their own inverse."""
_ALPHA_MODES: Final = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_ICC_HEADER_BYTES: Final = 128
_TIFF_BITS_TAG: Final = 258
_BAND: Final = 128


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An upright, decoded image, perhaps shrunk."""

    rgb: NDArray[np.uint8]
    """H x W x 3, C-contiguous."""
    alpha: NDArray[np.uint8] | None
    """H x W, 0 = transparent; None when the input has no transparency."""
    orientation: int
    """The EXIF orientation 1..8 that was applied."""
    original_size: Size
    """The upright size before the pixel limit."""
    icc: bytes | None
    """The embedded colour profile when it describes RGB."""

    @property
    def size(self) -> Size:
        """The size of the arrays."""
        return Size(self.rgb.shape[1], self.rgb.shape[0])

    @property
    def shrunk(self) -> bool:
        """Whether the pixel limit made it smaller."""
        return self.size != self.original_size


@dataclass(frozen=True, slots=True, eq=False)
class Upright:
    """A decoded Pillow image, RGB or RGBA, made upright and perhaps shrunk."""

    image: Image.Image
    orientation: int
    original_size: Size
    icc: bytes | None


def open_picture(
    stream: BinaryIO,
    *,
    max_input_pixels: int = MAX_INPUT_PIXELS,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Picture:
    """Decode the image in `stream`, upright by its own EXIF orientation.

    Images of more than `max_pixels` are shrunk to that area. Raises `TooManyPixelsError` from the
    header when there are more than `max_input_pixels`, `UnreadableImageError` for bad bytes.
    """
    header = probe(stream)
    if header.size.pixels > max_input_pixels:
        raise TooManyPixelsError(header.upright, max_input_pixels)
    loaded = load_upright(stream, header, max_pixels=max_pixels)
    with only_unreadable():
        rgb, alpha = _split(loaded.image)
    return Picture(rgb, alpha, loaded.orientation, loaded.original_size, icc=loaded.icc)


def load_upright(
    stream: BinaryIO, header: Probe, *, orientation: int | None = None, max_pixels: int = MAX_INPUT_PIXELS
) -> Upright:
    """Decode the image that `header` was read from; the caller has judged the announced size.

    `orientation` stands in for the file's own. Raises `UnreadableImageError`.
    """
    if (
        ", planar" in header.layout and ", 8 bits" not in header.layout
    ):  # Pillow takes their bytes for other samples
        raise UnreadableImageError(
            "planes of other than 8 bits are not supported; store the pixels interleaved"
        )
    applied = orientation or header.orientation
    original = upright(header.size, applied)
    with only_unreadable():
        image = _decode(stream, header, limited(header.size, max_pixels))
        icc = _rgb_profile(image)
        image = _turn(_eight_bit(image), header, applied)
        image = _shrink(image, limited(original, max_pixels))
    return Upright(image, applied, original, icc)


def _decode(stream: BinaryIO, header: Probe, target: Size) -> Image.Image:
    """The decoded image; what only its metadata keep Pillow from, is decoded without them."""
    try:
        return _loaded(stream, header, target)
    except Exception:
        pixels = bare(stream, header.kind)
        if pixels is None:
            raise
    image = _loaded(pixels, header, target)
    if header.kind is Kind.PNG and (profile := png_profile(stream)):
        image.info["icc_profile"] = profile
    return image


def _loaded(stream: BinaryIO, header: Probe, target: Size) -> Image.Image:
    """The decoded image; a JPEG that is to be much smaller is decoded smaller."""
    with quiet():
        image = open_lazily(stream, header.kind)
        if image.mode not in {"CMYK", "YCbCr"}:
            image.draft(None, (target.width, target.height))  # a no-op for all but JPEG
        if header.kind is Kind.TIFF:
            image.load()  # it reads metadata again, and may remark on it
    image.load()
    return image


def _rgb_profile(image: Image.Image) -> bytes | None:
    """The ICC profile if it fits RGB pixels; one for grey or CMYK would be wrong on the result."""
    icc = image.info.get("icc_profile")
    if image.mode in {"L", "LA", "1", "CMYK", "I;16", "I;16B"} or not isinstance(icc, bytes):
        return None
    good = len(icc) > _ICC_HEADER_BYTES and icc[16:20] == b"RGB " and icc[36:40] == b"acsp"
    return icc if good else None


def _eight_bit(image: Image.Image) -> Image.Image:
    """`image` as RGB or RGBA with 8 bits a sample."""
    if image.mode.startswith("I;16"):
        return _from_sixteen_bit(image)
    if image.mode in {"I", "F", "LAB", "HSV"}:
        raise UnreadableImageError(f"{image.mode} samples are not supported; convert the image to 8-bit RGB")
    transparent = image.mode in _ALPHA_MODES or "transparency" in image.info
    mode = "RGBA" if transparent else "RGB"
    return image if image.mode == mode and "transparency" not in image.info else image.convert(mode)


def _from_sixteen_bit(image: Image.Image) -> Image.Image:
    """Grey by the high byte; Pillow's own conversion would clip at 255."""
    samples = np.asarray(image)
    bits = _stored_bits(image)
    grey = Image.fromarray((samples >> (bits - 8)).astype(np.uint8))
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey.convert("RGB")
    colour = grey.convert("RGBA")
    colour.putalpha(Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8)))
    return colour


def _stored_bits(image: Image.Image) -> int:
    """How many of the 16 bits are in use: 12-bit TIFFs are not stretched by Pillow."""
    bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS_TAG, (16,))
    first = bits[0] if isinstance(bits, tuple) else bits
    return int(first) if first in range(9, 17) else 16


def _turn(image: Image.Image, header: Probe, orientation: int) -> Image.Image:
    """Make `image` upright by `orientation`; Pillow has already turned a TIFF by its own."""
    if header.kind is Kind.TIFF:
        if header.orientation == orientation:
            return image
        image = _transpose(image, _UNDOES.get(header.orientation, header.orientation))
    return _transpose(image, orientation)


def _transpose(image: Image.Image, orientation: int) -> Image.Image:
    how = _TRANSPOSE.get(orientation)
    return image if how is None else image.transpose(how)


def _shrink(image: Image.Image, target: Size) -> Image.Image:
    if image.size == (target.width, target.height):
        return image
    return image.resize((target.width, target.height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _split(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Colours and alpha as arrays; in bands, as Pillow's way to an array takes the memory twice."""
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if image.mode == "RGBA" else None
    for top in range(0, height, _BAND):
        rows = slice(top, min(top + _BAND, height))
        pixels = np.asarray(image.crop((0, rows.start, width, rows.stop)))
        rgb[rows] = pixels[..., :3]
        if alpha is not None:
            alpha[rows] = pixels[..., 3]
    return rgb, alpha
