"""A user's own network in a file: which it is, under which licence, and how it is fed. Runs nothing.

Reading one is quick and needs no runtime: `plan` does it, too. What it is known by in a ledger changes with
its bytes and with how it is fed, so that another model's results are never taken for its own.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pixian_batch.emulator.engine import EngineMissingError
from pixian_batch.emulator.engine.onnx_file import NotOnnxError, read_graph
from pixian_batch.emulator.engine.recipe import Given, Recipe, RecipeError, recognised

if TYPE_CHECKING:
    from typing import BinaryIO

_LICENCE_BYTES: Final = 100_000
_NAMES: Final = ("license", "licence", "copying")


class ModelError(EngineMissingError):
    """A model file that cannot be used; the message says what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The text of the file at `path`."""

    path: str
    text: str

    @property
    def title(self) -> str:
        """The first line that says something."""
        lines = (line.strip(" \t#*=-") for line in self.text.splitlines())
        return next(filter(None, lines), "an empty text")[:100]


@dataclass(frozen=True, slots=True)
class Model:
    """A model file. sha256: of its bytes, in hexadecimal; licence: None when no text lies beside it."""

    path: str
    sha256: str
    recipe: Recipe
    licence: Licence | None

    @property
    def word(self) -> str:
        """What it is known by in a ledger: another one for other bytes, and for another recipe."""
        recipe = replace(self.recipe, kind="")  # only its name: what follows from it stands beside it
        return hashlib.sha256(f"{self.sha256} {recipe}".encode()).hexdigest()[:16]

    @property
    def about(self) -> str:
        """One line: which model, how it is fed, and its licence."""
        height, width = self.recipe.side
        licence = (
            "no licence text beside it"
            if self.licence is None
            else f"licence: {self.licence.title} ({self.licence.path})"
        )
        return f"{self.path} ({self.recipe.kind} kind, {width} x {height}, {self.recipe.answers}), sha256 {self.sha256}, {licence}"


def read_model(path: str, given: Given | None = None) -> Model:
    """The model in a file, read once as long as it does not change. Raises `ModelError`."""
    try:
        stat = os.stat(path)
    except OSError as error:
        raise ModelError(f"{path}: {_reason(error)}") from error
    return _read(path, given or Given(), (stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(1)
def _read(path: str, given: Given, _as_it_is: tuple[int, ...]) -> Model:
    try:
        with open(path, "rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            recipe = _recipe(stream, given)
    except OSError as error:
        raise ModelError(f"{path}: {_reason(error)}") from error
    except NotOnnxError:
        raise ModelError(
            f"{path}: is no ONNX model; export one (torch.onnx.export), and name its .onnx file"
        ) from None
    except RecipeError as error:
        raise ModelError(f"{path}: {error}") from None
    return Model(os.path.abspath(path), sha256, recipe, _licence_of(path))


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return (
        "is a folder; name the .onnx file in it"
        if isinstance(error, IsADirectoryError)
        else "cannot be read; check its rights"
    )


def _recipe(stream: BinaryIO, given: Given) -> Recipe:
    try:
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        raise NotOnnxError from None
    view = memoryview(data)
    try:
        graph = read_graph(view)
    finally:
        with suppress(BufferError):  # an exception still looks at it; it goes with that
            view.release()
            data.close()
    if graph.weights_elsewhere:
        raise RecipeError(
            "keeps its weights in another file; save it as one (onnx.save without external data)"
        )
    return recognised(graph, given)


def _licence_of(path: str) -> Licence | None:
    """PATH.license, else a file LICENSE* beside it."""
    folder, stem = os.path.split(os.path.abspath(path))
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return None
    own = [
        name for name in names if name.lower().startswith(tuple(f"{stem}.{word}".lower() for word in _NAMES))
    ]
    beside = [name for name in names if name.lower().startswith(_NAMES)]
    for name in own + beside:
        with (
            suppress(OSError),
            open(os.path.join(folder, name), encoding="utf-8", errors="replace") as stream,
        ):
            return Licence(os.path.join(folder, name), stream.read(_LICENCE_BYTES))
    return None
