"""Which of the results that are here a recipe can be met from, and why it cannot. Pure: looks at no file.

A full transparent picture meets all. One that was cropped, margined or fitted into a size is good for recipes that
crop to the object themselves, and where a size was asked for then, only for ones that ask for no larger one. What
was laid on a background is gone. Where anything was paid for, a free result is no stand-in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from pixian_batch.contract.params import BY_WIRE, DEFAULT_MAX_PIXELS, Size
from pixian_batch.policy.record import converted, is_delta, is_free

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pixian_batch.rendering.recipe import VariantRecipe

_FORMAT, _BACKGROUND = "output.format", "background.color"


class Wholeness(IntEnum):
    """What a result still is of the full picture; the best first."""

    FULL = 0
    DELTA = 1
    FRAMED = 2
    """Transparent, but cropped, margined or scaled."""
    FLAT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A result that is here. params: its key's; identity: changes with its content.

    photos: where the photo may be, for a delta; digest: of the photo, 32 bytes; orientation: as the service said.
    """

    path: str
    params: str = ""
    size: int | None = None
    identity: str
    digest: bytes | None = None
    orientation: int | None = None
    photos: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether it cost nothing: made by --local or --test."""
        return is_free(self.params)

    @property
    def wholeness(self) -> Wholeness:
        """Told by what was asked for."""
        asked = _asked(self.params)
        if _BACKGROUND in asked or asked.get(_FORMAT) == "jpeg":
            return Wholeness.FLAT
        if any(name.startswith("result.") for name in asked):
            return Wholeness.FRAMED
        bare_delta = asked.get(_FORMAT) == "delta_png" and not is_delta(self.params)
        return Wholeness.DELTA if bare_delta else Wholeness.FULL

    @property
    def pixels(self) -> int:
        """The most that it can have."""
        return int(_asked(self.params).get("max_pixels", DEFAULT_MAX_PIXELS))


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why no result meets a recipe; hint: what to do."""

    reason: str
    hint: str


_AGAIN: Final = "add --keep-master to the run that buys: then one purchase serves every recipe"


def _asked(params: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in params.split(";") if part)
    return {name: value for name, _, value in pairs}


def ranked(results: Iterable[Stored]) -> list[Stored]:
    """The results of one image that may be used, the best first."""
    every = list(results)
    paid = [one for one in every if not one.is_free]
    return sorted(paid or every, key=lambda one: (one.wholeness, "test=true" in one.params, -one.pixels))


def unmet(stored: Stored, recipe: VariantRecipe) -> Unmet | None:
    """Why this result does not meet a recipe; None when it does."""
    match stored.wholeness:
        case Wholeness.FULL:
            return None
        case Wholeness.DELTA:
            return _undecodable(stored)
        case Wholeness.FLAT:
            how = "a background colour" if _BACKGROUND in _asked(stored.params) else "JPEG"
            return Unmet(f"its result was asked for with {how}: nothing of it is transparent", _AGAIN)
    if not recipe.fit.crops:
        hint = f"use a recipe with crop_to_foreground or fill, or {_AGAIN}"
        return Unmet("its result was cropped or fitted, and the recipe wants the whole picture", hint)
    return _too_small(stored, recipe)


def _undecodable(stored: Stored) -> Unmet | None:
    if converted(stored.params) is not None:
        hint = "convert the photo and decode the delta: pixian-batch decode"
        return Unmet("its result is a delta of a photo that was converted before it was sent", hint)
    if not stored.photos:
        return Unmet(
            "its result is a Delta PNG, and its photo is not known",
            "run with the photo once more: it is free",
        )
    return None


def _too_small(stored: Stored, recipe: VariantRecipe) -> Unmet | None:
    text = _asked(stored.params).get("result.target_size")
    if text is None:
        return None
    had = BY_WIRE["result.target_size"].read(text)
    wanted = recipe.target
    assert isinstance(had, Size)  # noqa: S101  # as its field reads it
    if wanted is not None and wanted.width <= had.width and wanted.height <= had.height:
        return None
    what = "its own size" if wanted is None else f"{wanted.width} x {wanted.height}"
    return Unmet(
        f"its result was scaled into {had.width} x {had.height}, and the recipe wants {what}", _AGAIN
    )
