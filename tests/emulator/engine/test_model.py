"""A user's own network (`model.py`, `onnx_file.py`, `recipe.py`): recognised, refused with a reason, fed as its kind is, and known apart from others."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.onnx_models import HALF, Tiny, field, model, tensor, weights

from pixian_batch.emulator.engine import Engine, load_engine
from pixian_batch.emulator.engine.model import Model, ModelError, read_model
from pixian_batch.emulator.engine.onnx_file import NotOnnxError, read_graph
from pixian_batch.emulator.engine.recipe import BUILT_IN, Answers, Given, read_colour, recognised
from pixian_batch.emulator.settings import EmulatorSettings, EngineName, ModelChoice

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALVES = (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)


def loaded(model: Model) -> Engine:
    """On a thread of its own: the runtime changes the arithmetic of the one that loads it."""
    pytest.importorskip("onnxruntime", reason="the local engine's runtime is not installed")
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(load_engine, threads=1, model=model).result()


def disc(side: int = 120) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A red disc before blue, and where it is."""
    away = np.hypot(*(np.mgrid[:side, :side] - side / 2))
    mask: NDArray[np.bool_] = away < side * 0.35
    return np.where(mask[..., np.newaxis], (250, 20, 30), (10, 40, 200)).astype(np.uint8), mask


KINDS = [
    (Tiny(side=320, outputs=7), "U2-Net", (320, 320), IMAGENET, Answers.PROBABILITY),
    (Tiny(side=512, outputs=1), "U2-Net", (512, 512), IMAGENET, Answers.PROBABILITY),
    (Tiny(side=None, outputs=7), "U2-Net", (320, 320), IMAGENET, Answers.PROBABILITY),
    (Tiny(side=1024, outputs=6), "ISNet", (1024, 1024), HALVES, Answers.PROBABILITY),
    (Tiny(side=1024, outputs=12), "ISNet", (1024, 1024), HALVES, Answers.PROBABILITY),
    (Tiny(side=1024, outputs=1, tail="Identity"), "ISNet", (1024, 1024), HALVES, Answers.PROBABILITY),
    (Tiny(side=1024, sigmoid=False), "BiRefNet", (1024, 1024), IMAGENET, Answers.LOGITS),
    (Tiny(side=512, sigmoid=False), "BiRefNet", (512, 512), IMAGENET, Answers.LOGITS),
    (Tiny(side=None, sigmoid=False), "BiRefNet", (1024, 1024), IMAGENET, Answers.LOGITS),
    (Tiny(side=320, outputs=7, number=HALF), "U2-Net", (320, 320), IMAGENET, Answers.PROBABILITY),
    (Tiny(side=1024, sigmoid=False, number=HALF), "BiRefNet", (1024, 1024), IMAGENET, Answers.LOGITS),
]


@pytest.mark.parametrize(("tiny", "kind", "side", "colours", "answers"), KINDS)
def test_every_kind_is_recognised_and_cuts_out(
    tmp_path: Path, tiny: Tiny, kind: str, side: tuple[int, int], colours: object, answers: Answers
) -> None:
    own = read_model(str(tiny.write(tmp_path / "own.onnx")))
    recipe = own.recipe
    assert (recipe.kind, recipe.side, recipe.answers) == (kind, side, answers)
    assert (recipe.mean, recipe.deviation) == colours
    assert (recipe.input, recipe.output) == ("picture", "map0")
    rgb, mask = disc()
    alpha = loaded(own).matte(rgb)
    assert (alpha[mask] > 240).mean() > 0.97
    assert (alpha[~mask] < 15).mean() > 0.97


def test_what_is_given_goes_before_what_is_recognised(tmp_path: Path) -> None:
    path = str(Tiny(side=None, outputs=1).write(tmp_path / "own.onnx"))
    with pytest.raises(ModelError, match="add --engine-size"):
        read_model(path)
    mean, deviation = read_colour("0.1 0.2 0.3", "--engine-mean"), read_colour("1,1,1", "--engine-deviation")
    recipe = read_model(path, Given(size=64, mean=mean, deviation=deviation)).recipe
    assert (recipe.kind, recipe.side, recipe.mean, recipe.deviation) == (
        *("U2-Net", (64, 64)),
        *((0.1, 0.2, 0.3), (1.0, 1.0, 1.0)),
    )
    assert read_model(path, Given(answers=Answers.LOGITS)).recipe.kind == "BiRefNet"
    fixed = str(Tiny(side=320).write(tmp_path / "fixed.onnx"))
    assert read_model(fixed, Given(size=320)).recipe.side == (320, 320)
    with pytest.raises(ModelError, match="fixed at 320 x 320; leave the option out"):
        read_model(fixed, Given(size=640))


@pytest.mark.parametrize(
    "text", ["", "1 2", "a b c", "0.5 0.5 0.5 0.5", "123.7 116.3 103.5", "-0.1 0 0", "nan"]
)
def test_colours_that_cannot_be_meant_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"--engine-mean .*'0\.485 0\.456 0\.406'"):
        read_colour(text, "--engine-mean")
    with pytest.raises(ValueError, match="--engine-deviation"):
        read_colour("0 0 0", "--engine-deviation")


def several(*inputs: bytes, outputs: bytes = field(12, tensor("map", (1, 1, 8, 8)))) -> bytes:
    return model(b"".join(field(11, one) for one in inputs) + outputs)


RIGHT = tensor("picture", (1, 3, 8, 8))
WRONG = {
    "is no ONNX model": [
        b"",
        b"\x89PNG\r\n\x1a\n" + b"x" * 90,
        b"PK\x03\x04" + b"\0" * 200,
        b"\x08\x08\x3a\x7f",
    ],
    "has 2 inputs": [several(RIGHT, tensor("size", (2,)))],
    "has 0 inputs": [several()],
    "3 dimensions": [several(tensor("picture", (3, 8, 8)))],
    "the channels last": [several(tensor("picture", (1, 8, 8, 3)))],
    "takes 1 channels": [several(tensor("picture", (1, 1, 8, 8)))],
    "4 pictures at once": [several(tensor("picture", (4, 3, 8, 8)))],
    "is uint8": [several(tensor("picture", (1, 3, 8, 8), 2))],
    "none of its outputs is one map": [several(RIGHT, outputs=field(12, tensor("class", (1, 1000))))],
    "weights in another file": [
        several(
            RIGHT, outputs=field(12, tensor("map", (1, 1, 8, 8))) + field(5, field(8, "w") + field(14, 1))
        )
    ],
}


@pytest.mark.parametrize("reason", WRONG)
def test_a_file_that_cannot_be_used_is_told_why(tmp_path: Path, reason: str) -> None:
    for data in WRONG[reason]:
        (tmp_path / "own.onnx").write_bytes(data)
        with pytest.raises(ModelError, match=reason) as caught:
            read_model(str(tmp_path / "own.onnx"))
        assert str(caught.value).startswith(f"{tmp_path / 'own.onnx'}: ")


def test_no_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such file"):
        read_model(str(tmp_path / "none.onnx"))
    with pytest.raises(ModelError, match=r"is a folder; name the \.onnx file in it"):
        read_model(str(tmp_path))


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=4))
def test_damaged_files_are_never_read_as_something_else(junk: bytes, at: int, patch: bytes) -> None:
    whole = model(Tiny(outputs=2).graph())
    for data in (junk, whole[:at], whole[:at] + patch + whole[at + len(patch) :]):
        try:
            read_graph(memoryview(data))
        except NotOnnxError:
            continue


def test_the_built_in_network_is_recognised_as_what_it_is(tmp_path: Path) -> None:
    from importlib.resources import files

    data = (files("pixian_batch.emulator.engine") / "weights" / "u2netp.fp16.onnx").read_bytes()
    recipe = recognised(read_graph(memoryview(data)), Given())
    assert (recipe.side, recipe.mean, recipe.deviation) == (BUILT_IN.side, BUILT_IN.mean, BUILT_IN.deviation)
    assert (recipe.input, recipe.output, recipe.answers) == (
        BUILT_IN.input,
        BUILT_IN.output,
        BUILT_IN.answers,
    )
    assert recipe.brightest is BUILT_IN.brightest
    (tmp_path / "same.onnx").write_bytes(data)
    own, mask = loaded(read_model(str(tmp_path / "same.onnx"))), disc()[0]
    with ThreadPoolExecutor(1) as pool:
        assert (own.matte(mask) == pool.submit(load_engine, threads=1).result().matte(mask)).all()


def test_answers_that_are_no_probabilities_are_noticed_before_the_first_picture(tmp_path: Path) -> None:
    path = str(Tiny(side=32, sigmoid=False).write(tmp_path / "own.onnx"))
    with pytest.raises(ModelError, match="no probabilities; add --engine-output logits"):
        loaded(read_model(path, Given(answers=Answers.PROBABILITY)))


def test_an_operation_that_the_runtime_does_not_know_is_told_without_its_codes(tmp_path: Path) -> None:
    own = read_model(str(Tiny(side=32, tail="Unheard").write(tmp_path / "own.onnx")))
    with pytest.raises(ModelError, match=r"cannot be loaded here: .*Unheard") as caught:
        loaded(own)
    assert "ONNXRuntimeError" not in str(caught.value)


def test_a_size_that_the_network_cannot_take_is_told(tmp_path: Path) -> None:
    head = field(11, tensor("picture", (1, 3, "h", "w"))) + weights("like", [0.0] * 16, [1, 1, 4, 4])
    from support.onnx_models import node

    body = node("Add", ["picture", "like"], "sum") + node("Sigmoid", ["sum"], "map")
    path = tmp_path / "own.onnx"
    path.write_bytes(model(head + body + field(12, tensor("map", (1, 1, "h", "w")))))
    with pytest.raises(ModelError, match="does not take a picture of 48 x 48; try another --engine-size"):
        loaded(read_model(str(path), Given(size=48)))


def test_it_is_known_by_its_bytes_and_by_how_it_is_fed(tmp_path: Path) -> None:
    path = Tiny(side=None, outputs=7).write(tmp_path / "own.onnx")
    own = read_model(str(path))
    assert own.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_model(str(path), Given(size=320)).word == own.word, "the same, said aloud"
    others = [read_model(str(path), given) for given in (Given(size=640), Given(mean=(0.4, 0.4, 0.4)))]
    Tiny(side=None, outputs=7, gain=9.0).write(path)
    words = {own.word, *(other.word for other in others), read_model(str(path)).word}
    assert len(words) == 4


@pytest.mark.parametrize(
    ("files", "title"),
    [
        ({}, None),
        ({"LICENSE": "\n  Apache License\nVersion 2.0"}, "Apache License"),
        ({"licence.md": "# Mine\n"}, "Mine"),
        (
            {"own.onnx.license": "For research only\n", "LICENSE.txt": "of something else"},
            "For research only",
        ),
        ({"other.onnx.license": "of another one"}, None),
    ],
)
def test_the_licence_beside_it_is_read(tmp_path: Path, files: dict[str, str], title: str | None) -> None:
    path = Tiny().write(tmp_path / "own.onnx")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    own = read_model(str(path))
    assert (own.licence and own.licence.title) == title
    assert (title or "no licence text beside it") in own.about
    assert own.sha256 in own.about


def test_an_emulator_takes_it_in_place_of_its_own_only(tmp_path: Path) -> None:
    path = Tiny().write(tmp_path / "own.onnx")
    with pytest.raises(ValueError, match="takes the place of u2netp"):
        EmulatorSettings(engine=EngineName.PLAIN, model=ModelChoice(path=path))
    with pytest.raises(ValueError, match="about an engine_model"):
        ModelChoice(size=320)
    with pytest.raises(ValueError, match="--engine-mean"):
        ModelChoice(path=path, mean="grey")
