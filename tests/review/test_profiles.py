"""The shipped profiles are whole, and a profile's file is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixian_batch.contract.params import Color
from pixian_batch.review.profiles import ProfileError, find_profiles, read_profiles, shipped
from pixian_batch.review.rules import RULES


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_the_shipped_profiles_name_their_sources() -> None:
    assert {"amazon-main", "ebay", "etsy", "shopify", "google-shopping", "walmart"} <= set(shipped())
    for profile in shipped().values():
        assert profile.title, profile.name
        assert profile.checked, profile.name
        assert profile.sources, profile.name
        assert all(source.startswith("https://") for source in profile.sources), profile.name
        assert profile.errors, profile.name


def test_every_rule_is_used_by_a_shipped_profile_and_has_an_example_that_can_be_read(tmp_path: Path) -> None:
    used = {name for profile in shipped().values() for name, _value in (*profile.errors, *profile.warnings)}
    assert used == set(RULES)
    for name, rule in RULES.items():
        for example in rule.example.split(", or "):
            path = written(tmp_path / "one.toml", f"[profile.x.error]\n{name} = {example}\n")
            (profile,) = read_profiles(path)
            assert profile.errors[0][0] == name
            assert rule.demanded(profile.errors[0][1])


def test_amazons_numbers() -> None:
    amazon = shipped()["amazon-main"]
    errors, warnings = dict(amazon.errors), dict(amazon.warnings)
    assert amazon.background == Color(255, 255, 255)
    assert errors["min_fill"] == 0.85
    assert (errors["min_longer_side"], warnings["min_longer_side"]) == (500, 1000)
    assert warnings["max_bytes"] == 10_000_000


def test_own_profiles_come_from_a_file_of_several(tmp_path: Path) -> None:
    path = written(
        tmp_path / "shops.toml",
        '[profile.a.error]\naspect = "4:3"\n[profile.b]\nrecipe = "mine"\n[profile.b.warning]\nmin_width = 900\n',
    )
    a, b = find_profiles([path])
    assert (a.errors, a.warnings, a.background, a.recipe) == ((("aspect", (4, 3)),), (), None, None)
    assert (b.errors, b.warnings, b.recipe) == ((), (("min_width", 900),), "mine")
    assert find_profiles(["ebay", path, "ebay"]) == [shipped()["ebay"], a, b]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "[profile.x.error]\nmin_fil = 1",
            "profile x.error: there is no 'min_fil'",
            "did you mean min_fill?",
        ),
        ("[profile.x.errors]\nmin_width = 1", "there is no 'errors'", "did you mean error?"),
        ("[profil.x.error]\nmin_width = 1", "there is no 'profil'", "did you mean profile?"),
        ("[profile.x.error]\nmin_fill = 85", "min_fill = 85 is not a share in %", 'min_fill = "85%"'),
        ('[profile.x.error]\nmin_fill = "185%"', "is not a share in %", '"85%"'),
        ('[profile.x.error]\nmin_width = "9"', "is not a whole number", "min_width = 1000"),
        ("[profile.x.error]\nmin_width = true", "is not a whole number", "1000"),
        ("[profile.x.error]\nopaque = false", "can only be true", "opaque = true"),
        ('[profile.x.error]\nformats = ["jpg"]', "is not a list of jpeg, png", '["jpeg"'),
        ('[profile.x.error]\nbackground = "white"', "is no colour", '"#FFFFFF"'),
        ('[profile.x.error]\nbackground = { colour = "#FFFFFF" }', "is no colour", '"#FFFFFF"'),
        ('[profile.x.error]\naspect = "0:1"', "is not width:height", '"4:3"'),
        ('[profile.x.error]\nmax_bytes = "ten"', "is not a size in bytes", '"10MB"'),
        ("[profile.x]\ntitle = 5\n[profile.x.error]\nmin_width = 1", "title = 5 cannot be meant", "title ="),
        ('[profile.x]\nchecked = "today"\n[profile.x.error]\nmin_width = 1', "cannot be meant", "2026-"),
        (
            "[profile.x]\nsources = 5\n[profile.x.error]\nmin_width = 1",
            "sources is not a list",
            "sources = [",
        ),
        ('[profile.x]\ntitle = "x"', "profile x has no rule", "[profile.x.error]"),
        ("[profile.x]\nerror = 5", "is not a table", "its rules below"),
        ("", "holds no profile", "[profile.NAME.error]"),
        ("a = ", "it is not TOML", "key = value"),
        (
            '[profile.x.error]\nbackground = "#FFFFFF"\n[profile.x.warning]\nbackground = "#000000"',
            "asks for two colours of the ground",
            "two profiles",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_with_a_right_example(
    text: str, message: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(ProfileError) as caught:
        read_profiles(written(tmp_path / "mine.toml", text))
    assert message in str(caught.value)
    assert str(tmp_path / "mine.toml") in str(caught.value)
    assert hint in caught.value.hint


def test_a_name_that_is_nearly_a_profiles(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="'amazon'") as caught:
        find_profiles(["amazon"])
    assert "did you mean amazon-main?" in caught.value.hint
    with pytest.raises(ProfileError, match="cannot be read"):
        find_profiles([str(tmp_path / "gone.toml")])
    twice = written(tmp_path / "ebay.toml", "[profile.ebay.error]\nmin_width = 1\n")
    with pytest.raises(ProfileError, match="two profiles 'ebay'"):
        find_profiles(["ebay", twice])


def test_the_reference_names_every_rule_as_the_program_does() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/check-profiles.md").read_text("utf-8")
    for name, rule in RULES.items():
        assert f"| `{name}` | {rule.about} | `{rule.example.split(', or ')[0]}` |\n" in page, name
