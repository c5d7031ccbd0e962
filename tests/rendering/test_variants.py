"""Variants' pixels: the geometry is the emulator's own, edges are weighted, and grounds, shadows and files as asked for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, features
from support.cutouts import cutout, made, opened, recipe, seen
from support.image_samples import decoded, photo, srgb_profile

from pixian_batch.contract.params import Size, params_from_text
from pixian_batch.emulator.engine.plain import PlainEngine
from pixian_batch.imaging.compose import render
from pixian_batch.imaging.errors import ImagingError, LayoutError
from pixian_batch.imaging.metadata import Metadata, read_metadata
from pixian_batch.imaging.pixels import Picture
from pixian_batch.rendering.colours import as_srgb, is_srgb
from pixian_batch.rendering.encoding import TooManyBytesError
from pixian_batch.rendering.variants import Master
from pixian_batch.rendering.work import _canvas

if TYPE_CHECKING:
    from pathlib import Path


GEOMETRIES: list[dict[str, str]] = [
    {},
    {"crop_to_foreground": "true"},
    {"margin": "5% 7px 3px 11%"},
    {"crop_to_foreground": "true", "margin": "10%"},
    {"target_size": "90 90"},
    {"target_size": "31 77", "vertical_alignment": "top"},
    {"crop_to_foreground": "true", "target_size": "128 64", "margin": "7.5%"},
    {
        "crop_to_foreground": "true",
        "target_size": "25 99",
        "margin": "1px 2px",
        "vertical_alignment": "bottom",
    },
    {"crop_to_foreground": "true", "target_size": "7 5"},
]


def toml(texts: dict[str, str]) -> str:
    return "\n".join(f"{key} = {text if text == 'true' else repr(text)}" for key, text in texts.items())


def of_service(texts: dict[str, str]) -> bytes:
    rgb = photo(61, 43)
    picture = Picture(rgb, None, 1, Size(61, 43), icc=None)
    return render(picture, PlainEngine().matte(rgb), params_from_text(texts.items())).body


@pytest.mark.parametrize("texts", GEOMETRIES, ids=str)
def test_the_pixels_are_those_of_the_emulator(tmp_path: Path, texts: dict[str, str]) -> None:
    wanted = decoded(of_service(texts))
    full = decoded(of_service({}))
    assert np.array_equal(seen(made(full, recipe(tmp_path, toml(texts)))), wanted)
    # On a ground they are the same up to rounding: colours are not divided by their alpha and multiplied again.
    on_grey = {**texts, "background_color": "#808080", "output_format": "png"}
    difference = seen(made(full, recipe(tmp_path, toml(on_grey)))) - decoded(of_service(on_grey)).astype(int)
    assert np.abs(difference).max() <= 1


def test_no_colour_of_what_is_transparent_is_drawn_into_an_edge(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., :3] = (0, 255, 0)  # hidden green
    pixels[16:48, 16:48] = (200, 40, 60, 255)
    how = recipe(tmp_path, 'target_size = "23 23"\nbackground_color = "#FFFFFF"\noutput_format = "png"')
    shown = seen(made(pixels, how)).astype(int)
    # Every pixel is a mixture of the object's colour and white, so its green never is above its red.
    assert (shown[..., 1] <= shown[..., 0] + 1).all()
    assert shown.min() >= 35


def test_fill_is_a_share_of_the_canvas(tmp_path: Path) -> None:
    how = recipe(tmp_path, 'fill = "80%"\ntarget_size = "200 200"')
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[20:30, 10:60] = 255
    for shown, share in ((seen(made(pixels, how)), 160), (seen(made(pixels.swapaxes(0, 1), how)), 160)):
        visible = shown[..., 3] >= 128
        sides = (np.ptp(np.flatnonzero(visible.any(axis=axis))) + 1 for axis in (0, 1))
        assert max(sides) == pytest.approx(share, abs=1)


def test_nothing_is_enlarged_or_padded_where_that_is_not_wanted(tmp_path: Path) -> None:
    file = made(cutout(), recipe(tmp_path, 'target_size = "200 100"\nenlarge = false'))
    assert (file.size, file.scale) == (Size(200, 100), 1.0)
    file = made(cutout(), recipe(tmp_path, 'target_size = "30 90"\npad = false\nmargin = "2px"'))
    assert file.size == Size(30, 4 + round(26 * 40 / 60))
    assert opened(file).size == (30, 21)


def test_a_gradient_goes_from_one_colour_to_the_other_without_stripes(tmp_path: Path) -> None:
    text = 'target_size = "100 300"\noutput_format = "png"\nbackground_gradient = '
    tiny = np.full((2, 2, 4), 255, np.uint8)
    down = seen(made(tiny, recipe(tmp_path, text + '["#FFFFFF", "#D0D0D0"]\nmargin = "45% 0px 0px 0px"')))
    assert abs(int(down[0, :, 0].mean()) - 255) <= 1
    tall = down[:130, :, 0].mean(axis=1)
    assert (np.diff(tall) <= 0.6).all(), "it goes one way"
    assert len(np.unique(down[60, :, 0])) == 2, "neighbouring levels are mixed"
    corner = seen(
        made(tiny, recipe(tmp_path, text + '{ from = "#FFFFFF", to = "#000000", angle = "radial" }'))
    )
    assert corner[0, 0].max() <= 1
    right = seen(made(tiny, recipe(tmp_path, text + '{ from = "#000000", to = "#FFFFFF", angle = 90 }')))
    assert right[0, 0].max() < 8
    assert right[0, -1].min() > 247


def test_a_picture_fills_the_canvas(tmp_path: Path) -> None:
    wall = np.zeros((10, 40, 3), np.uint8)
    wall[:, 10:30] = (0, 0, 255)
    Image.fromarray(wall).save(tmp_path / "wall.png")
    how = 'target_size = "50 50"\noutput_format = "png"\nbackground_image = "wall.png"\nmargin = "20px"'
    shown = seen(made(cutout(), recipe(tmp_path, how)))
    assert tuple(shown[0, 25]) == (0, 0, 255)
    assert shown.shape == (50, 50, 3)


def test_a_shadow_is_only_at_the_foot(tmp_path: Path) -> None:
    pixels = np.zeros((100, 100, 4), np.uint8)
    pixels[10:90, 45:55] = (255, 255, 255, 255)  # a white post
    text = 'target_size = "200 200"\nmargin = "20px"\noutput_format = "png"\ncrop_to_foreground = true\n'
    plain = seen(made(pixels, recipe(tmp_path, text + 'background_color = "#FFFFFF"'))).astype(int)
    shadow = text + 'shadow = { strength = 0.5, blur = "3%", offset = "0px" }\n'
    dark = seen(made(pixels, recipe(tmp_path, shadow + 'background_color = "#FFFFFF"'))).astype(int)
    rows, columns = np.nonzero((plain - dark).max(axis=2))
    assert (plain - dark).max() > 40
    assert rows.min() > 155, "the foot is at 180"
    assert 60 < columns.min() < columns.max() < 140
    clear = seen(made(pixels, recipe(tmp_path, shadow)))
    assert clear[185, 100, 3] > 8, "a transparent variant has it, too"
    assert clear[100, 60, 3] == 0
    assert clear[100, 100].tolist() == [255, 255, 255, 255]


def test_a_shadow_is_darkest_where_the_object_touches_the_ground(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:100, :200]
    bowl = np.full((100, 200, 4), 255, np.uint8)
    bowl[..., 3] = 255 * ((rows - 0) ** 2 / 100**2 + (columns - 100) ** 2 / 100**2 <= 1)
    text = 'margin = "0px 0px 30px 0px"\nshadow = { strength = 1.0, blur = "1px" }'
    below = seen(made(bowl, recipe(tmp_path, text)))[101, :, 3].astype(int)
    # The foot's band is 70 pixels wide; only its middle is near the ground.
    assert below[100] > 3 * max(below[72], below[128], 1)


def test_a_byte_budget_is_held_and_used(tmp_path: Path) -> None:
    pixels = cutout(300, 200)
    for kind in ("jpeg", "webp", *(["avif"] if features.check("avif") else [])):
        base = f'output_format = "{kind}"\nbackground_color = "#FFFFFF"\nquality = 95\nmin_quality = 5\n'
        whole = len(made(pixels, recipe(tmp_path, base.replace("min_quality = 5\n", ""))).body)
        most = max(1000, whole // 3)
        file = made(pixels, recipe(tmp_path, base + f'max_bytes = "{most}"'))
        assert most * 0.8 < len(file.body) <= most, kind
        assert file.quality is not None
        assert 5 <= file.quality < 95
        again = base.replace("quality = 95", f"quality = {file.quality + 1}", 1)
        with pytest.raises(TooManyBytesError):
            made(
                pixels,
                recipe(
                    tmp_path,
                    again.replace("min_quality = 5", f"min_quality = {file.quality + 1}")
                    + f'max_bytes = "{most}"',
                ),
            )


def test_what_cannot_fit_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        TooManyBytesError, match=r"quality 40, the lowest allowed, it takes .* max_bytes is 1,000"
    ):
        made(cutout(600, 400), recipe(tmp_path, 'output_format = "jpeg"\nmax_bytes = "1KB"'))
    with pytest.raises(TooManyBytesError, match="PNG, which has no quality"):
        made(cutout(100, 100), recipe(tmp_path, 'max_bytes = "1KB"'))


def test_a_png_is_packed_harder_before_it_is_given_up(tmp_path: Path) -> None:
    pixels = np.zeros((300, 300, 4), np.uint8)
    pixels[..., :3] = np.arange(300, dtype=np.uint16)[:, None, None] // 3
    pixels[..., 3] = 255
    quick = made(pixels, recipe(tmp_path, ""))
    small = made(pixels, recipe(tmp_path, f'max_bytes = "{len(quick.body) - 1}"'))
    assert len(small.body) < len(quick.body)
    assert np.array_equal(seen(small), seen(quick))


def swapped() -> bytes:
    """sRGB's profile with the colourants of red and blue exchanged, under another name."""
    data = bytearray(srgb_profile())
    count = int.from_bytes(data[128:132])
    for at in range(132, 132 + 12 * count, 12):
        name = bytes(data[at : at + 4])
        data[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    return bytes(data).replace("sRGB".encode("utf-16-be"), "BRGs".encode("utf-16-be"))


def test_colours_are_converted_to_srgb_or_keep_their_profile(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[5:15, 5:15] = (255, 0, 0, 255)
    kept = made(pixels, recipe(tmp_path, 'color_profile = "keep"'), icc=swapped())
    assert opened(kept).info["icc_profile"] == swapped()
    assert seen(kept)[10, 10, :3].tolist() == [255, 0, 0]
    file = made(pixels, recipe(tmp_path, ""), icc=swapped())
    assert is_srgb(opened(file).info["icc_profile"])
    red, green, blue, alpha = (int(value) for value in seen(file)[10, 10])
    assert blue > 240, "what was red in that space is blue"
    assert max(red, green) < 20
    assert alpha == 255
    for text in ('output_format = "jpeg"', 'output_format = "webp"', ""):
        same = made(pixels, recipe(tmp_path, text), icc=srgb_profile())
        assert is_srgb(opened(same).info["icc_profile"])
    assert as_srgb(Image.new("RGB", (2, 2)), b"nonsense") is None
    with pytest.raises(ImagingError, match="colour profile is damaged"):
        made(pixels, recipe(tmp_path, ""), icc=b"nonsense")


def test_metadata_and_density_go_into_every_kind(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[270], exif[274] = "A cup", 6
    out = io.BytesIO()
    Image.fromarray(photo()).save(out, "JPEG", exif=exif, dpi=(96, 96))
    metadata = read_metadata(out)
    for kind in ("png", "jpeg", "webp", *(["avif"] if features.check("avif") else [])):
        how = recipe(tmp_path, f'output_format = "{kind}"\ndpi = 300')
        bare, full = (opened(made(cutout(), how, metadata=data)) for data in (Metadata(), metadata))
        assert bare.getexif().get(270) is None
        assert full.getexif()[270] == "A cup"
        assert 274 not in full.getexif(), "it is upright already"
        for image in (bare, full):
            told = image.info.get("dpi", (image.getexif().get(282), image.getexif().get(283)))
            assert [round(float(number)) for number in told] == [300, 300], kind


def test_equal_pictures_and_recipes_are_equal_files(tmp_path: Path) -> None:
    for text in ('output_format = "jpeg"\ndpi = 72', 'background_gradient = ["#FFFFFF", "#000000"]', ""):
        assert len({made(cutout(), recipe(tmp_path, text)).body for _ in range(2)}) == 1


def test_one_master_gives_what_one_for_each_would(tmp_path: Path) -> None:
    pixels = cutout(90, 70)
    texts = [
        'fill = "80%"\ntarget_size = "64 64"\nbackground_color = "#FFFFFF"\nshadow = true',
        'fill = "80%"\ntarget_size = "64 64"',
        'fill = "60%"\ntarget_size = "64 64"\ndespill = true',
        'target_size = "50 50"\nbackground_color = "#000000"',
        'fill = "80%"\ntarget_size = "64 64"\nbackground_color = "#FFFFFF"\nshadow = true',
    ]
    master = Master(Image.fromarray(pixels), None, _canvas)
    for text in texts:
        how = recipe(tmp_path, text)
        assert master.make(how, Metadata()).body == made(pixels, how).body


def test_the_smallest_and_the_oddest(tmp_path: Path) -> None:
    dot = np.full((1, 1, 4), 255, np.uint8)
    for text in (
        "",
        'output_format = "jpeg"\nshadow = true',
        'fill = "90%"\ntarget_size = "3 2000"\ndespill = true',
        'output_format = "webp"',
    ):
        assert made(dot, recipe(tmp_path, text)).body
    with pytest.raises(LayoutError, match="no room"):
        made(dot, recipe(tmp_path, 'margin = "5px"\ntarget_size = "9 9"'))
    line = np.full((1, 3000, 4), 255, np.uint8)
    assert made(line, recipe(tmp_path, 'target_size = "10 10"')).size == Size(10, 10)
    with pytest.raises(ImagingError, match="nothing of it is visible"):
        made(np.zeros((4, 4, 4), np.uint8), recipe(tmp_path, ""))
    with pytest.raises(ImagingError, match="webp cannot be 20000 x 1"):
        made(np.full((1, 20000, 4), 255, np.uint8), recipe(tmp_path, 'output_format = "webp"'))
