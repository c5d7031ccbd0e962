"""What `render` makes by a shipped recipe complies with the profile of its name: both ship, and nobody has to compare them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.commands import here
from support.shop_pictures import product, put_picture

from pixian_batch.rendering.reading import shipped as shipped_recipes
from pixian_batch.review.profiles import shipped as shipped_profiles

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = {name: profile.recipe for name, profile in shipped_profiles().items() if profile.recipe}


def test_the_recipe_that_a_profile_advises_is_there() -> None:
    assert len(PAIRS) >= 5
    assert {name: recipe for name, recipe in PAIRS.items() if recipe not in shipped_recipes()} == {}


@pytest.mark.slow
def test_what_a_recipe_renders_complies_with_its_profile(tmp_path: Path) -> None:
    master = product((1600, 1200), fill=0.5)
    master.putalpha(master.convert("L").point(lambda grey: 0 if grey == 255 else 255))
    put_picture(tmp_path / "cut" / "ball.png", master)
    named = [word for recipe in PAIRS.values() for word in ("--recipe", str(recipe))]
    made = here("render", str(tmp_path / "cut"), *named, "--to", str(tmp_path / "shop"), "--jobs", "1")
    assert made.code == 0, made.err
    for name, recipe in PAIRS.items():
        seen = here(
            "check",
            str(tmp_path / "shop"),
            "--include",
            f"*_{recipe}.*",
            "--profile",
            name,
            "--json",
            "--strict",
        )
        first, _summary = map(json.loads, seen.out.splitlines())
        assert (first["status"], seen.code) == ("complies", 0), (name, first["broken"])
    # The measure can fail: the master itself does not comply with any of them that asks for a ground.
    assert here("check", str(tmp_path / "cut"), "--profile", "amazon-main").code == 13
