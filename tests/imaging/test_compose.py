from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.image_samples import decoded, photo, saved, srgb_profile

from pixian_batch.contract.headers import Box
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params, Size, params_from_text
from pixian_batch.imaging.compose import FOREGROUND_ALPHA, Rendered, foreground_box, render
from pixian_batch.imaging.delta import encode_delta, rebuild
from pixian_batch.imaging.edges import Edges
from pixian_batch.imaging.errors import DeltaShrunkError, LayoutError
from pixian_batch.imaging.pixels import Picture, open_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUBJECT = Box(top=20, left=30, width=50, height=40)


def picture(width: int = 120, height: int = 80) -> Picture:
    return open_picture(saved(Image.fromarray(photo(width, height)), "PNG"))


def matte(shape: tuple[int, ...] = (80, 120)) -> NDArray[np.uint8]:
    alpha = np.zeros(shape, np.uint8)
    alpha[20:60, 30:80] = 255
    alpha[20, 30:80] = 128
    return alpha


def clean(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels = np.dstack([rgb, np.full(alpha.shape, 255, np.uint8)])
    Edges(rgb, alpha).clean(pixels)
    return pixels[..., :3]


def rendered(**texts: str) -> Rendered:
    return render(picture(), matte(), params_from_text(texts.items()))


def test_the_plain_result_is_the_input_under_its_matte() -> None:
    result = rendered()
    pixels = decoded(result.body)
    assert result.kind is Kind.PNG
    assert (pixels[..., 3] == matte()).all()
    assert (pixels[21:60, 30:80, :3] == photo(120, 80)[21:60, 30:80]).all()
    assert result.input_foreground == result.result_foreground == SUBJECT
    assert result.result_size == Size(120, 80)


def test_what_was_cut_away_is_not_hidden_in_the_file() -> None:
    pixels = decoded(rendered().body)
    assert (pixels[pixels[..., 3] == 0] == 0).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 90), st.integers(1, 300), st.booleans(), st.integers(0, 2**32 - 1))
def test_band_by_band_is_the_whole_cut_out(width: int, height: int, own: bool, seed: int) -> None:  # noqa: FBT001  # hypothesis
    """A PNG of the input's size is never in memory as a whole; its pixels are those by definition."""
    random = np.random.default_rng(seed)
    matte = np.clip(random.integers(-400, 656, (height, width)), 0, 255).astype(np.uint8)
    matte[height // 3 : 2 * height // 3] = 0
    rgb, alpha = photo(width, height), random.integers(0, 256, (height, width), dtype=np.uint8)
    source = Picture(rgb, alpha if own else None, 1, Size(width, height), None)
    visible = np.round(matte * (alpha / 255)).astype(np.uint8) if own else matte
    wanted = np.dstack([clean(rgb, matte), visible])
    wanted[visible == 0] = 0
    assert (decoded(render(source, matte, Params()).body) == wanted).all()
    delta = render(source, matte, params_from_text([("output_format", "delta_png")])).body
    assert (decoded(delta) == decoded(encode_delta(rgb, wanted))).all()


def test_cropping_gives_exactly_the_foreground() -> None:
    result = rendered(crop_to_foreground="true")
    assert (decoded(result.body)[1:, :, :3] == photo(120, 80)[21:60, 30:80]).all()
    assert (result.result_size, result.input_foreground) == (Size(50, 40), SUBJECT)


def test_margins_are_transparent_room() -> None:
    result = rendered(crop_to_foreground="true", margin="3px 5px")
    pixels = decoded(result.body)
    assert pixels.shape == (46, 60, 4)
    assert (pixels[:3] == 0).all()
    assert (pixels[4:43, 5:55, :3] == photo(120, 80)[21:60, 30:80]).all()
    assert result.result_foreground == Box(3, 5, 50, 40)


def test_the_reported_foreground_is_where_the_result_is_visible() -> None:
    result = rendered(crop_to_foreground="true", target_size="300 200", margin="10px")
    assert result.result_size == Size(300, 200)
    assert foreground_box(decoded(result.body)[..., 3]) == result.result_foreground


def test_a_background_colour_makes_an_opaque_jpeg() -> None:
    result = rendered(background_color="#10C040")
    pixels = decoded(result.body)
    assert (result.kind, pixels.shape) == (Kind.JPEG, (80, 120, 3))
    assert np.abs(pixels[5, 5].astype(int) - (0x10, 0xC0, 0x40)).max() < 6


def test_a_background_colour_lies_under_a_png_too() -> None:
    pixels = decoded(rendered(background_color="#10C040", output_format="png").body)
    assert pixels.shape == (80, 120, 3)
    assert pixels[5, 5].tolist() == [0x10, 0xC0, 0x40]
    assert (pixels[21:60, 30:80] == photo(120, 80)[21:60, 30:80]).all()
    own = clean(photo(120, 80), matte())[20, 40].astype(int)
    assert np.abs(pixels[20, 40] - (own * 128 + np.array([0x10, 0xC0, 0x40]) * 127) / 255).max() <= 1


def test_a_jpeg_without_background_colour_lies_on_white() -> None:
    result = rendered(output_format="jpeg")
    assert decoded(result.body)[5, 5].min() > 250


def test_jpeg_quality_is_obeyed() -> None:
    small, large = (rendered(output_format="jpeg", jpeg_quality=quality).body for quality in ("10", "95"))
    assert len(small) * 2 < len(large)


def test_the_inputs_transparency_is_part_of_the_result() -> None:
    alpha = np.full((80, 120), 255, np.uint8)
    alpha[:, :50] = 100
    stream = saved(Image.fromarray(np.dstack([photo(120, 80), alpha])), "PNG")
    pixels = decoded(render(open_picture(stream), matte(), Params()).body)
    assert pixels[40, 40, 3] == 100
    assert pixels[40, 60, 3] == 255
    assert pixels[20, 40, 3] == round(128 * 100 / 255)


def test_boxes_of_a_shrunk_picture_are_those_of_the_input() -> None:
    stream = saved(Image.fromarray(photo(400, 200)), "PNG")
    shrunk = open_picture(stream, max_pixels=20_000)
    assert shrunk.size == Size(200, 100)
    alpha = np.zeros((100, 200), np.uint8)
    alpha[10:20, 30:70] = 255
    result = render(shrunk, alpha, Params())
    assert result.input_foreground == Box(20, 60, 80, 20)
    assert result.result_foreground == Box(10, 30, 40, 10)


def test_an_empty_matte_gives_a_transparent_result_and_no_box() -> None:
    nothing = np.zeros((80, 120), np.uint8)
    result = render(picture(), nothing, params_from_text([("crop_to_foreground", "true")]))
    assert (decoded(result.body) == 0).all()
    assert result.result_size == Size(120, 80)
    assert result.input_foreground == result.result_foreground == Box(0, 0, 0, 0)


def test_haze_is_no_foreground() -> None:
    alpha = np.full((10, 10), FOREGROUND_ALPHA - 1, np.uint8)
    assert foreground_box(alpha) == Box(0, 0, 0, 0)
    alpha[4, 7] = FOREGROUND_ALPHA
    assert foreground_box(alpha) == Box(4, 7, 1, 1)


def test_delta_ignores_what_would_move_pixels_and_rebuilds_to_the_png() -> None:
    texts = {
        "output_format": "delta_png",
        "background_color": "#FF0000",
        "margin": "9px",
        "crop_to_foreground": "true",
    }
    result = rendered(**texts)
    rebuilt = rebuild(saved(Image.fromarray(photo(120, 80)), "PNG"), io.BytesIO(result.body))
    assert (decoded(rebuilt) == decoded(rendered().body)).all()
    assert (result.kind, result.result_size, result.result_foreground) == (Kind.PNG, Size(120, 80), SUBJECT)


def test_delta_of_a_shrunk_picture_is_refused() -> None:
    shrunk = open_picture(saved(Image.fromarray(photo(400, 200)), "PNG"), max_pixels=20_000)
    with pytest.raises(DeltaShrunkError, match="400 x 200 to 200 x 100"):
        render(shrunk, np.zeros((100, 200), np.uint8), params_from_text([("output_format", "delta_png")]))


@pytest.mark.parametrize("output_format", ["png", "delta_png"])
def test_the_watermark_changes_colours_but_not_alpha(output_format: str) -> None:
    stream = saved(Image.fromarray(photo(120, 80)), "PNG")

    def full(test: str) -> NDArray[np.uint8]:
        body = rendered(output_format=output_format, test=test).body
        return decoded(rebuild(stream, io.BytesIO(body)) if output_format == "delta_png" else body)

    plain, marked = full("false"), full("true")
    assert (plain[..., 3] == marked[..., 3]).all()
    assert (marked[plain[..., 3] == 0] == 0).all()
    assert (plain[..., :3] != marked[..., :3]).any(axis=-1).sum() > 50


def test_the_watermark_covers_the_background_of_an_opaque_result() -> None:
    pixels = decoded(rendered(background_color="#808080", output_format="png", test="true").body)
    assert (pixels[:, 85:] != 0x80).any()


@pytest.mark.parametrize("output_format", ["png", "jpeg"])
def test_the_inputs_profile_is_passed_on(output_format: str) -> None:
    profile = srgb_profile()
    source = open_picture(saved(Image.fromarray(photo(120, 80)), "PNG", icc_profile=profile))
    body = render(source, matte(), params_from_text([("output_format", output_format)])).body
    with Image.open(io.BytesIO(body)) as image:
        assert image.info["icc_profile"] == profile


def test_a_matte_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="matte is"):
        render(picture(), matte((90, 120)), Params())


def test_a_jpeg_wider_than_the_format_allows_is_refused() -> None:
    with pytest.raises(LayoutError, match="ask for png"):
        rendered(output_format="jpeg", margin="0px 70000px 0px 0px")
