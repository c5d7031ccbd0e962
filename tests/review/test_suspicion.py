"""Reasons, their words and their order."""

from __future__ import annotations

from dataclasses import replace

from support import mattes

from pixian_batch.contract.params import Size
from pixian_batch.policy.look import Look, Suspicion
from pixian_batch.review.matte import Side
from pixian_batch.review.measures import MatteMeasures, measure
from pixian_batch.review.siblings import Siblings
from pixian_batch.review.suspicion import WEIGHTS, ReasonKind, assess

GOOD = MatteMeasures(
    size=Size(400, 300), area=0.25, place=(0.5, 0.5), islands=1, outline=1.1, edge_width=0.002
)


def reasons(measures: MatteMeasures, siblings: Siblings | None = None) -> dict[str, str]:
    return {str(reason.kind): reason.text for reason in assess(measures, siblings).reasons}


def test_a_good_result_has_no_reason() -> None:
    assert assess(GOOD).score == 0
    assert reasons(GOOD, Siblings([GOOD] * 20)) == {}
    assert reasons(measure(mattes.cut_out(mattes.disc()))) == {}


def test_each_reason_has_its_words() -> None:
    named = Look(None, Suspicion.FULL, "uncut: 100.0 % of it is opaque")
    for measures, told in (
        (replace(GOOD, look=named), {"full": "uncut: 100.0 % of it is opaque"}),
        (replace(GOOD, wanted=Size(800, 600)), {"size": "is 400 x 300, not 800 x 600"}),
        (replace(GOOD, area=0.044), {"small": "covers 4.4 % of the picture"}),
        (replace(GOOD, islands=7, stray=0.2), {"islands": "7 islands"}),
        (replace(GOOD, holes=1, hollow=0.1), {"holes": "1 hole"}),
        (replace(GOOD, holes=3, hollow=0.1), {"holes": "3 holes"}),
        (replace(GOOD, outline=4.0), {"ragged": "ragged outline"}),
        (replace(GOOD, edge_width=0.02), {"soft": "very soft edge"}),
        (replace(GOOD, mist=0.03), {"soft": "3.0 % of it is undecided"}),
        (replace(GOOD, halo=0.5), {"halo": "halo: 50 % of the edge is old background"}),
        (replace(GOOD, sharp_ground=1.0), {"ground": "what was cut away is as sharp as what was kept"}),
        (replace(GOOD, left_behind=0.1), {"missing": "something on the plain ground beside it was cut away"}),
        (MatteMeasures(problem="it is cut off"), {"unreadable": "cannot be looked at: it is cut off"}),
    ):
        assert reasons(measures) == told


def test_the_sides_that_are_touched_are_named() -> None:
    for sides, text in (
        ((Side.BOTTOM,), "touches the lower edge"),
        ((Side.BOTTOM, Side.LEFT), "touches the lower and left edge"),
        ((Side.TOP, Side.RIGHT, Side.LEFT), "touches the upper, right and left edge"),
        (tuple(Side), "touches all four edges"),
    ):
        assert reasons(replace(GOOD, sides=sides, frame=0.2)) == {"border": text}


def test_a_result_unlike_its_folder_is_told() -> None:
    folder = Siblings([GOOD] * 20)
    text = "covers 3.0 %, the others of its folder about 25.0 %"
    assert reasons(replace(GOOD, area=0.03), folder)["area"] == text
    assert reasons(replace(GOOD, place=(0.9, 0.5)), folder) == {
        "place": "stands elsewhere than the others of its folder"
    }


def test_small_is_no_reason_where_that_is_usual() -> None:
    small = replace(GOOD, area=0.04)
    assert "small" in reasons(small)
    assert "small" in reasons(replace(GOOD, area=0.05), Siblings([replace(GOOD, area=0.11)] * 20))
    assert set(reasons(replace(GOOD, area=0.03), Siblings([GOOD] * 20))) == {"area"}, (
        "not twice for one thing"
    )
    assert reasons(small, Siblings([small] * 20)) == {}


def test_the_nearer_to_nothing_the_surer() -> None:
    empty = Look(None, Suspicion.EMPTY, "nearly empty")
    scores = [assess(replace(GOOD, look=empty, area=area)).score for area in (0.019, 0.01, 0.0)]
    assert scores == sorted(scores)
    assert scores[0] > 0.5
    assert reasons(replace(GOOD, look=empty, area=0.01)) == {"empty": "nearly empty"}, "and not small, too"


def test_the_heaviest_reason_stands_first_and_several_are_more_than_one() -> None:
    many = assess(replace(GOOD, edge_width=0.02, outline=4.0, holes=2, hollow=0.1))
    weights = [reason.weight for reason in many.reasons]
    assert [reason.kind for reason in many.reasons] == [ReasonKind.SOFT, ReasonKind.RAGGED, ReasonKind.HOLES]
    assert weights == [WEIGHTS[reason.kind] for reason in many.reasons]
    assert max(weights) < many.score < 1


def test_every_reason_has_a_weight_and_those_of_a_run_their_names() -> None:
    assert set(WEIGHTS) == set(ReasonKind)
    assert all(0 < weight <= 1 for weight in WEIGHTS.values())
    assert {str(suspicion) for suspicion in Suspicion} <= {str(kind) for kind in ReasonKind}
