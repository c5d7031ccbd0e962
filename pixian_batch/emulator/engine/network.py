"""A network on onnxruntime: pictures in, maps of the subject out. It decides nothing about them."""

from __future__ import annotations

import os
import re
import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Final

# Else onnxruntime 1.32 keeps a device id in the user's cache folder and looks up a telemetry host. `--local`
# promises no network, so this overrules the user's environment; it is read when the module is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from PIL import Image

from pixian_batch.emulator.engine.model import ModelError
from pixian_batch.emulator.engine.recipe import BUILT_IN, Answers, Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pixian_batch.emulator.engine.model import Model

    Map = NDArray[np.float32]

ort.disable_telemetry_events()

_SLACK: Final = 0.01
"""A probability may be so far outside of 0..1: 16-bit floats round."""


class Network:
    """One session. One picture at a time is in it, which bounds the memory."""

    def __init__(self, weights: bytes | str, recipe: Recipe, *, threads: int | None = None) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 4 if isinstance(weights, str) else 3
        options.intra_op_num_threads = threads or 0
        options.enable_mem_pattern = False  # as fast, and 200 MB less at the peak
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._lock = threading.Lock()
        self._mean = np.array(recipe.mean, np.float32)
        self._deviation = np.array(recipe.deviation, np.float32)
        self.recipe = recipe

    def look(self, picture: Image.Image) -> Map:
        """The map (0..1, of the network's size) of an RGB picture of any size."""
        answer = self._answer(picture)
        if self.recipe.answers is Answers.LOGITS:
            return np.asarray(1 / (1 + np.exp(-np.clip(answer, -30, 30))), np.float32)
        return answer

    def _answer(self, picture: Image.Image) -> Map:
        recipe = self.recipe
        small = picture.resize(recipe.side[::-1], Image.Resampling.LANCZOS)
        pixels = np.asarray(small, np.float32)
        white = max(float(pixels.max()), 1.0) if recipe.brightest else 255.0
        pixels = (pixels / white - self._mean) / self._deviation
        batch = np.ascontiguousarray(
            pixels.transpose(2, 0, 1)[np.newaxis], np.float16 if recipe.half else None
        )
        with self._lock:
            (answer,) = self._session.run([recipe.output], {recipe.input: batch})
        sides = answer.shape[-2:]
        return np.asarray(answer, np.float32).reshape(sides)


def built_in(*, threads: int | None = None) -> Network:
    """The network that comes with the package."""
    weights = files("pixian_batch.emulator.engine") / "weights" / "u2netp.fp16.onnx"
    return Network(weights.read_bytes(), BUILT_IN, threads=threads)


def of_user(model: Model, *, threads: int | None = None) -> Network:
    """The network of a user's file, which has answered once. Raises `ModelError`."""
    try:
        network = Network(model.path, model.recipe, threads=threads)
    except Exception as error:  # whatever the runtime finds wrong with the file
        raise ModelError(f"{model.path}: cannot be loaded here: {_plain(error)}") from error
    try:
        answer = network._answer(_noise())  # noqa: SLF001  # what comes before it is made a map
    except Exception as error:  # as above
        raise ModelError(
            f"{model.path}: does not take a picture of {model.recipe.side[1]} x {model.recipe.side[0]}; "
            f"try another --engine-size: {_plain(error)}"
        ) from error
    if problem := _problem(answer, model.recipe.answers):
        raise ModelError(f"{model.path}: {problem}")
    return network


def _noise() -> Image.Image:
    """A picture that has a little of everything."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


def _problem(answer: Map, answers: Answers) -> str:
    """What is wrong with the answer to noise."""
    if not np.isfinite(answer).all():
        return "its answers are no numbers; an export with 32-bit floats may work"
    if answers is Answers.PROBABILITY and (answer.min() < -_SLACK or answer.max() > 1 + _SLACK):
        return f"its answers ({answer.min():.3g} to {answer.max():.3g}) are no probabilities; add --engine-output logits"
    return ""


def _plain(error: Exception) -> str:
    """What the runtime said, without its codes, in one line."""
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split()))
    return text[:200] or type(error).__name__
