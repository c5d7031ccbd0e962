"""From what the ledger says was asked for, back to the options that ask for it: the same key again."""

from __future__ import annotations

import pytest

from pixian_batch.contract.params import FIELDS, Color, OutputFormat, Params, Size
from pixian_batch.pipeline.spec import Spec
from pixian_batch.review.asking import is_bare_delta, options_of, params_of


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        (Spec(Params()), []),
        (Spec(Params(test=True)), ["--test"]),
        (Spec(Params(crop_to_foreground=True)), ["--crop-to-foreground"]),
        (
            Spec(Params(background_color=Color(255, 0, 9))),
            ["--background-color", "#FF0009", "--output-format", "jpeg"],
        ),
        (Spec(Params(target_size=Size(1200, 800))), ["--target-size", "1200 800"]),
        (Spec(Params(), service="local"), ["--local"]),
        (Spec(Params(), service="local-u2net"), ["--local", "--engine-model", "MODEL.onnx"]),
    ],
)
def test_the_options_of_a_key(spec: Spec, options: list[str]) -> None:
    assert options_of(spec.key_params(rebuild=False)) == options


def test_every_parameter_comes_back() -> None:
    params = Params(
        max_pixels=4000, background_color=Color(1, 2, 3), jpeg_quality=80, output_format=OutputFormat.JPEG
    )
    read = params_of(Spec(params).key_params(rebuild=False))
    assert read == params
    assert {field.option for field in FIELDS} >= {
        word for word in options_of(Spec(params).key_params(rebuild=False)) if word.startswith("--")
    }


def test_deltas_and_conversions() -> None:
    rebuilt = Spec(Params(), via_delta=True).key_params(rebuild=True)
    assert options_of(rebuilt) == ["--via-delta"]
    assert not is_bare_delta(rebuilt)
    bare = Spec(Params(output_format=OutputFormat.DELTA_PNG)).key_params(rebuild=False)
    assert options_of(bare) == ["--output-format", "delta_png"]
    assert is_bare_delta(bare)
    assert options_of(Spec(Params()).key_params(rebuild=False, conversion="heic->jpeg")) == ["--convert"]
