"""Colour spaces: from the profile that a picture carries to sRGB, which shops and browsers take for granted. Pixels only."""

from __future__ import annotations

import io
from functools import cache
from typing import Final

from PIL import Image, ImageCms

_DATE: Final = slice(24, 36)
"""Where a profile says when it was made: equal variants are equal files."""
_LONG_AGO: Final = b"\x07\xd0\0\1\0\1" + bytes(6)
"""The first of January 2000."""


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = _LONG_AGO
    return bytes(profile)


def is_srgb(icc: bytes | None) -> bool:
    """Whether a profile says sRGB by its name; a picture without one is taken for it."""
    if icc is None:
        return True
    try:
        return "srgb" in ImageCms.getProfileDescription(_opened(icc)).lower()
    except ImageCms.PyCMSError:
        return False


def as_srgb(image: Image.Image, icc: bytes) -> Image.Image | None:
    """An RGB or RGBA image in sRGB; None where its profile makes no sense. What cannot be shown becomes the nearest colour."""
    try:
        colours = ImageCms.profileToProfile(
            image.convert("RGB"),
            _opened(icc),
            _opened(srgb_profile()),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:
        return None
    if colours is not None and image.mode == "RGBA":
        colours.putalpha(image.getchannel("A"))
    return colours


def _opened(icc: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except OSError as error:  # what lcms says of bytes that are no profile
        raise ImageCms.PyCMSError from error
