"""What a colour profile says of itself; sRGB is told by its primaries."""

from __future__ import annotations

from PIL import ImageCms
from support.image_samples import srgb_profile
from support.profiles import DISPLAY_P3, SRGB, made_profile

from pixian_batch.imaging.icc import read_profile


def test_srgb_is_told_by_its_primaries_whatever_its_name_is() -> None:
    for icc in (srgb_profile(), made_profile("c2", SRGB)):
        profile = read_profile(icc)
        assert profile is not None
        assert (profile.space, profile.is_srgb) == ("RGB", True)
    wide = read_profile(made_profile("sRGB, says the name", DISPLAY_P3))
    assert wide is not None
    assert (wide.name, wide.is_srgb) == ("sRGB, says the name", False)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert (profile := read_profile(lab)) is not None
    assert (profile.space, profile.is_srgb) == ("Lab", False)
    grey = read_profile(made_profile("Dot Gain 20%", SRGB, b"GRAY"))
    assert grey is not None
    assert not grey.is_srgb


def test_broken_profiles_raise_nothing() -> None:
    good = srgb_profile()
    assert read_profile(b"") is None
    assert read_profile(bytes(4000)) is None
    for cut in range(132, len(good), 97):
        read_profile(good[:cut])
    assert (profile := read_profile(good[:140])) is not None
    assert not profile.is_srgb
    huge = bytearray(good)
    huge[128:132] = b"\xff\xff\xff\xff"
    assert read_profile(bytes(huge)) is not None
