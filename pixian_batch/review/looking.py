"""One result file -> its pixels and its measures, never raising for a strange file. Blocking; works in any process.

Writes nothing. What it is given and what it gives can be pickled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.review.measures import Asked, MatteMeasures

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result to be looked at."""

    path: str
    asked: Asked = field(default_factory=Asked)
    photo: str | None = None
    """The photo that it was made from, where that is still there: some measures need it."""
    delta: bool = False
    """The file is a Delta PNG itself (not one that a run has rebuilt): it stands for itself only together with its photo."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was seen of one result file."""

    measures: MatteMeasures
    result: Image.Image | None
    """Decoded, upright, RGB or RGBA, full size; None where it cannot be read. A Delta PNG whose photo is here is rebuilt."""
    photo: Image.Image | None
    """Decoded, upright, RGB: as small as `Looked` needs it, at least 800 pixels on its longer side if it has them."""


def look(file: ResultFile) -> Looked:
    """Decode a result (and its photo) once: for its measures, and for whoever wants a thumbnail from the same pixels."""
    raise NotImplementedError
