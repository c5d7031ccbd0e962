"""Files against rules: every rule breaks on what is wrong and keeps quiet on what is right, with the measured number."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw
from support.profiles import DISPLAY_P3, made_profile
from support.shop_pictures import cut_off, product, put_picture

from pixian_batch.contract.params import Color
from pixian_batch.review.compliance import Compliance, Judgement, judge
from pixian_batch.review.facts import ImageFacts, UnreadableFile
from pixian_batch.review.inspecting import inspect
from pixian_batch.review.profiles import Profile, find_profiles, shipped
from pixian_batch.review.rules import RULES

if TYPE_CHECKING:
    from pathlib import Path


@cache
def looked_at(path: str) -> ImageFacts | UnreadableFile:
    return inspect(path, [Color(255, 255, 255), Color(0, 0, 0)])


def judged(path: str, name: str, value: Any) -> Judgement:
    """One rule, alone but for the ground that it may need."""
    rules = [(name, RULES[name].read(value))]
    if name != "background":
        rules.append(("background", RULES["background"].read("#FFFFFF")))
    profile = Profile("x", tuple(rules), recipe="mine")
    return judge(path, looked_at(path), profile).judgements[0]


def with_island(picture: Image.Image) -> Image.Image:
    ImageDraw.Draw(picture).rectangle((5, 5, 20, 20), fill=(60, 60, 60))
    return picture


def seen_through(picture: Image.Image) -> Image.Image:
    picture.putalpha(picture.convert("L").point(lambda grey: 0 if grey == 255 else 255))
    return picture


PICTURES: dict[str, tuple[str, Image.Image, dict[str, Any]]] = {
    "good": ("good.jpg", product(), {"quality": 90}),
    "grey ground": ("off.jpg", product(ground=(246, 246, 246)), {"quality": 90}),
    "small": ("small.png", product(fill=0.5), {}),
    "clear": ("clear.png", seen_through(product()), {}),
    "cut off": ("cut.png", product((400, 300), fill=0.9), {}),
    "cut before": ("before.jpg", cut_off(), {"quality": 90}),
    "island": ("island.png", with_island(product(fill=0.6)), {}),
    "shadow": ("shadow.png", product(fill=0.6, shadow=0.3), {}),
    "cmyk": ("cmyk.jpg", product().convert("CMYK"), {}),
    "grey": ("grey.jpg", product().convert("L"), {}),
    "wide": ("p3.jpg", product(), {"icc_profile": made_profile("Display P3", DISPLAY_P3)}),
    "moves": ("moves.gif", product(), {"save_all": True, "append_images": [product(fill=0.5)]}),
    "webp": ("still.webp", product(), {}),
    "wrong name": ("photo.jpg.png", product(), {"format": "JPEG"}),
}
CASES: list[tuple[str, Any, str, bool, str]] = [
    ("formats", ["jpeg"], "good", True, "jpeg"),
    ("formats", ["jpeg", "png"], "webp", False, "webp"),
    ("suffix_fits", True, "good", True, ".jpg for jpeg"),
    ("suffix_fits", True, "wrong name", False, ".png for jpeg"),
    ("still", True, "moves", False, "2 pictures"),
    ("still", True, "good", True, "1 picture"),
    ("opaque", True, "clear", False, "% of it is transparent"),
    ("opaque", True, "good", True, "0 %"),
    ("colors", ["srgb"], "good", True, "sRGB"),
    ("colors", ["srgb"], "cmyk", False, "CMYK"),
    ("colors", ["srgb"], "grey", False, "grey"),
    ("colors", ["srgb"], "wide", False, "another colour space (Display P3)"),
    ("min_bytes", "30KB", "good", False, "KB"),
    ("max_bytes", "1KB", "good", False, "KB"),
    ("max_bytes", "1MB", "good", True, "KB"),
    ("min_longer_side", 401, "cut off", False, "400 px"),
    ("min_longer_side", 400, "cut off", True, "400 px"),
    ("max_longer_side", 399, "cut off", False, "400 px"),
    ("min_shorter_side", 301, "cut off", False, "300 px"),
    ("min_width", 401, "cut off", False, "400 px"),
    ("min_height", 300, "cut off", True, "300 px"),
    ("min_height", 301, "cut off", False, "300 px"),
    ("max_pixels", 119_999, "cut off", False, "0.12 megapixels"),
    ("aspect", "1:1", "good", True, "400 x 400 px"),
    ("aspect", "1:1", "cut off", False, "400 x 300 px"),
    ("aspect", "4:3", "cut off", True, "400 x 300 px"),
    ("min_aspect", "3:2", "cut off", False, "400 x 300 px"),
    ("max_aspect", "4:3", "cut off", True, "400 x 300 px"),
    ("max_aspect", "1:1", "cut off", False, "400 x 300 px"),
    ("background", "#FFFFFF", "good", True, "all of it is #FFFFFF"),
    ("background", "#FFFFFF", "clear", True, "all of it is #FFFFFF"),
    ("background", "#FFFFFF", "grey ground", False, "100 % of the ground is off, at worst #F"),
    ("background", "#000000", "good", False, "at worst #FFFFFF (255 of 255)"),
    ("min_fill", "85%", "good", True, "it fills 90"),
    ("min_fill", "85%", "small", False, "it fills 50 %"),
    ("max_fill", "75%", "good", False, "it fills 9"),
    ("max_fill", "75%", "small", True, "it fills 50 %"),
    ("min_subject", 200, "small", True, "200 px"),
    ("min_subject", 201, "small", False, "200 px"),
    ("max_islands", 0, "island", False, "1 piece beside the subject"),
    ("max_islands", 1, "island", True, "1 piece beside the subject"),
    ("max_islands", 0, "good", True, "none"),
    ("max_shadow", "0.2%", "shadow", False, "% of the picture is a shadow"),
    ("max_shadow", "0.2%", "good", True, "none"),
    ("max_straight", "20%", "cut before", False, "is a straight, hard edge"),
    ("max_straight", "20%", "good", True, "%"),
    ("max_touching", "2%", "cut off", False, "% of the upper side and"),
    ("max_touching", "2%", "good", True, "it stands free"),
]


def test_every_rule_on_what_is_right_and_on_what_is_wrong(tmp_path: Path) -> None:
    paths = {
        name: put_picture(tmp_path / file, picture, **options)
        for name, (file, picture, options) in PICTURES.items()
    }
    for rule, value, name, keeps, measured in CASES:
        seen = judged(paths[name], rule, value)
        assert (seen.keeps, measured in seen.measured) == (keeps, True), (rule, value, name, seen)
        assert bool(seen.advice) is not keeps, (rule, name)
        assert seen.demanded, rule
    told = {rule for rule, _value, _name, keeps, _measured in CASES if not keeps}
    assert told == set(RULES), "a rule that was never seen to break"


def test_where_the_ground_is_not_plain_the_subject_s_rules_are_not_judged(tmp_path: Path) -> None:
    photo = Image.effect_noise((300, 300), 120).convert("RGB")
    path = put_picture(tmp_path / "photo.png", photo)
    for rule, value in (
        ("min_fill", "85%"),
        ("max_islands", 0),
        ("max_shadow", "1%"),
        ("max_touching", "2%"),
    ):
        assert judged(path, rule, value).keeps is None, rule
    seen = judged(path, "background", "#FFFFFF")
    assert seen.keeps is False
    assert "of the picture's border is off" in seen.measured
    assert seen.advice.startswith("cut it out first")


def test_the_advice_is_the_profile_s_recipe_where_that_mends_it(tmp_path: Path) -> None:
    path = put_picture(tmp_path / "x.png", product(ground=(246, 246, 246), fill=0.5))
    assert judged(path, "background", "#FFFFFF").advice == "render --recipe mine"
    assert judged(path, "min_fill", "85%").advice == "render --recipe mine"
    dusty = product((900, 900))
    dusty.putpixel((9, 9), (60, 60, 60))
    speck = put_picture(tmp_path / "speck.png", dusty)
    assert judged(speck, "background", "#FFFFFF").advice.startswith("look at the cut-out there")
    empty = put_picture(tmp_path / "empty.png", Image.new("RGB", (300, 300), "white"))
    assert judged(empty, "min_fill", "85%").measured == "nothing stands on the ground"


def test_warnings_break_nothing_unless_they_count(tmp_path: Path) -> None:
    path = put_picture(tmp_path / "x.jpg", product((600, 600)), quality=95)
    amazon = shipped()["amazon-main"]
    checked = judge(path, inspect(path, [amazon.background]), amazon)
    assert checked.status is Compliance.ADVISED
    assert [item.rule for item in checked.broken()] == ["min_longer_side"]
    assert checked.complies()
    assert not checked.complies(strict=True)


def test_what_complies_with_amazon_and_what_does_not(tmp_path: Path) -> None:
    amazon = shipped()["amazon-main"]
    good = put_picture(tmp_path / "good.jpg", product((600, 600)), quality=90)
    assert judge(good, inspect(good, [amazon.background]), amazon).complies()
    bad = put_picture(tmp_path / "bad.jpg", product((600, 600), ground=(254, 254, 254), fill=0.7), quality=90)
    broken = [item.rule for item in judge(bad, inspect(bad, [amazon.background]), amazon).broken()]
    assert broken == ["background", "min_fill", "min_longer_side"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jpg", b"", "empty"),
        ("b.png", b"no image at all, but long enough", "not an image"),
        ("c.jpg", None, "cut off"),
        ("gone.jpg", ..., "cannot be read"),
    ],
)
def test_unreadable_files_do_not_comply_and_say_why(
    name: str, content: object, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is None:
        whole = put_picture(tmp_path / "whole.jpg", product())
        path.write_bytes((tmp_path / "whole.jpg").read_bytes()[:3000])
        assert whole
    elif isinstance(content, bytes):
        path.write_bytes(content)
    facts = inspect(str(path), [None])
    assert isinstance(facts, UnreadableFile)
    assert reason in facts.reason
    assert facts.hint
    checked = judge(str(path), facts, shipped()["ebay"])
    assert checked.status is Compliance.UNREADABLE
    assert not checked.complies()


def test_one_look_serves_several_profiles(tmp_path: Path) -> None:
    path = put_picture(tmp_path / "x.png", product())
    profiles = find_profiles(["amazon-main", "ebay"])
    facts = inspect(path, [profile.background for profile in profiles])
    assert [judge(path, facts, profile).profile for profile in profiles] == ["amazon-main", "ebay"]
