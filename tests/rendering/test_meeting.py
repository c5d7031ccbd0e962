"""Which result meets which recipe: the table, and that nothing free stands in for what was paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.cutouts import recipe

from pixian_batch.rendering.meeting import Stored, Wholeness, ranked, unmet

if TYPE_CHECKING:
    from pathlib import Path

FULL = "output.format=png"
RECIPES = {"whole": "", "crops": "crop_to_foreground = true", "fits": 'fill = "80%"\ntarget_size = "100 100"'}
TABLE: dict[str, tuple[Wholeness, set[str]]] = {
    FULL: (Wholeness.FULL, {"whole", "crops", "fits"}),
    "max_pixels=1000;output.format=png": (Wholeness.FULL, {"whole", "crops", "fits"}),
    "output.format=delta_png;via=delta": (Wholeness.FULL, {"whole", "crops", "fits"}),
    "output.format=delta_png": (Wholeness.DELTA, {"whole", "crops", "fits"}),
    "output.format=delta_png;converted=webp->png/1": (Wholeness.DELTA, set()),
    "result.crop_to_foreground=true;output.format=png": (Wholeness.FRAMED, {"crops", "fits"}),
    "result.margin=5%;output.format=png": (Wholeness.FRAMED, {"crops", "fits"}),
    "result.target_size=100 100;output.format=png": (Wholeness.FRAMED, {"fits"}),
    "result.target_size=99 500;output.format=png": (Wholeness.FRAMED, set()),
    "background.color=#FFFFFF;output.format=png": (Wholeness.FLAT, set()),
    "output.format=jpeg": (Wholeness.FLAT, set()),
}


def stored(params: str) -> Stored:
    return Stored(path=params, params=params, identity=params, photos=("photo.jpg",))


def test_the_table(tmp_path: Path) -> None:
    recipes = {name: recipe(tmp_path, text) for name, text in RECIPES.items()}
    for params, (wholeness, met) in TABLE.items():
        one = stored(params)
        assert one.wholeness is wholeness, params
        assert {name for name, how in recipes.items() if unmet(one, how) is None} == met, params


def test_a_reason_and_a_way_out_are_always_told(tmp_path: Path) -> None:
    for params in TABLE:
        for text in RECIPES.values():
            problem = unmet(stored(params), recipe(tmp_path, text))
            assert problem is None or (problem.reason and problem.hint)
    assert (
        unmet(Stored(path="", params="output.format=delta_png", identity=""), recipe(tmp_path, ""))
        is not None
    )


def test_the_best_comes_first_and_nothing_free_stands_in_for_what_was_paid() -> None:
    paid = ["output.format=jpeg", "output.format=delta_png", "max_pixels=1000;output.format=png", FULL]
    free = [f"{FULL};service=local", f"test=true;{FULL}"]
    assert [one.params for one in ranked(map(stored, [*free, *paid]))] == [
        FULL,
        "max_pixels=1000;output.format=png",
        "output.format=delta_png",
        "output.format=jpeg",
    ]
    assert [one.params for one in ranked(map(stored, reversed(free)))] == free
