"""Recipe files: every key by its own example, every mistake with what to do, and the recipes that ship."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from PIL import Image
from support.cutouts import recipe
from support.pictures import put

from pixian_batch.contract.params import Color, Size, VerticalAlignment
from pixian_batch.policy.template import facts_of
from pixian_batch.rendering.reading import RecipeFileError, read_file, shipped, shipped_text
from pixian_batch.rendering.recipe import Format, Gradient
from pixian_batch.rendering.words import WORDS

NEEDED = {
    "fill": 'target_size = "9 9"',
    "vertical_alignment": 'target_size = "9 9"',
    "enlarge": 'target_size = "9 9"',
    "pad": 'target_size = "9 9"',
    "quality": 'output_format = "webp"',
    "min_quality": 'output_format = "webp"\nmax_bytes = "9KB"',
}
DOCS = Path(__file__).parents[2] / "docs/reference/recipes.md"


def test_every_key_takes_its_own_example_and_is_documented(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "wall.jpg")
    page = DOCS.read_text(encoding="utf-8")
    for key, word in WORDS.items():
        assert recipe(tmp_path, f"{NEEDED.get(key, '')}\n{word.example}").name == "one"
        assert f"| `{key}` |" in page, key


MISTAKES = {
    "back_color = 1": ("there is no key 'back_color'", "did you mean"),
    "crop = true": ("there is no key 'crop'", "crop_to_foreground"),
    'fill = "0%"': ("is not a share", 'fill = "85%"'),
    'fill = "85%"': ("fill needs target_size", "2000 2000"),
    'fill = "85%"\nmargin = "1px"\ntarget_size = "9 9"': ("fill is a margin", "leave one"),
    'fill = "85%"\ncrop_to_foreground = false\ntarget_size = "9 9"': ("fill is a share", "leave"),
    "fill = 85": ("is not a text in quotes", 'fill = "85%"'),
    'margin = "10"': ("it needs a unit", "5% 10px"),
    'target_size = "big"': ("is not a width and a height", "2000 2000"),
    'vertical_alignment = "middel"\ntarget_size = "9 9"': ("is none of top, middle, bottom", "bottom"),
    'background_color = "FFFFFF"': ("lacks its #", "#FFFFFF"),
    'background_color = "#FFFFFF"\nbackground_gradient = ["#FFFFFF", "#000000"]': (
        "one background",
        "leave one",
    ),
    'background_gradient = ["#FFFFFF"]': ("neither two colours nor", "#DDDDDD"),
    'background_gradient = { from = "#FFFFFF", to = "#000000", angle = 361 }': ("from 0 to 360", "#DDDDDD"),
    'background_image = "gone.jpg"': ("gone.jpg: No such file", "relative to the recipe file"),
    'shadow = "soft"': ("neither true nor a table", "strength"),
    "shadow = { size = 3 }": ("has no 'size'", "strength"),
    "shadow = { strength = 2 }": ("not above 0 and at most 1", "strength"),
    'shadow = { blur = "1px 2px" }': ("more than one length", "blur"),
    'output_format = "jpg"': ("is none of png, jpeg, webp, avif", "jpeg"),
    "quality = 90": ("quality has no effect on png", "leave it out"),
    'quality = 0\noutput_format = "jpeg"': ("whole number from 1 to 100", "90"),
    'output_format = "jpeg"\nquality = true': ("whole number from 1 to 100", "90"),
    'output_format = "jpeg"\nquality = 30\nmin_quality = 40\nmax_bytes = "1MB"': (
        "above quality",
        "lower it",
    ),
    'output_format = "jpeg"\nmin_quality = 40': ("min_quality needs max_bytes", "500KB"),
    'max_bytes = "12"': ("at least 1,000 bytes", "500KB"),
    "max_bytes = 500000": ("is not a text in quotes", "500KB"),
    'keep_metadata = "yes"': ("neither true nor false", "keep_metadata = true"),
    'name = "{stem}.png"\noutput_format = "jpeg"': ("end the template with .{ext}", "{recipe}"),
    'name = "../{stem}.{ext}"': ("lead out of the output folder", "{recipe}"),
    'name = "{nam}.{ext}"': ("{nam} is no field", "{recipe}"),
    'name = "{counter}.{ext}"': ("{counter} is not known of a result", "{hash}"),
    'based_on = "nothing"': ("there is no recipe 'nothing'", "name one"),
    'based_on = "one"': ("there is no recipe 'one'", "name one"),
}


def test_every_mistake_says_what_it_is_and_what_to_do(tmp_path: Path) -> None:
    for text, (what, todo) in MISTAKES.items():
        with pytest.raises(RecipeFileError) as caught:
            recipe(tmp_path, text)
        assert "[recipe.one]" in str(caught.value), text
        assert what in str(caught.value), text
        assert todo in caught.value.hint, (text, caught.value.hint)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    for data, what in {
        b"[recipe.a": "is not TOML at",
        b"": "has no recipe",
        b"[recipes.a]\n": "'recipes' is no part of a recipe file",
        b"recipe = 3": "has no recipe",
        b'[recipe."a b"]\n': "cannot be a name",
        "[recipe.a]".encode("utf-16"): "is not UTF-8",
        b"\xff": "is not UTF-8",
    }.items():
        with pytest.raises(RecipeFileError, match=re.escape(what)):
            read_file(put(tmp_path / "r.toml", data))
    with pytest.raises(RecipeFileError, match="No such file"):
        read_file(str(tmp_path / "gone.toml"))


def test_a_recipe_on_top_of_another(tmp_path: Path) -> None:
    mine = recipe(
        tmp_path, 'based_on = "amazon-main"\nbackground_gradient = ["#FFFFFF", "#EEEEEE"]\nmargin = "1px"'
    )
    assert mine.target == Size(2000, 2000)
    assert mine.ground == Gradient(Color(255, 255, 255), Color(238, 238, 238))
    assert str(mine.margin) == "1px"
    assert mine.encoding.quality == 92
    assert mine.template.place(facts_of("a/b.png")) == "a/b_one.jpg"
    text = f"{''.join(f'[recipe.r{number}]{chr(10)}based_on = {chr(34)}r{number + 1}{chr(34)}{chr(10)}' for number in range(3))}[recipe.r3]\ndpi = 7\n"
    chain = read_file(put(tmp_path / "chain.toml", text.encode()))
    assert {one.encoding.dpi for one in chain.values()} == {7}


def test_what_is_not_told_is_as_the_api_has_it(tmp_path: Path) -> None:
    bare = recipe(tmp_path, "")
    assert (bare.ground, bare.encoding.format, bare.fit.crops, bare.target) == (None, Format.PNG, False, None)
    assert bare.alignment is VerticalAlignment.MIDDLE
    assert recipe(tmp_path, 'background_color = "#102030"').encoding.format is Format.JPEG
    assert recipe(tmp_path, 'output_format = "jpeg"').ground == Color(255, 255, 255)
    assert recipe(tmp_path, 'output_format = "webp"').ground is None


def test_the_identity_is_of_all_that_a_file_shows(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "wall.jpg")
    texts = [
        f"{NEEDED.get(key, '')}\n{word.example}"
        for key, word in WORDS.items()
        if key not in {"description", "name"}
    ]
    identities = {recipe(tmp_path, text).identity for text in texts}
    assert len(identities) >= len(texts) - 2  # sRGB is the default, and so are some examples' companions
    plain = recipe(tmp_path, "").identity
    assert recipe(tmp_path, 'description = "x"\nname = "{stem}.{ext}"', name="other").identity == plain
    before = recipe(tmp_path, 'background_image = "wall.jpg"').identity
    Image.new("RGB", (2, 2), (1, 2, 3)).save(tmp_path / "wall.jpg")
    assert recipe(tmp_path, 'background_image = "wall.jpg"').identity != before


def test_the_recipes_that_ship_are_as_shops_want_them() -> None:
    ships = shipped()
    assert list(ships) == ["amazon-main", "ebay", "etsy", "shopify", "google-shopping", "web-2x"]
    for name, one in ships.items():
        assert one.description, name
        assert one.target is not None, name
    for name in ("amazon-main", "ebay", "shopify", "google-shopping"):
        assert ships[name].ground == Color(255, 255, 255)
        assert ships[name].shadow is None
    # A source and a day above each that follows a shop's rule.
    for part in shipped_text().split("\n\n")[1:-1]:
        assert re.search(r"^# Sources?, read \d{4}-\d\d-\d\d: ", part, re.MULTILINE), part.splitlines()[0]
    assert set(tomllib.loads(shipped_text())) == {"recipe"}
