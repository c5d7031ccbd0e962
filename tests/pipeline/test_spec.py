"""What was asked for: which keys it leads to, which results it may not replace, where results go."""

from __future__ import annotations

from dataclasses import replace

from pixian_batch.contract.params import OutputFormat, Params
from pixian_batch.pipeline.spec import Spec
from pixian_batch.policy.decision import spares


def test_the_keys_of_a_run() -> None:
    plain = Spec(Params())
    assert plain.all_key_params() == [plain.key_params(rebuild=False)]
    delta = Spec(Params(output_format=OutputFormat.PNG), via_delta=True)
    direct, rebuilt = delta.all_key_params()
    assert direct != rebuilt
    assert "via=delta" in rebuilt.split(";")
    local = Spec(Params(), service="local", free=True)
    assert local.all_key_params() != plain.all_key_params(), "a local result is no purchase"
    assert Spec(Params(crop_to_foreground=True)).all_key_params() != plain.all_key_params()


def test_a_free_run_spares_what_was_paid_for_and_nothing_else() -> None:
    paid = Spec(Params()).key_params(rebuild=False)
    local = Spec(Params(), service="local", free=True)
    test = Spec(Params(test=True), free=True)
    free = [spec.key_params(rebuild=False) for spec in (local, test)]
    for spec in (local, test):
        for overwrite in (False, True):
            rules = replace(spec, overwrite=overwrite, replace=True).rules()
            assert spares(paid, rules)
            assert not any(spares(params, rules) for params in free)
    assert not any(spares(params, Spec(Params()).rules()) for params in [paid, *free])


def test_places_follow_the_result_s_format() -> None:
    for params, suffix in (
        (Params(), ".png"),
        (Params(output_format=OutputFormat.JPEG), ".jpg"),
        (Params(output_format=OutputFormat.DELTA_PNG), ".delta.png"),
    ):
        spec = Spec(params)
        assert spec.result_place("a/b.jpeg") == f"a/b{suffix}"
        assert spec.result_names(["b.jpeg", "c"]) == [f"b{suffix}", f"c{suffix}"]


def test_a_delta_is_asked_for_only_where_it_is_rebuilt() -> None:
    spec = Spec(Params(output_format=OutputFormat.PNG), via_delta=True)
    assert spec.request(rebuild=True).output_format is OutputFormat.DELTA_PNG
    assert spec.request(rebuild=False) == spec.params
